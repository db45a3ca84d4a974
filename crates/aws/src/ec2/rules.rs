//! The rules of security groups, as EC2 reports them and as a scan wants them.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{Filter, SecurityGroup as Group, SecurityGroupRule as Reply};
use landing_engine::{CallError, Kind, Live, NodeName, Ready, Ref, Scan, reference};

use super::{SecurityGroup, SecurityGroupRule, Source};
use crate::{Aws, IntoCallError, tags};

/// Desired rules whose groups are there already, with the groups' ids in place: only such a rule can be recognised by what it says.
pub(super) fn wanted(scan: &Scan, groups: &[Group]) -> Vec<(NodeName, SecurityGroupRule)> {
    let id_of = |node: &NodeName| {
        let group = groups.iter().find(|group| scan.stack.node_of(&tags::read(group.tags())).as_ref() == Some(node))?;
        group.group_id().map(str::to_owned)
    };
    let lookup = |pointer: &reference::Pointer| id_of(&pointer.node).filter(|_| pointer.output == SecurityGroup::ID.name);
    let shape = |(node, shape): &(NodeName, serde_json::Value)| {
        let resolved = reference::resolve(shape, &lookup);
        let shape = serde_json::from_value(resolved.clone()).ok().filter(|_| !reference::is_open(&resolved))?;
        Some((node.clone(), shape))
    };
    scan.wanted.iter().filter_map(shape).collect()
}

/// Ingress rules only; egress is a field of the group.
pub(super) async fn list(cx: &Aws, filter: Filter) -> Result<Vec<Live<SecurityGroupRule>>, CallError> {
    let mut pages = cx.ec2.describe_security_group_rules().filters(filter).into_paginator().items().send();
    let mut found = Vec::new();
    while let Some(rule) = pages.next().await {
        let rule = rule.call("ec2:DescribeSecurityGroupRules")?;
        found.extend((rule.is_egress() != Some(true)).then(|| of(&rule)));
    }
    Ok(found)
}

/// The node's name is put in by the caller, who knows it from the tag, the state or the door.
pub(super) fn of(rule: &Reply) -> Live<SecurityGroupRule> {
    let id = rule.security_group_rule_id().unwrap_or_default().to_owned();
    let peer = rule.referenced_group_info().and_then(|group| group.group_id());
    let source = match (rule.prefix_list_id(), peer) {
        (Some(list), _) => Source::PrefixList(Ref::value(list.into())),
        (None, Some(group)) => Source::Group(Ref::value(group.into())),
        (None, None) => Source::Cidr(rule.cidr_ipv4().or(rule.cidr_ipv6()).unwrap_or_default().to_owned()),
    };
    Live {
        node: NodeName::new(SecurityGroupRule::NAME, &id),
        outputs: BTreeMap::new(),
        id,
        shape: SecurityGroupRule {
            group: Ref::value(rule.group_id().unwrap_or_default().into()),
            protocol: rule.ip_protocol().unwrap_or_default().to_owned(),
            from_port: rule.from_port().unwrap_or(-1),
            to_port: rule.to_port().unwrap_or(-1),
            source,
            description: rule.description().unwrap_or_default().to_owned(),
        },
        ready: Ready::Yes,
        tags: tags::read(rule.tags()),
        owned: true,
        untold: Vec::new(),
    }
}
