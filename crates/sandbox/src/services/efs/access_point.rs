//! Access points: a folder, and as whom it is read and written.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{bad, file_system, in_path, only, page, read_tags, size, token};
use crate::call::{Call, number, text};
use crate::clock::Millis;
use crate::fault::Fault;
use crate::latency;
use crate::tags::{self, Tags};
use crate::wire::Reply;
use crate::world::World;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AccessPoint {
    pub(crate) id: String,
    pub(crate) token: String,
    pub(crate) file_system: String,
    /// As given; null when nothing was.
    pub(crate) user: Value,
    pub(crate) folder: Value,
    pub(crate) ready_at: Millis,
    pub(crate) gone_at: Option<Millis>,
    pub(crate) tags: Tags,
}

pub(super) fn arn(world: &World, id: &str) -> String {
    world.arn("elasticfilesystem", &format!("access-point/{id}"))
}

fn not_found(id: &str) -> Fault {
    Fault::new("AccessPointNotFound", format!("Access point '{id}' does not exist.")).status(404)
}

pub(super) fn find<'w>(world: &'w World, id: &str) -> Result<&'w AccessPoint, Fault> {
    world.efs.access_points.get(id).ok_or_else(|| not_found(id))
}

pub(super) fn find_mut<'w>(world: &'w mut World, id: &str) -> Result<&'w mut AccessPoint, Fault> {
    world.efs.access_points.get_mut(id).ok_or_else(|| not_found(id))
}

fn is_id(value: &Value) -> bool {
    number(value).is_some_and(|id| (0..=u32::MAX.into()).contains(&id))
}

/// A folder that is to be made needs an owner and permissions; the root is there already.
fn checked_folder(folder: &Value) -> Result<(), Fault> {
    let path = text(&folder["Path"]).unwrap_or_else(|| "/".into());
    let parts = path.split('/').filter(|part| !part.is_empty()).count();
    if !path.starts_with('/') || path.len() > 100 || parts > 4 {
        return Err(bad(format!("invalid path {path}: absolute, at most 100 characters and 4 folders deep")));
    }
    let owner = &folder["CreationInfo"];
    if owner.is_null() {
        return Ok(());
    }
    let permissions = text(&owner["Permissions"]).unwrap_or_default();
    let octal = (3..=4).contains(&permissions.len()) && permissions.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
    if octal && is_id(&owner["OwnerUid"]) && is_id(&owner["OwnerGid"]) {
        return Ok(());
    }
    Err(bad("CreationInfo needs OwnerUid, OwnerGid and Permissions of three or four octal digits"))
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    only(call, &["ClientToken", "FileSystemId", "PosixUser", "RootDirectory", "Tags"])?;
    let token = token(call, "ClientToken")?;
    let file_system = call.need("FileSystemId", "BadRequest")?;
    let file_system = file_system::available(world, super::id_of(&file_system))?.id.clone();
    let (user, folder) = (&call.input["PosixUser"], &call.input["RootDirectory"]);
    let is_user = is_id(&user["Uid"]) && is_id(&user["Gid"]);
    if !user.is_null() && !is_user {
        return Err(bad("PosixUser needs Uid and Gid"));
    }
    checked_folder(folder)?;
    let tags = read_tags(&call.input["Tags"])?;
    if let Some(made) = world.efs.access_points.values().find(|it| it.token == token) {
        let message = format!("Access point '{}' already exists with client token '{token}'", made.id);
        return Err(Fault::new("AccessPointAlreadyExists", message).status(409));
    }
    let id = world.id("fsap-");
    let point = AccessPoint {
        ready_at: world.now + latency::ACCESS_POINT_READY.of(world, &id),
        id: id.clone(),
        token,
        file_system,
        user: user.clone(),
        folder: folder.clone(),
        gone_at: None,
        tags,
    };
    let reply = shown(world, &point);
    world.efs.access_points.insert(id, point);
    Ok(reply.into())
}

pub(super) fn describe(world: &World, call: &Call) -> Result<Reply, Fault> {
    let found: Vec<&AccessPoint> = match (call.query("AccessPointId"), call.query("FileSystemId")) {
        (Some(id), _) => vec![find(world, super::id_of(id))?],
        (None, Some(id)) => {
            let id = &file_system::find(world, super::id_of(id))?.id;
            world.efs.access_points.values().filter(|point| point.file_system == *id).collect()
        }
        (None, None) => world.efs.access_points.values().collect(),
    };
    let shown = found.into_iter().map(|point| shown(world, point)).collect();
    page(call, "AccessPoints", shown, size(call, "MaxResults"), "NextToken", "NextToken")
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = find(world, in_path(call))?.id.clone();
    let gone_at = world.now + latency::ACCESS_POINT_GONE.of(world, &id);
    let point = find_mut(world, &id)?;
    point.gone_at = point.gone_at.or(Some(gone_at));
    Ok(Reply::empty(204))
}

fn shown(world: &World, point: &AccessPoint) -> Value {
    let mut folder = point.folder.clone();
    if folder["Path"].is_null() {
        folder = json!({ "Path": "/" });
    }
    let mut out = json!({
        "ClientToken": point.token,
        "AccessPointId": point.id,
        "AccessPointArn": arn(world, &point.id),
        "FileSystemId": point.file_system,
        "RootDirectory": folder,
        "OwnerId": world.account,
        "LifeCycleState": match point {
            it if it.gone_at.is_some() => "deleting",
            it if it.ready_at > world.now => "creating",
            _ => "available",
        },
        "Tags": tags::upper(&point.tags),
    });
    if let Some(name) = point.tags.get("Name") {
        out["Name"] = json!(name);
    }
    if !point.user.is_null() {
        out["PosixUser"] = point.user.clone();
    }
    out
}
