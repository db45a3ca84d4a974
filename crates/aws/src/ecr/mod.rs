//! ECR: where images live.

pub mod image;
mod making;
pub mod repository;
mod standing;

pub use image::Image;
pub use making::Bench;
pub use repository::Repository;
pub use standing::{Standing, StandingImages};
