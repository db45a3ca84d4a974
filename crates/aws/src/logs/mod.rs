//! CloudWatch Logs.

pub mod group;

pub use group::Group;
pub(crate) use group::delete_if_there;
