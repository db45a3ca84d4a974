//! ECR: where images live.

mod images;
pub mod repository;

pub use repository::Repository;
