//! Security-group rules (catalogue, 3.10): one rule has one source.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::call::{Call, text};
use crate::fault::Fault;
use crate::services::quotas;
use crate::tags::{self, Tags};
use crate::wire::Reply;
use crate::world::World;

use super::listing::Listing;
use super::permission::{self, Permission, Source};
use super::{group, lookup, prefix_list, tagging};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Rule {
    pub(crate) id: String,
    pub(crate) group: String,
    pub(crate) egress: bool,
    pub(crate) permission: Permission,
    pub(crate) tags: Tags,
}

pub(super) fn insert(world: &mut World, group: &str, egress: bool, permission: Permission, tags: Tags) -> String {
    let id = world.id("sgr-");
    let rule = Rule { id: id.clone(), group: group.to_owned(), egress, permission, tags };
    world.ec2.rules.insert(id.clone(), rule);
    id
}

/// The rule of a group that lets the same through.
fn find<'a>(world: &'a World, group: &str, egress: bool, permission: &Permission) -> Option<&'a Rule> {
    world.ec2.rules.values().find(|it| it.group == group && it.egress == egress && it.permission.same_as(permission))
}

/// Whether rules of `groups` let TCP in on `port` from an interface with that address in the groups `from`.
pub(crate) fn admits(world: &World, groups: &[String], from: &[String], address: &str, port: i64) -> bool {
    let into = world.ec2.rules.values().filter(|rule| !rule.egress && groups.contains(&rule.group));
    let covers = |it: &Permission| it.protocol == "-1" || it.protocol == "tcp" && (it.from..=it.to).contains(&port);
    into.map(|rule| &rule.permission).filter(|permission| covers(permission)).any(|permission| match &permission.source {
        Source::Group(group) => from.contains(group),
        Source::Ipv4(block) => {
            let block: Option<ipnet::Ipv4Net> = block.parse().ok();
            block.zip(address.parse().ok()).is_some_and(|(block, address): (_, std::net::Ipv4Addr)| block.contains(&address))
        }
        Source::Ipv6(_) | Source::PrefixList(_) => false,
    })
}

fn duplicate(permission: &Permission) -> Fault {
    let Permission { protocol, from, to, source, .. } = permission;
    let (Source::Ipv4(peer) | Source::Ipv6(peer) | Source::Group(peer) | Source::PrefixList(peer)) = source;
    let message = format!(
        "the specified rule \"peer: {peer}, {}, from port: {from}, to port: {to}, ALLOW\" already exists",
        protocol.to_uppercase()
    );
    Fault::new("InvalidPermission.Duplicate", message)
}

/// One duplicate fails the whole call.
pub(super) fn authorize(world: &mut World, call: &Call, egress: bool) -> Result<Reply, Fault> {
    let group = group::named(world, call)?;
    let tags = tagging::given(call, "security-group-rule")?;
    let permissions = permission::given(world, call, &group)?;
    for (index, new) in permissions.iter().enumerate() {
        if find(world, &group, egress, new).is_some() {
            return Err(duplicate(new));
        }
        if permissions[..index].iter().any(|other| other.same_as(new)) {
            return Err(lookup::invalid("The same permission must not appear multiple times"));
        }
    }
    check_quota(world, &group, egress, &permissions)?;
    let ids: Vec<String> = permissions.into_iter().map(|new| insert(world, &group, egress, new, tags.clone())).collect();
    let rules: Vec<Value> = ids.iter().filter_map(|id| world.ec2.rules.get(id)).map(|rule| render(world, rule)).collect();
    Ok(json!({ "return": true, "securityGroupRuleSet": rules }).into())
}

/// Rules count by direction and family; one that names a group counts in both, one that names a prefix list as much as the list weighs (catalogue, 3.10).
fn check_quota(world: &World, group: &str, egress: bool, new: &[Permission]) -> Result<(), Fault> {
    let present = world.ec2.rules.values().filter(|rule| rule.group == group && rule.egress == egress);
    let all = || present.clone().map(|rule| &rule.permission).chain(new);
    let weight = |permission: &Permission, six: bool| match &permission.source {
        Source::Ipv4(_) => u64::from(!six),
        Source::Ipv6(_) => u64::from(six),
        Source::Group(_) => 1,
        Source::PrefixList(list) => {
            if six {
                0
            } else {
                prefix_list::weight(world, list)
            }
        }
    };
    for six in [false, true] {
        quotas::GROUP_RULES.at_most(world, all().map(|permission| weight(permission, six)).sum())?;
    }
    Ok(())
}

/// By rule ids or by properties. In the default VPC what is not there is no error but listed.
pub(super) fn revoke(world: &mut World, call: &Call, egress: bool) -> Result<Reply, Fault> {
    let group = group::named(world, call)?;
    let ids = call.strings("SecurityGroupRuleId");
    let (found, unknown) = if ids.is_empty() {
        by_properties(world, call, &group, egress)?
    } else {
        for id in &ids {
            let rule = world.ec2.rules.get(id).filter(|rule| rule.group == group && rule.egress == egress);
            rule.ok_or_else(|| lookup::no_rule(id))?;
        }
        (ids, Vec::new())
    };
    let removed: Vec<Rule> = found.iter().filter_map(|id| world.ec2.rules.remove(id)).collect();
    let revoked: Vec<Value> = removed.iter().map(|rule| revoked(&rule.id, rule)).collect();
    let unknown: Vec<&Rule> = unknown.iter().collect();
    Ok(json!({
        "return": true,
        "unknownIpPermissionSet": permissions(world, &unknown),
        "revokedSecurityGroupRuleSet": revoked,
    })
    .into())
}

fn by_properties(world: &World, call: &Call, group: &str, egress: bool) -> Result<(Vec<String>, Vec<Rule>), Fault> {
    let forgiving = world.ec2.vpc(&world.ec2.group(group)?.vpc)?.default;
    let (mut found, mut unknown) = (Vec::new(), Vec::new());
    for permission in permission::given(world, call, group)? {
        match find(world, group, egress, &permission) {
            Some(rule) => found.push(rule.id.clone()),
            None if forgiving => {
                unknown.push(Rule { id: String::new(), group: group.to_owned(), egress, permission, tags: Tags::new() })
            }
            None => {
                let message = "The specified rule does not exist in this security group.";
                return Err(Fault::new("InvalidPermission.NotFound", message));
            }
        }
    }
    Ok((found, unknown))
}

fn revoked(id: &str, rule: &Rule) -> Value {
    let mut map = plain(rule);
    map.insert("securityGroupRuleId".into(), id.into());
    Value::Object(map)
}

/// Replaces ports, range and description; the kind of source stays.
pub(super) fn modify(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let group = call.need("GroupId", "MissingParameter")?;
    world.ec2.group(&group)?;
    if call.list("SecurityGroupRule").is_empty() {
        return Err(Fault::new("MissingParameter", "The request must contain the parameter securityGroupRules"));
    }
    let mut changed: Vec<Rule> = Vec::new();
    for update in call.list("SecurityGroupRule") {
        let id = text(&update["SecurityGroupRuleId"]).unwrap_or_default();
        let old = world.ec2.rules.get(&id).filter(|rule| rule.group == group).ok_or_else(|| lookup::no_rule(&id))?;
        let new = replacement(world, &group, &update["SecurityGroupRule"])?;
        if std::mem::discriminant(&old.permission.source) != std::mem::discriminant(&new.source) {
            return Err(lookup::invalid(format!("The source kind of rule {id} cannot be changed")));
        }
        if find(world, &group, old.egress, &new).is_some_and(|other| other.id != id) {
            return Err(duplicate(&new));
        }
        changed.push(Rule { permission: new, ..old.clone() });
    }
    world.ec2.rules.extend(changed.into_iter().map(|rule| (rule.id.clone(), rule)));
    Ok(json!({ "return": true }).into())
}

fn replacement(world: &World, group: &str, request: &Value) -> Result<Permission, Fault> {
    let (protocol, from, to) = permission::ports(request)?;
    let field = |name: &str| text(&request[name]);
    let source = match (field("CidrIpv4"), field("CidrIpv6"), field("ReferencedGroupId"), field("PrefixListId")) {
        (Some(block), None, None, None) => permission::ipv4(&block)?,
        (None, Some(block), None, None) => permission::ipv6(&block)?,
        (None, None, Some(id), None) => permission::group(world, group, &id)?,
        (None, None, None, Some(id)) => Source::PrefixList(prefix_list::known(world, &id)?),
        _ => {
            return Err(lookup::invalid("Exactly one of cidrIpv4, cidrIpv6, referencedGroupId and prefixListId must be given"));
        }
    };
    Ok(Permission { protocol, from, to, source, description: permission::described(request)? })
}

pub(super) fn update_descriptions(world: &mut World, call: &Call, egress: bool) -> Result<Reply, Fault> {
    let group = group::named(world, call)?;
    let mut changes: Vec<(String, Option<String>)> = Vec::new();
    for each in call.list("SecurityGroupRuleDescription") {
        let id = text(&each["SecurityGroupRuleId"]).unwrap_or_default();
        world
            .ec2
            .rules
            .get(&id)
            .filter(|rule| rule.group == group && rule.egress == egress)
            .ok_or_else(|| lookup::no_rule(&id))?;
        changes.push((id, permission::described(each)?));
    }
    if changes.is_empty() {
        for permission in permission::given(world, call, &group)? {
            let missing =
                || Fault::new("InvalidPermission.NotFound", "The specified rule does not exist in this security group.");
            let rule = find(world, &group, egress, &permission).ok_or_else(missing)?;
            changes.push((rule.id.clone(), permission.description));
        }
    }
    for (id, description) in changes {
        if let Some(rule) = world.ec2.rules.get_mut(&id) {
            rule.permission.description = description;
        }
    }
    Ok(json!({ "return": true }).into())
}

const LISTING: Listing = Listing {
    set: "securityGroupRuleSet",
    ids: ("SecurityGroupRuleId", "securityGroupRuleId"),
    not_found: lookup::no_rule,
    filters: &[("group-id", "groupId"), ("security-group-rule-id", "securityGroupRuleId")],
};

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    LISTING.answer(call, world.ec2.rules.values().map(|rule| render(world, rule)).collect())
}

fn render(world: &World, rule: &Rule) -> Value {
    let mut map = plain(rule);
    if let Source::Group(id) = &rule.permission.source {
        map.shift_remove("referencedGroupId");
        let vpc = world.ec2.groups.get(id).map(|group| &group.vpc);
        map.insert("referencedGroupInfo".into(), json!({ "groupId": id, "userId": world.account, "vpcId": vpc }));
    }
    map.insert("securityGroupRuleId".into(), rule.id.as_str().into());
    map.insert("securityGroupRuleArn".into(), world.arn("ec2", &format!("security-group-rule/{}", rule.id)).into());
    map.insert("groupOwnerId".into(), world.account.as_str().into());
    map.insert("tagSet".into(), tags::lower(&rule.tags));
    Value::Object(map)
}

/// What the answers of `Describe…` and `Revoke…` have in common.
fn plain(rule: &Rule) -> Map<String, Value> {
    let Permission { protocol, from, to, source, description } = &rule.permission;
    let (key, value) = match source {
        Source::Ipv4(block) => ("cidrIpv4", block),
        Source::Ipv6(block) => ("cidrIpv6", block),
        Source::Group(id) => ("referencedGroupId", id),
        Source::PrefixList(id) => ("prefixListId", id),
    };
    let mut map = Map::new();
    map.insert("groupId".into(), rule.group.as_str().into());
    map.insert("isEgress".into(), rule.egress.into());
    map.insert("ipProtocol".into(), protocol.as_str().into());
    map.insert("fromPort".into(), (*from).into());
    map.insert("toPort".into(), (*to).into());
    map.insert(key.into(), value.as_str().into());
    if let Some(description) = description {
        map.insert("description".into(), description.as_str().into());
    }
    map
}

/// Rules as `IpPermissions`: those with the same protocol and ports in one.
pub(super) fn permissions(world: &World, rules: &[&Rule]) -> Vec<Value> {
    let mut keys: Vec<(&str, i64, i64)> = rules.iter().map(|it| key(it)).collect();
    keys.sort_unstable();
    keys.dedup();
    keys.into_iter()
        .map(|(protocol, from, to)| {
            let (mut ipv4, mut ipv6, mut groups, mut lists) = (vec![], vec![], vec![], vec![]);
            for rule in rules.iter().filter(|rule| key(rule) == (protocol, from, to)) {
                let description = &rule.permission.description;
                match &rule.permission.source {
                    Source::Ipv4(block) => ipv4.push(json!({ "cidrIp": block, "description": description })),
                    Source::Ipv6(block) => ipv6.push(json!({ "cidrIpv6": block, "description": description })),
                    Source::Group(id) => {
                        groups.push(json!({ "groupId": id, "userId": world.account, "description": description }))
                    }
                    Source::PrefixList(id) => lists.push(json!({ "prefixListId": id, "description": description })),
                }
            }
            let port = |port: i64| (protocol != "-1").then_some(port);
            json!({
                "ipProtocol": protocol, "fromPort": port(from), "toPort": port(to),
                "ipRanges": ipv4, "ipv6Ranges": ipv6, "groups": groups, "prefixListIds": lists,
            })
        })
        .collect()
}

fn key(rule: &Rule) -> (&str, i64, i64) {
    (&rule.permission.protocol, rule.permission.from, rule.permission.to)
}
