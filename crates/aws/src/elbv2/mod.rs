//! Elastic Load Balancing v2: application and network load balancers.

mod action;
mod balancers;
mod groups;
pub mod listener;
pub mod load_balancer;
mod reading;
pub mod rule;
mod rules;
pub mod target_group;

pub use action::Action;
pub use listener::Listener;
pub use load_balancer::LoadBalancer;
pub use rule::Rule;
pub use target_group::TargetGroup;
