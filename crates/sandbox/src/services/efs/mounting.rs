//! What a task meets that mounts a file system: its name, its mount target, whoever guards it. In AWS's words, as far as reports of others have them.

use serde_json::Value;

use super::file_system;
use crate::call::{strings, text};
use crate::services::{ec2, iam, network};
use crate::world::World;

/// The task that wants to mount.
pub(crate) struct Mount<'a> {
    pub(crate) subnet: &'a str,
    /// Its network interface's.
    pub(crate) groups: &'a [String],
    pub(crate) address: &'a str,
    /// ARN of its role.
    pub(crate) role: Option<&'a str>,
}

const NFS: i64 = 2049;
pub(crate) const TIMED_OUT: &str = "b'mount.nfs4: Connection timed out'";
pub(crate) const DENIED: &str = "b'mount.nfs4: access denied by server while mounting 127.0.0.1:/'";

/// Why a volume of a task definition cannot be mounted.
pub(crate) fn cannot_mount(world: &World, volume: &Value, by: &Mount<'_>) -> Option<String> {
    let of = &volume["efsVolumeConfiguration"];
    let id = text(&of["fileSystemId"])?;
    let zone = network::subnet(world, by.subnet).map(|place| place.zone)?;
    let here = |target: &&super::MountTarget| target.file_system == id && target.zone == zone && target.is_known(world.now);
    let Some(target) = world.efs.mount_targets.values().find(here) else {
        return Some(unresolved(world, &id));
    };
    let groups = world.ec2.interfaces.get(&target.interface).map(|interface| interface.groups.as_slice()).unwrap_or_default();
    if !ec2::admits(world, groups, by.groups, by.address, NFS) {
        return Some(TIMED_OUT.into());
    }
    (!lets_in(world, &id, of, by.role)).then(|| DENIED.into())
}

pub(crate) fn unresolved(world: &World, id: &str) -> String {
    format!(
        "Failed to resolve \"{id}.efs.{}.amazonaws.com\" - check that your file system ID is correct, and ensure that the VPC has an EFS mount target for this file system ID. See https://docs.aws.amazon.com/console/efs/mount-dns-name for more detail.",
        world.region
    )
}

/// Without a policy of its own the file system lets everybody in; with one that allows nothing, only a role that allows it does.
fn lets_in(world: &World, id: &str, of: &Value, role: Option<&str>) -> bool {
    let Some(file_system) = world.efs.file_systems.get(id) else { return false };
    let access = &of["authorizationConfig"];
    let point = text(&access["accessPointId"]);
    if point.as_ref().is_some_and(|point| world.efs.access_points.get(point).is_none_or(|it| it.file_system != id)) {
        return false;
    }
    if file_system.policy.is_none() {
        return true;
    }
    let as_role = of["transitEncryption"] == "ENABLED" && access["iam"] == "ENABLED";
    let role = role.filter(|_| as_role).and_then(|arn| world.iam.role_by_arn(arn));
    let point = point.map(|point| super::access_point::arn(world, &point));
    role.is_some_and(|role| {
        let statements = role.inline.values().flat_map(iam::statements);
        statements.into_iter().any(|statement| allows(statement, &file_system::arn(world, id), point.as_deref()))
    })
}

fn allows(statement: &Value, file_system: &str, point: Option<&str>) -> bool {
    let named = |key: &str, sought: &str| strings(&statement[key]).iter().any(|it| it == "*" || it == sought);
    let condition = text(&statement["Condition"]["StringEquals"]["elasticfilesystem:AccessPointArn"]);
    statement["Effect"] == "Allow"
        && named("Action", "elasticfilesystem:ClientMount")
        && named("Resource", file_system)
        && condition.is_none_or(|wanted| Some(wanted.as_str()) == point)
}
