//! ECS on Fargate: cluster, task definitions, services and their rollouts, jobs.

mod cause;
pub mod cluster;
mod container;
mod diagnosis;
pub mod job;
mod previous;
mod readings;
mod revisions;
pub mod rollout;
mod runs;
pub mod service;
pub mod task_definition;
mod volumes;
mod wiring;

pub use cluster::Cluster;
pub(crate) use diagnosis::Wards;
pub use job::Job;
pub(crate) use job::job_is_done;
pub use previous::{Ended, last_ended};
pub(crate) use readings::{cluster_and_name, describe_services, last};
pub use rollout::Rollout;
pub(crate) use runs::Runs;
pub use service::{Connect, Endpoint, Service, Target};
pub use task_definition::{Health, Port, TaskDefinition, Volume};
