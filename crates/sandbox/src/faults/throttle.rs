//! AWS's token buckets (catalogue, section 1.3): a call takes one token from each of its buckets, and is refused when one of them has none.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::call::Call;
use crate::clock::Millis;
use crate::services::is_read;
use crate::wire::Service;

/// Which bucket, how many tokens it holds, how many come back in a second.
#[derive(Clone, Debug, PartialEq)]
struct Bucket {
    name: String,
    burst: f64,
    refill: f64,
}

fn bucket(name: impl Into<String>, burst: f64, refill: f64) -> Bucket {
    Bucket { name: name.into(), burst, refill }
}

/// What is in the buckets that were ever used: tokens, and when they were counted.
#[derive(Debug, Default)]
pub(super) struct Buckets(BTreeMap<String, (f64, Millis)>);

impl Buckets {
    /// Takes the call's tokens, or none at all when one is missing.
    pub(super) fn take(&mut self, service: &Service, call: &Call, now: Millis) -> bool {
        let buckets = buckets_of(service, call);
        let filled: Vec<f64> = buckets.iter().map(|bucket| self.tokens(bucket, now)).collect();
        if filled.iter().any(|tokens| *tokens < 1.0) {
            return false;
        }
        for (bucket, tokens) in buckets.into_iter().zip(filled) {
            self.0.insert(bucket.name, (tokens - 1.0, now));
        }
        true
    }

    fn tokens(&self, bucket: &Bucket, now: Millis) -> f64 {
        let Some((tokens, counted)) = self.0.get(&bucket.name) else {
            return bucket.burst;
        };
        let seconds = now.saturating_sub(*counted) as f64 / 1000.0;
        bucket.burst.min(tokens + seconds * bucket.refill)
    }
}

/// A service without an entry has no bucket that the catalogue knows a figure of.
fn buckets_of(service: &Service, call: &Call) -> Vec<Bucket> {
    match service.name {
        "ec2" => vec![ec2(call)],
        "elbv2" => vec![bucket("elb", 40.0, 10.0), elbv2(&call.operation)],
        "ecs" => ecs(call),
        // What follows is unverified: AWS publishes no figures, or the catalogue marks them as estimates.
        "logs" => match call.operation.as_str() {
            "CreateLogGroup" | "DeleteLogGroup" | "DescribeLogGroups" | "PutRetentionPolicy" => {
                vec![bucket(format!("logs {}", call.operation), 10.0, 10.0)]
            }
            _ => Vec::new(),
        },
        "secretsmanager" => match call.operation.as_str() {
            "DescribeSecret" | "GetSecretValue" => vec![bucket("secretsmanager reads", 10_000.0, 10_000.0)],
            operation => vec![bucket(format!("secretsmanager {operation}"), 50.0, 50.0)],
        },
        "iam" if is_read(&call.operation) => vec![bucket("iam reads", 20.0, 20.0)],
        "iam" => vec![bucket("iam writes", 10.0, 10.0)],
        "cloudfront" if is_read(&call.operation) => vec![bucket("cloudfront reads", 10.0, 10.0)],
        "cloudfront" => vec![bucket("cloudfront writes", 2.0, 2.0)],
        "rds" => vec![bucket("rds", 10.0, 10.0)],
        "efs" => vec![bucket("efs", 10.0, 10.0)],
        "ecr" => vec![bucket(format!("ecr {}", call.operation), 20.0, 10.0)],
        "tagging" => vec![bucket("tagging", 15.0, 15.0)],
        _ => Vec::new(),
    }
}

/// Each API has a bucket of its own; asking for everything at once is drawn from a smaller one.
fn ec2(call: &Call) -> Bucket {
    let operation = call.operation.as_str();
    let (burst, refill) = match operation {
        "CreateNatGateway" | "DeleteNatGateway" | "AssociateNatGatewayAddress" => (10.0, 1.0),
        "CreateVpcEndpoint" | "ModifyVpcEndpoint" | "DeleteVpcEndpoints" => (4.0, 0.3),
        "CreateTags" | "DeleteTags" => (100.0, 10.0),
        _ if asks_for_everything(call) => return bucket(format!("ec2 {operation} without filter"), 50.0, 10.0),
        _ if is_read(operation) => (100.0, 20.0),
        _ => (50.0, 5.0),
    };
    bucket(format!("ec2 {operation}"), burst, refill)
}

fn asks_for_everything(call: &Call) -> bool {
    let wide = ["DescribeSecurityGroups", "DescribeNetworkInterfaces", "DescribeInstances"].contains(&call.operation.as_str());
    let narrowing = |input: &Value| {
        input.as_object().is_some_and(|map| {
            map.keys().any(|key| {
                key == "Filter" || key == "MaxResults" || key == "NextToken" || key.ends_with("Id") || key.ends_with("Name")
            })
        })
    };
    wide && !narrowing(&call.input)
}

fn elbv2(operation: &str) -> Bucket {
    match operation {
        "CreateLoadBalancer" | "SetSubnets" => bucket("elb load balancers", 10.0, 0.2),
        "RegisterTargets" | "DeregisterTargets" => bucket("elb targets", 20.0, 4.0),
        _ if is_read(operation) => bucket("elb reads", 40.0, 10.0),
        _ => bucket("elb changes", 20.0, 3.0),
    }
}

fn ecs(call: &Call) -> Vec<Bucket> {
    let shared = match call.operation.as_str() {
        "CreateCluster" | "DeleteCluster" | "UpdateCluster" | "UpdateClusterSettings" | "PutClusterCapacityProviders" => {
            ("clusters", 20.0, 1.0)
        }
        "DescribeClusters" | "ListClusters" => ("cluster reads", 50.0, 20.0),
        "RegisterTaskDefinition" | "DeregisterTaskDefinition" => ("task definitions", 20.0, 1.0),
        "DeleteTaskDefinitions" => ("task definition deletes", 5.0, 1.0),
        "DescribeTaskDefinition" | "ListTaskDefinitions" | "ListTaskDefinitionFamilies" => ("task definition reads", 50.0, 20.0),
        "CreateService" | "UpdateService" | "DeleteService" => ("services", 50.0, 5.0),
        "RunTask" | "StopTask" => ("tasks", 100.0, 40.0),
        "DescribeTasks" | "ListTasks" => ("task reads", 100.0, 20.0),
        "TagResource" | "UntagResource" => ("tags", 20.0, 10.0),
        "ListTagsForResource" => ("tag reads", 50.0, 20.0),
        _ => ("service reads", 100.0, 20.0),
    };
    let (name, burst, refill) = shared;
    let mut buckets = vec![bucket(format!("ecs {name}"), burst, refill)];
    if call.operation == "RunTask" {
        buckets.push(bucket("fargate RunTask", 20.0, 20.0));
    }
    buckets
}
