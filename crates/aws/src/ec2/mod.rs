//! EC2: the network.

mod egress;
pub mod elastic_ip;
pub(crate) mod filters;
pub(crate) mod interfaces;
pub mod internet_gateway;
mod lookup;
pub mod nat_gateway;
mod permission;
pub mod route_table;
mod routes;
mod rules;
pub mod security_group;
pub mod security_group_rule;
pub mod subnet;
pub mod vpc;
pub mod vpc_endpoint;

pub use elastic_ip::ElasticIp;
pub use internet_gateway::InternetGateway;
pub use nat_gateway::NatGateway;
pub use route_table::RouteTable;
pub use security_group::{Egress, SecurityGroup};
pub use security_group_rule::{SecurityGroupRule, Source};
pub use subnet::Subnet;
pub use vpc::Vpc;
pub use vpc_endpoint::VpcEndpoint;
