//! ECS on Fargate: cluster, task definitions, services and their rollouts.

pub mod cluster;
mod container;
mod readings;
mod revisions;
pub mod rollout;
pub mod service;
pub mod task_definition;
mod wiring;

pub use cluster::Cluster;
pub(crate) use readings::{cluster_and_name, last};
pub use rollout::Rollout;
pub use service::{Connect, Endpoint, Service, Target};
pub use task_definition::{Health, Port, TaskDefinition};
