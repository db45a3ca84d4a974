//! The kinds of AWS objects that `landing` knows, one file each, by service; the clients; the error classes.
//!
//! This crate knows AWS and nothing of compose files, and it prints nothing.

mod calls;
mod client;
mod document;
mod errors;
mod ids;
mod memo;
mod secrets;
mod tags;

pub mod ec2;

pub use calls::CallCounts;
pub use client::{Aws, Connection};
pub use errors::IntoCallError;
pub use ids::*;
pub use secrets::SecretValues;
