//! Roles.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{document, missing, page, read_tags};
use crate::call::Call;
use crate::clock::{Millis, iso};
use crate::fault::Fault;
use crate::services::{quotas, s3, secretsmanager};
use crate::tags::{self, Tags};
use crate::wire::Reply;
use crate::world::World;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Role {
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) id: String,
    pub(crate) arn: String,
    pub(crate) created: Millis,
    pub(crate) description: Option<String>,
    pub(crate) max_session: i64,
    pub(crate) boundary: Option<String>,
    pub(crate) trust: Value,
    pub(crate) tags: Tags,
    /// Inline policies by name.
    pub(crate) inline: BTreeMap<String, Value>,
    /// ARNs of attached managed policies.
    pub(crate) attached: Vec<String>,
}

pub(super) fn find<'w>(world: &'w mut World, call: &Call) -> Result<&'w mut Role, Fault> {
    let name = missing(call, "RoleName")?;
    world
        .iam
        .roles
        .get_mut(&name.to_lowercase())
        .ok_or_else(|| Fault::new("NoSuchEntity", format!("The role with name {name} cannot be found.")).status(404))
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let name = missing(call, "RoleName")?;
    if name.len() > 64 || !name.chars().all(|c| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c)) {
        return Err(Fault::new(
            "ValidationError",
            "1 validation error detected: Value at 'roleName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]+ and have length less than or equal to 64",
        ));
    }
    let text = missing(call, "AssumeRolePolicyDocument")?;
    let description = described(call)?;
    let max_session = session(call)?.unwrap_or(3600);
    let path = call.opt("Path").unwrap_or_else(|| "/".into());
    if !path.starts_with('/') || !path.ends_with('/') {
        return Err(Fault::new(
            "ValidationError",
            "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.",
        ));
    }
    let tags = read_tags(&call.input["Tags"])?;
    let trust = document::trust(world, &text)?;
    if world.iam.roles.contains_key(&name.to_lowercase()) {
        return Err(Fault::new("EntityAlreadyExists", format!("Role with name {name} already exists.")).status(409));
    }
    quotas::ROLES.one_more(world, world.iam.roles.len())?;
    let role = Role {
        arn: format!("arn:aws:iam::{}:role{path}{name}", world.account),
        id: format!("AROA{}", &world.hex().to_uppercase()[..17]),
        name: name.clone(),
        path,
        created: world.now,
        description,
        max_session,
        boundary: call.opt("PermissionsBoundary"),
        trust,
        tags,
        inline: BTreeMap::new(),
        attached: Vec::new(),
    };
    let reply = json!({ "Role": shown(&role, true) });
    world.iam.roles.insert(name.to_lowercase(), role);
    Ok(reply.into())
}

pub(super) fn get(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    Ok(json!({ "Role": shown(find(world, call)?, true) }).into())
}

pub(super) fn update(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let (description, max_session) = (described(call)?, session(call)?);
    let role = find(world, call)?;
    if description.is_some() {
        role.description = description;
    }
    role.max_session = max_session.unwrap_or(role.max_session);
    Ok(json!({}).into())
}

pub(super) fn update_trust(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    find(world, call)?;
    let trust = document::trust(world, &missing(call, "PolicyDocument")?)?;
    find(world, call)?.trust = trust;
    Ok(Value::Null.into())
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let role = find(world, call)?;
    if !role.attached.is_empty() {
        return Err(conflict("Cannot delete entity, must detach all policies first."));
    }
    if !role.inline.is_empty() {
        return Err(conflict("Cannot delete entity, must delete policies first."));
    }
    let key = role.name.to_lowercase();
    if let Some(gone) = world.iam.roles.remove(&key) {
        forget(world, &gone);
    }
    Ok(Value::Null.into())
}

/// Policies that named the role hold its unique id from now on, which a new role of the same name does not get (catalogue, section 2).
fn forget(world: &mut World, gone: &Role) {
    for role in world.iam.roles.values_mut() {
        document::rename(&mut role.trust, &gone.arn, &gone.id);
    }
    for policy in s3::policies_mut(world) {
        document::rename(policy, &gone.arn, &gone.id);
    }
    for policy in secretsmanager::policies_mut(world) {
        document::rename(policy, &gone.arn, &gone.id);
    }
}

fn conflict(message: &str) -> Fault {
    Fault::new("DeleteConflict", message).status(409)
}

pub(super) fn tag(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let tags = read_tags(&call.input["Tags"])?;
    let role = find(world, call)?;
    role.tags.extend(tags);
    Ok(Value::Null.into())
}

pub(super) fn untag(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let role = find(world, call)?;
    call.strings("TagKeys").iter().for_each(|key| drop(role.tags.remove(key)));
    Ok(Value::Null.into())
}

/// Without tags and description's friends: `ListRoles` is short on purpose (section 4.1).
pub(super) fn list(world: &World, call: &Call) -> Result<Reply, Fault> {
    let prefix = call.opt("PathPrefix").unwrap_or_else(|| "/".into());
    let roles = world.iam.roles.values().filter(|role| role.path.starts_with(&prefix));
    Ok(page(call, "Roles", roles.map(|role| shown(role, false)).collect()).into())
}

pub(super) fn list_tags(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let tags = tags::upper(&find(world, call)?.tags);
    Ok(page(call, "Tags", tags.as_array().cloned().unwrap_or_default()).into())
}

/// Instance profiles are not modelled, so there is none.
pub(super) fn instance_profiles(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    find(world, call)?;
    Ok(page(call, "InstanceProfiles", Vec::new()).into())
}

pub(super) fn authorization_details(world: &World, call: &Call) -> Result<Reply, Fault> {
    let filter = call.strings("Filter");
    let wanted = ["Role", "User", "Group", "LocalManagedPolicy", "AWSManagedPolicy"];
    if let Some(bad) = filter.iter().find(|kind| !wanted.contains(&kind.as_str())) {
        return Err(Fault::new(
            "ValidationError",
            format!("1 validation error detected: Value '[{bad}]' at 'filter' failed to satisfy constraint"),
        ));
    }
    let roles = world.iam.roles.values().filter(|_| filter.is_empty() || filter.iter().any(|kind| kind == "Role"));
    let details = roles.map(|role| {
        let mut out = shown(role, true);
        let inline = role.inline.iter();
        out["RolePolicyList"] =
            inline.map(|(name, policy)| json!({ "PolicyName": name, "PolicyDocument": document::encoded(policy) })).collect();
        out["AttachedManagedPolicies"] = super::policies::attached(role);
        out["InstanceProfileList"] = json!([]);
        if let Some(out) = out.as_object_mut() {
            // Neither is part of `RoleDetail`.
            out.remove("Description");
            out.remove("MaxSessionDuration");
        }
        out
    });
    let mut reply = page(call, "RoleDetailList", details.collect());
    for empty in ["UserDetailList", "GroupDetailList", "Policies"] {
        reply[empty] = json!([]);
    }
    Ok(reply.into())
}

fn described(call: &Call) -> Result<Option<String>, Fault> {
    let description = call.opt("Description");
    let ok = description.as_ref().is_none_or(|text| text.chars().count() <= 1000 && text.chars().all(|c| u32::from(c) <= 0xff));
    if ok {
        Ok(description)
    } else {
        Err(Fault::new(
            "ValidationError",
            "1 validation error detected: Value at 'description' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\u0009\\u000A\\u000D\\u0020-\\u007E\\u00A1-\\u00FF]*",
        ))
    }
}

fn session(call: &Call) -> Result<Option<i64>, Fault> {
    let seconds = call.number("MaxSessionDuration");
    let ok = seconds.is_none_or(|seconds| (3600..=43200).contains(&seconds));
    if ok {
        Ok(seconds)
    } else {
        Err(Fault::new(
            "ValidationError",
            "1 validation error detected: Value at 'maxSessionDuration' failed to satisfy constraint: Member must have value between 3600 and 43200",
        ))
    }
}

fn shown(role: &Role, tags: bool) -> Value {
    let mut out = json!({
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": role.id,
        "Arn": role.arn,
        "CreateDate": iso(role.created),
        "AssumeRolePolicyDocument": document::encoded(&role.trust),
        "Description": role.description,
        "MaxSessionDuration": role.max_session,
    });
    if let Some(arn) = &role.boundary {
        out["PermissionsBoundary"] = json!({ "PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn });
    }
    if tags {
        out["Tags"] = tags::upper(&role.tags);
        out["RoleLastUsed"] = json!({});
    }
    out
}
