//! Cloud Map: the namespace of Service Connect.

pub mod namespace;

pub use namespace::Namespace;
