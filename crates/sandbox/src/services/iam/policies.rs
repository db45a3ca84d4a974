//! A role's inline policies and attached managed policies.

use serde_json::{Value, json};

use super::role::{Role, find};
use super::{document, missing, page};
use crate::call::Call;
use crate::fault::Fault;
use crate::services::quotas;
use crate::wire::Reply;
use crate::world::World;

/// Those of AWS's managed policies that a stack like ours may name; any other ARN does not exist here.
const MANAGED: &[&str] = &[
    "AdministratorAccess",
    "AmazonEC2ContainerRegistryFullAccess",
    "AmazonEC2ContainerRegistryPowerUser",
    "AmazonEC2ContainerRegistryReadOnly",
    "AmazonECS_FullAccess",
    "AmazonS3FullAccess",
    "AmazonS3ReadOnlyAccess",
    "AmazonSSMManagedInstanceCore",
    "AmazonSSMReadOnlyAccess",
    "AWSXRayDaemonWriteAccess",
    "CloudFrontFullAccess",
    "CloudWatchAgentServerPolicy",
    "CloudWatchLogsFullAccess",
    "PowerUserAccess",
    "ReadOnlyAccess",
    "SecretsManagerReadWrite",
    "SecurityAudit",
    "job-function/ViewOnlyAccess",
    "service-role/AmazonECSTaskExecutionRolePolicy",
    "service-role/AmazonRDSEnhancedMonitoringRole",
];

fn none(message: String) -> Fault {
    Fault::new("NoSuchEntity", message).status(404)
}

pub(super) fn put(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let (name, text) = (missing(call, "PolicyName")?, missing(call, "PolicyDocument")?);
    let role = find(world, call)?;
    let policy = document::permissions(&text)?;
    let others = role.inline.iter().filter(|(other, _)| **other != name).map(|(_, policy)| policy.to_string().len());
    let size = others.sum::<usize>() + policy.to_string().len();
    quotas::INLINE_POLICIES.at_most(world, size as u64)?;
    find(world, call)?.inline.insert(name, policy);
    Ok(Value::Null.into())
}

pub(super) fn get(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let name = missing(call, "PolicyName")?;
    let role = find(world, call)?;
    let policy = role.inline.get(&name).ok_or_else(|| none(format!("The role policy with name {name} cannot be found.")))?;
    Ok(json!({ "RoleName": role.name, "PolicyName": name, "PolicyDocument": document::encoded(policy) }).into())
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let name = missing(call, "PolicyName")?;
    let removed = find(world, call)?.inline.remove(&name);
    removed.ok_or_else(|| none(format!("The role policy with name {name} cannot be found.")))?;
    Ok(Value::Null.into())
}

pub(super) fn list(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let names = find(world, call)?.inline.keys().map(|name| json!(name)).collect();
    Ok(page(call, "PolicyNames", names).into())
}

pub(super) fn attach(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let arn = missing(call, "PolicyArn")?;
    let role = find(world, call)?;
    if !arn.strip_prefix("arn:aws:iam::aws:policy/").is_some_and(|name| MANAGED.contains(&name)) {
        return Err(none(format!("Policy {arn} does not exist or is not attachable.")));
    }
    if !role.attached.contains(&arn) {
        let have = role.attached.len();
        quotas::ATTACHED_POLICIES.one_more(world, have)?;
        find(world, call)?.attached.push(arn);
    }
    Ok(Value::Null.into())
}

pub(super) fn detach(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let arn = missing(call, "PolicyArn")?;
    let role = find(world, call)?;
    let at = role.attached.iter().position(|other| *other == arn);
    role.attached.remove(at.ok_or_else(|| none(format!("Policy {arn} was not found.")))?);
    Ok(Value::Null.into())
}

pub(super) fn list_attached(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let policies = attached(find(world, call)?);
    Ok(page(call, "AttachedPolicies", policies.as_array().cloned().unwrap_or_default()).into())
}

pub(super) fn attached(role: &Role) -> Value {
    let name = |arn: &str| arn.rsplit('/').next().unwrap_or_default().to_owned();
    role.attached.iter().map(|arn| json!({ "PolicyName": name(arn), "PolicyArn": arn })).collect()
}
