//! Mount targets: one network interface in each zone.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{bad, file_system, in_path, only, page};
use crate::call::Call;
use crate::clock::Millis;
use crate::fault::Fault;
use crate::latency;
use crate::services::{ec2, network};
use crate::wire::Reply;
use crate::world::World;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct MountTarget {
    pub(crate) id: String,
    pub(crate) file_system: String,
    pub(crate) subnet: String,
    pub(crate) vpc: String,
    pub(crate) zone: String,
    pub(crate) interface: String,
    pub(crate) ready_at: Millis,
    /// From when on its name can be looked up.
    pub(crate) named_at: Millis,
    pub(crate) gone_at: Option<Millis>,
}

impl MountTarget {
    fn state(&self, now: Millis) -> &'static str {
        match self {
            it if it.gone_at.is_some() => "deleting",
            it if it.ready_at > now => "creating",
            _ => "available",
        }
    }

    pub(super) fn is_known(&self, now: Millis) -> bool {
        self.named_at <= now && self.gone_at.is_none()
    }
}

fn not_found(id: &str) -> Fault {
    Fault::new("MountTargetNotFound", format!("Mount target '{id}' does not exist.")).status(404)
}

fn find<'w>(world: &'w World, id: &str) -> Result<&'w MountTarget, Fault> {
    world.efs.mount_targets.get(id).ok_or_else(|| not_found(id))
}

/// The groups that are asked for, in the VPC.
fn groups_in(world: &World, call: &Call, vpc: &str) -> Result<Vec<String>, Fault> {
    let groups = call.strings("SecurityGroups");
    if groups.len() > 5 {
        return Err(Fault::new("SecurityGroupLimitExceeded", "at most 5 security groups for a mount target"));
    }
    for id in &groups {
        let missing = || Fault::new("SecurityGroupNotFound", format!("Security group '{id}' does not exist."));
        if network::group(world, id).ok_or_else(missing)? != vpc {
            return Err(bad(format!("Security group '{id}' is not in VPC '{vpc}'")));
        }
    }
    Ok(groups)
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    only(call, &["FileSystemId", "SubnetId", "SecurityGroups"])?;
    let file_system = call.need("FileSystemId", "BadRequest")?;
    let file_system = file_system::available(world, super::id_of(&file_system))?.id.clone();
    let subnet = call.need("SubnetId", "BadRequest")?;
    let missing = || Fault::new("SubnetNotFound", format!("The subnet ID '{subnet}' does not exist"));
    let place = network::subnet(world, &subnet).ok_or_else(missing)?;
    let mut groups = groups_in(world, call, &place.vpc)?;
    if groups.is_empty() {
        groups.extend(network::default_group(world, &place.vpc));
    }
    for other in world.efs.mount_targets.values().filter(|other| other.file_system == file_system) {
        let conflict = |message: &str| Err(Fault::new("MountTargetConflict", message).status(409));
        if other.vpc != place.vpc {
            return conflict("requested subnet for new mount target is not in the same VPC as existing mount targets");
        }
        if other.zone == place.zone {
            return conflict("mount target already exists in this AZ");
        }
    }
    let id = world.id("fsmt-");
    let what = format!("EFS mount target for {file_system} ({id})");
    let ready_at = world.now + latency::MOUNT_TARGET_READY.of(world, &id);
    let target = MountTarget {
        interface: ec2::attach(world, &id, &what, &subnet, &groups, false),
        named_at: ready_at + latency::MOUNT_TARGET_NAMED.of(world, &id),
        ready_at,
        id: id.clone(),
        file_system,
        subnet,
        vpc: place.vpc,
        zone: place.zone,
        gone_at: None,
    };
    let reply = shown(world, &target);
    world.efs.mount_targets.insert(id, target);
    Ok(reply.into())
}

/// Ten a page, whatever is asked for.
pub(super) fn describe(world: &World, call: &Call) -> Result<Reply, Fault> {
    let by = |key: &str| call.query(key).map(super::id_of);
    let all = world.efs.mount_targets.values();
    let found: Vec<&MountTarget> = match (by("FileSystemId"), by("MountTargetId"), by("AccessPointId")) {
        (Some(id), None, None) => {
            let id = &file_system::find(world, id)?.id;
            all.filter(|target| target.file_system == *id).collect()
        }
        (None, Some(id), None) => vec![find(world, id)?],
        (None, None, Some(id)) => {
            let id = &super::access_point::find(world, id)?.file_system;
            all.filter(|target| target.file_system == *id).collect()
        }
        _ => return Err(bad("one of FileSystemId, MountTargetId and AccessPointId must be given")),
    };
    page(call, "MountTargets", found.into_iter().map(|target| shown(world, target)).collect(), 10, "Marker", "NextMarker")
}

/// Its interface goes with it. Whoever has it mounted is cut off.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = find(world, in_path(call))?.id.clone();
    let takes = latency::MOUNT_TARGET_GONE.of(world, &id);
    let gone_at = world.now + takes;
    if let Some(target) = world.efs.mount_targets.get_mut(&id).filter(|target| target.gone_at.is_none()) {
        target.gone_at = Some(gone_at);
        ec2::release(world, &id, takes);
    }
    Ok(Reply::empty(204))
}

pub(super) fn groups(world: &World, call: &Call) -> Result<Reply, Fault> {
    let target = find(world, in_path(call))?;
    if target.gone_at.is_some() {
        return Err(in_state(target, "deleting"));
    }
    let groups = world.ec2.interfaces.get(&target.interface).map(|interface| interface.groups.clone()).unwrap_or_default();
    Ok(json!({ "SecurityGroups": groups }).into())
}

pub(super) fn modify_groups(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let target = find(world, in_path(call))?.clone();
    if target.gone_at.is_some() {
        return Err(in_state(&target, "deleting"));
    }
    let groups = groups_in(world, call, &target.vpc)?;
    if let Some(interface) = world.ec2.interfaces.get_mut(&target.interface) {
        interface.groups = groups;
    }
    Ok(Reply::empty(204))
}

fn in_state(target: &MountTarget, state: &str) -> Fault {
    Fault::new("IncorrectMountTargetState", format!("Mount target '{}' is in the state '{state}'", target.id)).status(409)
}

fn shown(world: &World, target: &MountTarget) -> Value {
    let interface = world.ec2.interfaces.get(&target.interface);
    let subnet = world.ec2.subnets.get(&target.subnet);
    json!({
        "OwnerId": world.account,
        "MountTargetId": target.id,
        "FileSystemId": target.file_system,
        "SubnetId": target.subnet,
        "LifeCycleState": target.state(world.now),
        "IpAddress": interface.map(|interface| &interface.private_ip),
        "NetworkInterfaceId": target.interface,
        "AvailabilityZoneId": subnet.map(|subnet| &subnet.zone_id),
        "AvailabilityZoneName": target.zone,
        "VpcId": target.vpc,
    })
}
