//! EC2: the network.

mod filters;
pub mod subnet;
pub mod vpc;

pub use subnet::Subnet;
pub use vpc::Vpc;
