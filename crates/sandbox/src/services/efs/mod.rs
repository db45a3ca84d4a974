//! EFS: file systems, mount targets, access points, and what a task meets that mounts one (catalogue, section 14).
//! Lifecycle policies, replication, One Zone file systems, provisioned throughput and keys of the customer's own are left out.

mod access_point;
mod file_system;
mod mount_target;
mod mounting;
mod settings;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::Call;
use crate::clock::Millis;
use crate::fault::Fault;
use crate::tags::{self, Tags};
use crate::wire::Reply;
use crate::world::World;

pub(crate) use access_point::AccessPoint;
pub(crate) use file_system::FileSystem;
pub(crate) use mount_target::MountTarget;
pub(crate) use mounting::{DENIED, Mount, TIMED_OUT, cannot_mount, unresolved};

/// Each by id.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Efs {
    pub(crate) file_systems: BTreeMap<String, FileSystem>,
    pub(crate) mount_targets: BTreeMap<String, MountTarget>,
    pub(crate) access_points: BTreeMap<String, AccessPoint>,
}

/// From method and path below `/2015-02-01`.
pub(crate) fn operation(method: &str, call: &Call) -> String {
    let path: Vec<&str> = call.path.iter().skip(1).map(String::as_str).filter(|part| !part.is_empty()).collect();
    let verb = match method {
        "POST" => "Create",
        "PUT" => "Put",
        "DELETE" => "Delete",
        _ => "Describe",
    };
    let many = |noun: &str| if method == "GET" { format!("Describe{noun}s") } else { format!("{verb}{noun}") };
    match path[..] {
        ["file-systems"] => many("FileSystem"),
        ["file-systems", _] if method == "PUT" => "UpdateFileSystem".into(),
        ["file-systems", _] => format!("{verb}FileSystem"),
        ["file-systems", _, "policy"] => format!("{verb}FileSystemPolicy"),
        ["file-systems", _, "backup-policy"] => format!("{verb}BackupPolicy"),
        ["file-systems", _, "lifecycle-configuration"] => format!("{verb}LifecycleConfiguration"),
        ["mount-targets"] => many("MountTarget"),
        ["mount-targets", _] => format!("{verb}MountTarget"),
        ["mount-targets", _, "security-groups"] if method == "PUT" => "ModifyMountTargetSecurityGroups".into(),
        ["mount-targets", _, "security-groups"] => format!("{verb}MountTargetSecurityGroups"),
        ["access-points"] => many("AccessPoint"),
        ["access-points", _] => format!("{verb}AccessPoint"),
        ["resource-tags", _] => match method {
            "POST" => "TagResource".into(),
            "DELETE" => "UntagResource".into(),
            _ => "ListTagsForResource".into(),
        },
        _ => format!("{method} {}", path.join("/")),
    }
}

pub(crate) fn handle(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    match call.operation.as_str() {
        "CreateFileSystem" => file_system::create(world, call),
        "DescribeFileSystems" => file_system::describe(world, call),
        "UpdateFileSystem" => file_system::update(world, call),
        "DeleteFileSystem" => file_system::delete(world, call),
        "PutFileSystemPolicy" => settings::put_policy(world, call),
        "DescribeFileSystemPolicy" => settings::policy(world, call),
        "DeleteFileSystemPolicy" => settings::delete_policy(world, call),
        "PutBackupPolicy" => settings::put_backup(world, call),
        "DescribeBackupPolicy" => settings::backup(world, call),
        "CreateMountTarget" => mount_target::create(world, call),
        "DescribeMountTargets" => mount_target::describe(world, call),
        "DeleteMountTarget" => mount_target::delete(world, call),
        "ModifyMountTargetSecurityGroups" => mount_target::modify_groups(world, call),
        "DescribeMountTargetSecurityGroups" => mount_target::groups(world, call),
        "CreateAccessPoint" => access_point::create(world, call),
        "DescribeAccessPoints" => access_point::describe(world, call),
        "DeleteAccessPoint" => access_point::delete(world, call),
        "TagResource" => tag(world, call),
        "UntagResource" => untag(world, call),
        "ListTagsForResource" => list_tags(world, call),
        other => Err(Fault::unknown_operation(call.service, other)),
    }
}

/// A file system takes its access points along.
pub(crate) fn advance(world: &mut World) {
    let now = world.now;
    let efs = &mut world.efs;
    let stays = |gone_at: Option<Millis>| gone_at.is_none_or(|at| at > now);
    efs.mount_targets.retain(|_, target| stays(target.gone_at));
    efs.file_systems.retain(|_, file_system| stays(file_system.gone_at));
    let Efs { file_systems, access_points, .. } = efs;
    access_points.retain(|_, point| stays(point.gone_at) && file_systems.contains_key(&point.file_system));
}

pub(crate) fn objects(world: &World) -> Vec<String> {
    let Efs { file_systems, mount_targets, access_points } = &world.efs;
    let file_systems = file_systems.values().filter(|it| it.gone_at.is_none()).map(|it| format!("efs:file-system {}", it.id));
    let targets = mount_targets.values().filter(|it| it.gone_at.is_none()).map(|it| format!("efs:mount-target {}", it.id));
    let points = access_points.values().filter(|it| it.gone_at.is_none()).map(|it| format!("efs:access-point {}", it.id));
    file_systems.chain(targets).chain(points).collect()
}

/// Mount targets have no tags.
pub(crate) fn tagged(world: &World) -> Vec<(String, Tags)> {
    let file_systems = world.efs.file_systems.values().map(|it| (file_system::arn(world, &it.id), it.tags.clone()));
    let points = world.efs.access_points.values().map(|it| (access_point::arn(world, &it.id), it.tags.clone()));
    file_systems.chain(points).collect()
}

fn bad(message: impl Into<String>) -> Fault {
    Fault::new("BadRequest", message)
}

/// What the path names: an id, or an ARN that ends in one.
fn in_path(call: &Call) -> &str {
    id_of(call.path.get(2).map_or("", String::as_str))
}

fn id_of(id_or_arn: &str) -> &str {
    id_or_arn.rsplit('/').next().unwrap_or_default()
}

/// What EFS takes of a request, so that nothing is dropped in silence.
fn only(call: &Call, known: &[&str]) -> Result<(), Fault> {
    let unknown = call.input.as_object().and_then(|map| map.keys().find(|key| !known.contains(&key.as_str())));
    unknown.map_or(Ok(()), |key| Err(bad(format!("the sandbox does not know the parameter {key}"))))
}

/// A string of up to 64 ASCII characters that makes a create idempotent.
fn token(call: &Call, key: &str) -> Result<String, Fault> {
    let token = call.need(key, "BadRequest")?;
    if (1..=64).contains(&token.len()) && token.is_ascii() { Ok(token) } else { Err(bad(format!("invalid {key}"))) }
}

fn read_tags(list: &Value) -> Result<Tags, Fault> {
    let tags = tags::read(list);
    let fits = tags.len() <= 50 && list.as_array().map_or(0, Vec::len) == tags.len();
    if fits && tags.keys().all(|key| !key.to_lowercase().starts_with("aws:")) {
        Ok(tags)
    } else {
        Err(bad("at most 50 tags, none twice, and none that begins with aws:"))
    }
}

fn tags_of<'w>(world: &'w mut World, call: &Call) -> Result<&'w mut Tags, Fault> {
    let id = in_path(call);
    if id.starts_with("fsap-") {
        return Ok(&mut access_point::find_mut(world, id)?.tags);
    }
    Ok(&mut file_system::find_mut(world, id)?.tags)
}

fn tag(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let tags = read_tags(&call.input["Tags"])?;
    tags_of(world, call)?.extend(tags);
    Ok(json!({}).into())
}

fn untag(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let tags = tags_of(world, call)?;
    call.query.iter().filter(|(key, _)| key == "tagKeys").for_each(|(_, key)| drop(tags.remove(key)));
    Ok(json!({}).into())
}

fn list_tags(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    Ok(json!({ "Tags": tags::upper(tags_of(world, call)?) }).into())
}

/// `size` of them after the token that the query has under `from`; the next one's token under `next`.
fn page(call: &Call, key: &str, items: Vec<Value>, size: usize, from: &str, next: &str) -> Result<Reply, Fault> {
    let (page, token) = crate::answer::page(items, size.max(1), call.query(from)).ok_or_else(|| bad("invalid token"))?;
    let mut reply = json!({ key: page });
    if let Some(token) = token {
        reply[next] = json!(token);
    }
    Ok(reply.into())
}

fn size(call: &Call, key: &str) -> usize {
    call.query(key).and_then(|size| size.parse().ok()).unwrap_or(100)
}
