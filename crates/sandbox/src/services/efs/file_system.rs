//! File systems.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{bad, in_path, only, page, read_tags, size, token};
use crate::answer::epoch;
use crate::call::Call;
use crate::clock::Millis;
use crate::fault::Fault;
use crate::latency;
use crate::services::quotas;
use crate::tags::{self, Tags};
use crate::wire::Reply;
use crate::world::World;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct FileSystem {
    pub(crate) id: String,
    pub(crate) token: String,
    pub(crate) encrypted: bool,
    pub(crate) performance: String,
    pub(crate) throughput: String,
    /// Without one, whoever reaches a mount target gets in.
    pub(crate) policy: Option<Value>,
    pub(crate) backup: bool,
    pub(crate) created: Millis,
    pub(crate) ready_at: Millis,
    pub(crate) gone_at: Option<Millis>,
    pub(crate) tags: Tags,
}

impl FileSystem {
    fn state(&self, now: Millis) -> &'static str {
        match self {
            it if it.gone_at.is_some() => "deleting",
            it if it.ready_at > now => "creating",
            _ => "available",
        }
    }
}

pub(super) fn arn(world: &World, id: &str) -> String {
    world.arn("elasticfilesystem", &format!("file-system/{id}"))
}

fn not_found(id: &str) -> Fault {
    Fault::new("FileSystemNotFound", format!("File system '{id}' does not exist.")).status(404)
}

pub(super) fn find<'w>(world: &'w World, id: &str) -> Result<&'w FileSystem, Fault> {
    world.efs.file_systems.get(id).ok_or_else(|| not_found(id))
}

pub(super) fn find_mut<'w>(world: &'w mut World, id: &str) -> Result<&'w mut FileSystem, Fault> {
    world.efs.file_systems.get_mut(id).ok_or_else(|| not_found(id))
}

/// One that something can be put into, or changed.
pub(super) fn available<'w>(world: &'w World, id: &str) -> Result<&'w FileSystem, Fault> {
    let found = find(world, id)?;
    match found.state(world.now) {
        "available" => Ok(found),
        state => {
            let message = format!("None of the operations can be done on file system '{id}' in the state '{state}'");
            Err(Fault::new("IncorrectFileSystemLifeCycleState", message).status(409))
        }
    }
}

const KNOWN: &[&str] = &["CreationToken", "PerformanceMode", "Encrypted", "ThroughputMode", "Backup", "Tags"];

fn throughput(call: &Call) -> Result<Option<String>, Fault> {
    match call.opt("ThroughputMode") {
        Some(mode) if !["bursting", "elastic"].contains(&mode.as_str()) => {
            Err(bad(format!("invalid ThroughputMode {mode} (the sandbox knows bursting and elastic)")))
        }
        mode => Ok(mode),
    }
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    only(call, KNOWN)?;
    let token = token(call, "CreationToken")?;
    let performance = call.opt("PerformanceMode").unwrap_or_else(|| "generalPurpose".into());
    let throughput = throughput(call)?.unwrap_or_else(|| "bursting".into());
    let modes_fit = performance == "generalPurpose" || performance == "maxIO" && throughput != "elastic";
    if !modes_fit {
        return Err(bad(format!("PerformanceMode {performance} does not go with ThroughputMode {throughput}")));
    }
    let tags = read_tags(&call.input["Tags"])?;
    // The same token again is refused whatever else the request says, and tells which file system it has made.
    if let Some(made) = world.efs.file_systems.values().find(|it| it.token == token) {
        let message = format!("File system '{}' already exists with creation token '{token}'", made.id);
        return Err(Fault::new("FileSystemAlreadyExists", message).status(409));
    }
    quotas::FILE_SYSTEMS.one_more(world, world.efs.file_systems.len()).map_err(|fault| fault.status(403))?;
    let id = world.id("fs-");
    let file_system = FileSystem {
        ready_at: world.now + latency::FILE_SYSTEM_READY.of(world, &id),
        id: id.clone(),
        token,
        encrypted: call.flag("Encrypted").unwrap_or(false),
        performance,
        throughput,
        policy: None,
        backup: call.flag("Backup").unwrap_or(false),
        created: world.now,
        gone_at: None,
        tags,
    };
    let reply = shown(world, &file_system);
    world.efs.file_systems.insert(id, file_system);
    Ok(Reply::from(reply).status(201))
}

pub(super) fn describe(world: &World, call: &Call) -> Result<Reply, Fault> {
    let id = call.query("FileSystemId").map(super::id_of);
    let token = call.query("CreationToken");
    if id.is_some() && token.is_some() {
        return Err(bad("FileSystemId and CreationToken cannot be given together"));
    }
    let fits = |it: &&FileSystem| id.is_none_or(|id| it.id == id) && token.is_none_or(|token| it.token == token);
    let found: Vec<Value> = world.efs.file_systems.values().filter(fits).map(|it| shown(world, it)).collect();
    if let (Some(sought), true) = (id.or(token), found.is_empty()) {
        return Err(not_found(sought));
    }
    page(call, "FileSystems", found, size(call, "MaxItems"), "Marker", "NextMarker")
}

pub(super) fn update(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    only(call, &["ThroughputMode"])?;
    let id = available(world, in_path(call))?.id.clone();
    let mode = throughput(call)?;
    let file_system = find_mut(world, &id)?;
    if let Some(mode) = mode {
        file_system.throughput = mode;
    }
    let file_system = file_system.clone();
    Ok(Reply::from(shown(world, &file_system)).status(202))
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = find(world, in_path(call))?.id.clone();
    if world.efs.mount_targets.values().any(|target| target.file_system == id) {
        let message = format!("File system '{id}' has existing mount targets that must be deleted first.");
        return Err(Fault::new("FileSystemInUse", message).status(409));
    }
    let gone_at = world.now + latency::FILE_SYSTEM_GONE.of(world, &id);
    let file_system = find_mut(world, &id)?;
    // A second call finds it on its way out (unverified).
    file_system.gone_at = file_system.gone_at.or(Some(gone_at));
    Ok(Reply::empty(204))
}

fn shown(world: &World, it: &FileSystem) -> Value {
    let targets = world.efs.mount_targets.values().filter(|target| target.file_system == it.id).count();
    let mut out = json!({
        "OwnerId": world.account,
        "CreationToken": it.token,
        "FileSystemId": it.id,
        "FileSystemArn": arn(world, &it.id),
        "CreationTime": epoch(it.created),
        "LifeCycleState": it.state(world.now),
        "NumberOfMountTargets": targets,
        "SizeInBytes": { "Value": 6144, "ValueInIA": 0, "ValueInStandard": 6144, "ValueInArchive": 0 },
        "PerformanceMode": it.performance,
        "Encrypted": it.encrypted,
        "ThroughputMode": it.throughput,
        "Tags": tags::upper(&it.tags),
        "FileSystemProtection": { "ReplicationOverwriteProtection": "ENABLED" },
    });
    if let Some(name) = it.tags.get("Name") {
        out["Name"] = json!(name);
    }
    if it.encrypted {
        // AWS's own key, `aws/elasticfilesystem`.
        out["KmsKeyId"] = json!(world.arn("kms", "key/00000000-0000-0000-0000-0000000000ef"));
    }
    out
}
