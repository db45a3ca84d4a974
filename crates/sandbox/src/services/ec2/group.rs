//! Security group (catalogue, 3.9); its rules are in [`super::rule`].

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::Call;
use crate::fault::Fault;
use crate::services::quotas;
use crate::tags::{self, Tags};
use crate::wire::Reply;
use crate::world::World;

use super::listing::Listing;
use super::lookup::invalid;
use super::permission::{Permission, Source};
use super::rule::{self, Rule};
use super::{lookup, tagging};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) vpc: String,
    pub(crate) tags: Tags,
}

impl Group {
    pub(super) fn is_default(&self) -> bool {
        self.name == "default"
    }
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let name = call.need("GroupName", "MissingParameter")?;
    let description = call.need("GroupDescription", "MissingParameter")?;
    check(&name, "groupName")?;
    check(&description, "groupDescription")?;
    if name.to_lowercase().starts_with("sg-") {
        return Err(invalid(format!("Invalid group name: {name}. Group names may not be in the format sg-*.")));
    }
    if name.eq_ignore_ascii_case("default") {
        return Err(invalid(format!("Cannot use reserved security group name: {name}")));
    }
    let vpc = match call.opt("VpcId") {
        Some(id) => world.ec2.vpc(&id)?.id.clone(),
        None => default_vpc(world)?,
    };
    let tags = tagging::given(call, "security-group")?;
    if world.ec2.groups.values().any(|it| it.vpc == vpc && it.name.to_lowercase() == name.to_lowercase()) {
        let message = format!("The security group '{name}' already exists for VPC '{vpc}'");
        return Err(Fault::new("InvalidGroup.Duplicate", message));
    }
    quotas::SECURITY_GROUPS.one_more(world, world.ec2.groups.len())?;
    let id = make(world, &vpc, &name, &description, tags);
    let group = world.ec2.group(&id)?;
    let arn = world.arn("ec2", &format!("security-group/{id}"));
    Ok(json!({ "groupId": id, "tagSet": tags::lower(&group.tags), "securityGroupArn": arn }).into())
}

fn default_vpc(world: &World) -> Result<String, Fault> {
    let missing = || Fault::new("VPCIdNotSpecified", "No default VPC for this user");
    world.ec2.default_vpc().map(|vpc| vpc.id.clone()).ok_or_else(missing)
}

fn check(text: &str, parameter: &str) -> Result<(), Fault> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(c);
    if text.is_empty() || text.chars().count() > 255 || !text.chars().all(allowed) {
        let rule = "Character sets beyond ASCII are not supported: a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*, at most 255";
        return Err(invalid(format!("Value ({text}) for parameter {parameter} is invalid. {rule}.")));
    }
    Ok(())
}

/// A group with the egress rule that lets everything out.
fn make(world: &mut World, vpc: &str, name: &str, description: &str, tags: Tags) -> String {
    let id = world.id("sg-");
    let group = Group { id: id.clone(), name: name.to_owned(), description: description.to_owned(), vpc: vpc.to_owned(), tags };
    world.ec2.groups.insert(id.clone(), group);
    rule::insert(world, &id, true, Permission::everything(Source::Ipv4("0.0.0.0/0".into())), Tags::new());
    id
}

pub(super) fn make_default(world: &mut World, vpc: &str) {
    let id = make(world, vpc, "default", "default VPC security group", Tags::new());
    rule::insert(world, &id, false, Permission::everything(Source::Group(id.clone())), Tags::new());
}

/// By id, or by name in the default VPC.
pub(super) fn named(world: &World, call: &Call) -> Result<String, Fault> {
    if let Some(id) = call.opt("GroupId") {
        return world.ec2.group(&id).map(|group| group.id.clone());
    }
    let name = call.need("GroupName", "MissingParameter")?;
    let vpc = default_vpc(world)?;
    let found = world.ec2.groups.values().find(|it| it.vpc == vpc && it.name == name).map(|it| it.id.clone());
    found.ok_or_else(|| {
        Fault::new("InvalidGroup.NotFound", format!("The security group '{name}' does not exist in default VPC '{vpc}'"))
    })
}

const LISTING: Listing = Listing {
    set: "securityGroupInfo",
    ids: ("GroupId", "groupId"),
    not_found: lookup::no_group,
    filters: &[
        ("group-id", "groupId"),
        ("group-name", "groupName"),
        ("description", "groupDescription"),
        ("vpc-id", "vpcId"),
        ("owner-id", "ownerId"),
        ("ip-permission.cidr", "ipPermissions.ipRanges.cidrIp"),
        ("ip-permission.from-port", "ipPermissions.fromPort"),
        ("ip-permission.to-port", "ipPermissions.toPort"),
        ("ip-permission.protocol", "ipPermissions.ipProtocol"),
        ("ip-permission.group-id", "ipPermissions.groups.groupId"),
        ("ip-permission.prefix-list-id", "ipPermissions.prefixListIds.prefixListId"),
        ("egress.ip-permission.cidr", "ipPermissionsEgress.ipRanges.cidrIp"),
        ("egress.ip-permission.group-id", "ipPermissionsEgress.groups.groupId"),
        ("egress.ip-permission.protocol", "ipPermissionsEgress.ipProtocol"),
    ],
};

const BY_NAME: Listing = Listing {
    ids: ("GroupName", "groupName"),
    not_found: |name| Fault::new("InvalidGroup.NotFound", format!("The security group '{name}' does not exist")),
    ..LISTING
};

/// Names mean groups of the default VPC only.
pub(super) fn describe(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let default = (!call.list("GroupName").is_empty()).then(|| default_vpc(world)).transpose()?;
    let groups = world.ec2.groups.values().filter(|group| default.as_ref().is_none_or(|vpc| group.vpc == *vpc));
    let items = LISTING.select(call, groups.map(|group| render(world, group)).collect())?;
    BY_NAME.answer(call, items)
}

fn render(world: &World, group: &Group) -> Value {
    let rules = |egress: bool| -> Vec<&Rule> {
        world.ec2.rules.values().filter(|rule| rule.group == group.id && rule.egress == egress).collect()
    };
    json!({
        "groupId": group.id,
        "groupName": group.name,
        "groupDescription": group.description,
        "vpcId": group.vpc,
        "ownerId": world.account,
        "securityGroupArn": world.arn("ec2", &format!("security-group/{}", group.id)),
        "ipPermissions": rule::permissions(world, &rules(false)),
        "ipPermissionsEgress": rule::permissions(world, &rules(true)),
        "tagSet": tags::lower(&group.tags),
    })
}

/// Interfaces that use it hold it, and rules of other groups that name it.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = named(world, call)?;
    if world.ec2.group(&id)?.is_default() {
        let message = format!("the specified group: \"{id}\" name: \"default\" cannot be deleted by a user");
        return Err(Fault::new("CannotDelete", message));
    }
    let referenced = world.ec2.rules.values().any(|rule| rule.group != id && rule.permission.source == Source::Group(id.clone()));
    if referenced || world.ec2.interfaces.values().any(|interface| interface.groups.contains(&id)) {
        return Err(Fault::new("DependencyViolation", format!("resource {id} has a dependent object")));
    }
    world.ec2.rules.retain(|_, rule| rule.group != id);
    world.ec2.groups.remove(&id);
    Ok(json!({ "return": true, "groupId": id }).into())
}
