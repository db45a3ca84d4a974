//! The kinds of AWS objects that `landing` knows, one file each, by service; the clients; the error classes.
//!
//! This crate knows AWS and nothing of compose files, and it prints nothing.

mod answer;
mod calls;
mod client;
mod document;
mod errors;
mod far_end;
mod ids;
mod memo;
mod ownership;
mod pace;
mod quotas;
mod removals;
mod secrets;
mod tags;
mod time;
mod transport;

pub mod cloudfront;
pub mod ec2;
pub mod ecr;
pub mod ecs;
pub mod efs;
pub mod elbv2;
pub mod iam;
pub mod leftovers;
pub mod logs;
pub mod rds;
pub mod s3;
pub mod secretsmanager;
pub mod servicediscovery;
pub mod smoke;
pub mod state;

pub use calls::{CallCounts, is_change, is_read};
pub use client::{Aws, Connection, InProcess};
pub use errors::{IntoCallError, missing_action};
pub use far_end::FarEnd;
pub use ids::*;
pub use secrecy::SecretString;
pub use secrets::SecretValues;

use std::sync::Arc;

use landing_engine::Registry;

/// Every kind, over one connection. A new kind is one line here.
pub fn registry(aws: &Arc<Aws>) -> Registry {
    Registry::default()
        .doubting(aws.far_end.is_emulator())
        .with::<ec2::Vpc>(aws)
        .with::<ec2::InternetGateway>(aws)
        .with::<ec2::Subnet>(aws)
        .with::<ec2::ElasticIp>(aws)
        .with::<ec2::NatGateway>(aws)
        .with::<ec2::RouteTable>(aws)
        .with::<ec2::SecurityGroup>(aws)
        .with::<ec2::SecurityGroupRule>(aws)
        .with::<ec2::VpcEndpoint>(aws)
        .with::<iam::Role>(aws)
        .with::<iam::OidcProvider>(aws)
        .with::<ecr::Repository>(aws)
        .with::<ecr::Image>(aws)
        .with::<secretsmanager::Secret>(aws)
        .with::<rds::SubnetGroup>(aws)
        .with::<rds::Instance>(aws)
        .with::<efs::FileSystem>(aws)
        .with::<efs::MountTarget>(aws)
        .with::<efs::AccessPoint>(aws)
        .with::<logs::Group>(aws)
        .with::<servicediscovery::Namespace>(aws)
        .with::<ecs::Cluster>(aws)
        .with::<ecs::TaskDefinition>(aws)
        .with::<ecs::Service>(aws)
        .with::<ecs::Rollout>(aws)
        .with::<ecs::Job>(aws)
        .with::<elbv2::LoadBalancer>(aws)
        .with::<elbv2::TargetGroup>(aws)
        .with::<elbv2::Listener>(aws)
        .with::<elbv2::Rule>(aws)
        .with::<s3::Bucket>(aws)
        .with::<s3::BucketPolicy>(aws)
        .with::<s3::Site>(aws)
        .with::<cloudfront::OriginAccessControl>(aws)
        .with::<cloudfront::Function>(aws)
        .with::<cloudfront::Distribution>(aws)
}
