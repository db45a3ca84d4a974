//! Network interfaces that services hold in our subnets: while they live, AWS refuses to delete what they use.
//!
//! They belong to load balancers, tasks, databases and gateways, outlive them by minutes and cannot be removed by us. So whoever is about to delete what
//! they use looks first and waits, instead of sending calls that are sure to be refused, and says whom it waits for. Somebody else's interface never goes by
//! itself: it is waited for too, because its owner may be on the way out, and named with what frees it. Source: `aws-behaviours` 15.2.

use aws_sdk_ec2::types::NetworkInterface;
use aws_smithy_types::date_time::Format;
use landing_engine::kind::Holder;
use landing_engine::{CallError, Gone};

use super::filters;
use crate::{Aws, IntoCallError};

/// The interface that still uses the group (`group-id`) or the subnet (`subnet-id`). What an emulator lists need not hold anything there, and may stay for ever
/// (moto's NAT gateways leave theirs behind): its refusal decides.
pub(super) async fn user(cx: &Aws, filter: &str, id: &str) -> Result<Option<Gone>, CallError> {
    if cx.far_end.is_emulator() {
        return Ok(None);
    }
    holder(&list(cx, filter, id).await?)
}

/// The interface in the VPC that still has a public address.
pub(super) async fn public(cx: &Aws, vpc: &str) -> Result<Option<Gone>, CallError> {
    if cx.far_end.is_emulator() {
        return Ok(None);
    }
    let mut all = list(cx, "vpc-id", vpc).await?;
    all.retain(|interface| interface.association().is_some_and(|it| it.public_ip().is_some()));
    holder(&all)
}

pub(crate) async fn list(cx: &Aws, filter: &str, id: &str) -> Result<Vec<NetworkInterface>, CallError> {
    let listing = cx.ec2.describe_network_interfaces().filters(filters::filter(filter, id));
    let mut pages = listing.into_paginator().items().send();
    let mut found = Vec::new();
    while let Some(interface) = pages.next().await {
        found.push(interface.call("ec2:DescribeNetworkInterfaces")?);
    }
    Ok(found)
}

/// The first of them speaks for all. One that AWS frees by itself is named last: what somebody has to do something about comes first.
fn holder(all: &[NetworkInterface]) -> Result<Option<Gone>, CallError> {
    let first = all.iter().min_by_key(|interface| interface.requester_managed().unwrap_or(false));
    Ok(first.map(|interface| {
        let more = all.len() - 1;
        let by = match more {
            0 => name(interface),
            _ => format!("{} and {more} more", name(interface)),
        };
        Gone::Held(Holder { by, since: since(interface), help: help(interface) })
    }))
}

/// `network interface eni-1 of the load balancer shop-dev-alb`.
pub(crate) fn name(interface: &NetworkInterface) -> String {
    format!("network interface {} of {}", interface.network_interface_id().unwrap_or_default(), owner(interface))
}

/// When it was attached, as AWS writes times.
pub(crate) fn since(interface: &NetworkInterface) -> Option<String> {
    interface.attachment().and_then(|it| it.attach_time()).and_then(|time| time.fmt(Format::DateTime).ok())
}

/// What frees it.
pub(crate) fn help(interface: &NetworkInterface) -> String {
    let id = interface.network_interface_id().unwrap_or_default();
    let instance = interface.attachment().and_then(|attachment| attachment.instance_id());
    match instance {
        Some(instance) => format!("terminate {instance} or detach {id} from it, then run again"),
        None if interface.requester_managed().unwrap_or(false) => {
            format!("AWS frees it within minutes after {} is gone; if that one is not this stack's, delete it", owner(interface))
        }
        None => format!("it is nobody's but its maker's: aws ec2 delete-network-interface --network-interface-id {id}"),
    }
}

/// The description tells the owner: `ELB app/<name>/<id>`, `Interface for NAT Gateway nat-…`, `RDSNetworkInterface`; of a task it is the ARN of its
/// attachment.
pub(crate) fn owner(interface: &NetworkInterface) -> String {
    if let Some(instance) = interface.attachment().and_then(|attachment| attachment.instance_id()) {
        return format!("the instance {instance}");
    }
    let text = interface.description().unwrap_or_default();
    let after = |start: &str| text.strip_prefix(start).map(str::to_owned);
    if let Some(balancer) = after("ELB ") {
        // `app/<name>/<id>`, or the bare name of a classic one.
        return format!("the load balancer {}", balancer.split('/').nth(1).unwrap_or(&balancer));
    }
    match text {
        "" => "an owner that AWS does not name".to_owned(),
        "RDSNetworkInterface" => "a database".to_owned(),
        task if task.starts_with("arn:") && task.contains(":ecs:") => "a task of ECS".to_owned(),
        _ => after("Interface for NAT Gateway ")
            .map(|gateway| format!("the NAT gateway {gateway}"))
            .or_else(|| after("VPC Endpoint Interface ").map(|endpoint| format!("the VPC endpoint {endpoint}")))
            .or_else(|| after("EFS mount target for ").map(|target| format!("the EFS mount target for {target}")))
            .or_else(|| after("AWS Lambda VPC ENI-").map(|function| format!("the Lambda function {function}")))
            .unwrap_or_else(|| format!("“{text}”")),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{NetworkInterface, NetworkInterfaceAttachment};

    use super::{help, name};

    /// Every owner of the catalogue's table, and those that are somebody's own.
    #[test]
    fn an_interface_names_its_owner() {
        let managed = |text: &str| {
            NetworkInterface::builder().network_interface_id("eni-1").description(text).requester_managed(true).build()
        };
        let texts = [
            "ELB app/shop-dev-alb/50dc6c495c0c9188",
            "ELB net/shop-dev-nlb/50dc6c495c0c9188",
            "arn:aws:ecs:us-west-2:123456789012:attachment/0a1b",
            "RDSNetworkInterface",
            "Interface for NAT Gateway nat-1",
            "VPC Endpoint Interface vpce-1",
            "EFS mount target for fs-1 (fsmt-1)",
            "AWS Lambda VPC ENI-resize-1",
            "",
        ];
        let named: Vec<String> = texts.iter().map(|text| name(&managed(text))).collect();
        insta::assert_snapshot!(named.join("\n"), @r"
        network interface eni-1 of the load balancer shop-dev-alb
        network interface eni-1 of the load balancer shop-dev-nlb
        network interface eni-1 of a task of ECS
        network interface eni-1 of a database
        network interface eni-1 of the NAT gateway nat-1
        network interface eni-1 of the VPC endpoint vpce-1
        network interface eni-1 of the EFS mount target for fs-1 (fsmt-1)
        network interface eni-1 of the Lambda function resize-1
        network interface eni-1 of an owner that AWS does not name
        ");
        let own = NetworkInterface::builder().network_interface_id("eni-2").description("spare");
        let attachment = NetworkInterfaceAttachment::builder().instance_id("i-1").build();
        let instance = own.clone().attachment(attachment).build();
        let (own, managed) = (own.build(), managed("RDSNetworkInterface"));
        insta::assert_snapshot!([name(&own), help(&own), name(&instance), help(&instance), help(&managed)].join("\n"), @r"
        network interface eni-2 of “spare”
        it is nobody's but its maker's: aws ec2 delete-network-interface --network-interface-id eni-2
        network interface eni-2 of the instance i-1
        terminate i-1 or detach eni-2 from it, then run again
        AWS frees it within minutes after a database is gone; if that one is not this stack's, delete it
        ");
    }
}
