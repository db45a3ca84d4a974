//! Secrets Manager: values that nobody but the services may see.

pub mod composed;
mod reading;
pub mod secret;
mod standing;
mod value;

pub use composed::Part;
pub use secret::Secret;
pub(crate) use standing::current_version;
pub use standing::{Standing, standing};
pub use value::SecretSource;
