//! The kinds of AWS objects that `landing` knows, one file each, by service; the clients; the error classes.
//!
//! This crate knows AWS and nothing of compose files, and it prints nothing.

mod calls;
mod client;
mod document;
mod errors;
mod ids;
mod memo;
mod ownership;
mod owner;
mod named;
mod secrets;
mod sets;
mod tags;

pub mod cloudfront;
pub mod ec2;
pub mod elbv2;
pub mod ecr;
pub mod iam;
pub mod logs;
pub mod rds;
pub mod secretsmanager;
pub mod ecs;
pub mod s3;
pub mod servicediscovery;

pub use calls::CallCounts;
pub use client::{Aws, Connection};
pub use errors::IntoCallError;
pub use ids::*;
pub use secrets::SecretValues;
