//! Secrets Manager: values that nobody but the services may see.

mod reading;
pub mod secret;
mod value;

pub use secret::Secret;
pub use value::SecretSource;
