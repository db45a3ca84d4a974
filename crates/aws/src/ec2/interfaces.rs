//! Network interfaces that services hold in our subnets: while they live, AWS refuses to delete what they use.
//!
//! They belong to load balancers, tasks, databases and gateways, outlive them by minutes and cannot be removed by us. So whoever is about to delete what
//! they use looks first and waits, instead of sending calls that are sure to be refused. Source: `aws-behaviours` 15.2.

use aws_sdk_ec2::types::NetworkInterface;
use landing_engine::CallError;

use super::filters;
use crate::{Aws, IntoCallError};

/// The interface that still uses the group (`group-id`) or the subnet (`subnet-id`), in words for people.
pub(super) async fn user(cx: &Aws, filter: &str, id: &str) -> Result<Option<String>, CallError> {
    first(cx, filter, id, |_| true).await
}

/// The interface in the VPC that still has a public address.
pub(super) async fn public(cx: &Aws, vpc: &str) -> Result<Option<String>, CallError> {
    first(cx, "vpc-id", vpc, |interface| interface.association().is_some_and(|it| it.public_ip().is_some())).await
}

async fn first(
    cx: &Aws,
    filter: &str,
    id: &str,
    counts: impl Fn(&NetworkInterface) -> bool,
) -> Result<Option<String>, CallError> {
    let listing = cx.ec2.describe_network_interfaces().filters(filters::filter(filter, id));
    let mut pages = listing.into_paginator().items().send();
    while let Some(interface) = pages.next().await {
        let interface = interface.call("ec2:DescribeNetworkInterfaces")?;
        if counts(&interface) {
            return Ok(Some(format!("network interface of {}", owner(&interface))));
        }
    }
    Ok(None)
}

/// The description tells the owner: `ELB app/…`, `Interface for NAT Gateway nat-…`, `RDSNetworkInterface`; of a task it is the ARN of its attachment.
fn owner(interface: &NetworkInterface) -> String {
    let id = interface.network_interface_id().unwrap_or_default();
    match interface.description().unwrap_or_default() {
        "" => format!("an unknown owner ({id})"),
        task if task.starts_with("arn:") && task.contains(":ecs:") => "a task that was stopped".to_owned(),
        "RDSNetworkInterface" => "a database".to_owned(),
        text => text.trim_start_matches("Interface for ").to_owned(),
    }
}
