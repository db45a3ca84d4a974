//! IAM: who may do what.

pub mod oidc_provider;
mod policies;
pub mod role;

pub use oidc_provider::OidcProvider;
pub use role::Role;
