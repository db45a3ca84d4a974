//! CloudWatch Logs.

pub mod group;

pub use group::Group;
