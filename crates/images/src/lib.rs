//! Container images: what one is made from, under which tag it stands in a registry, and how the machine's own builder makes and pushes it.
//!
//! An image is described by a [`Recipe`]. Its tag is a hash of the recipe and of every file that a build can see, so the same sources have the same tag on
//! every machine, and an image that stands under that tag need not be built. What a build is given is a copy of exactly those files ([`stage`]): the tag
//! cannot leave out something that the builder used.
//!
//! This crate knows no AWS and prints nothing. It reads the project's folder, and runs the builder.

mod builder;
mod context;
mod explain;
mod ignore;
mod login;
mod recipe;
mod run;
mod stage;
mod tag;
mod workshop;

pub use builder::{Builder, Tool, Unavailable};
pub use context::ContextError;
pub use explain::{BuildError, Cause};
pub use ignore::Ignore;
pub use login::Login;
pub use recipe::{Baked, BakedSource, Base, Build, Recipe, SecretSource};
pub use run::{Died, Invocation, run};
pub use tag::{TAG_PREFIX, Tagger};
pub use workshop::{Built, Workshop};
