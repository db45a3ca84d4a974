//! File system: where the data of one volume is.
//!
//! One for each volume, so that a volume that leaves the project takes its own data with it and nothing else: EFS deletes file systems, but no folders in
//! them. It costs nothing for itself, only what is in it. Always encrypted. Known by its tags, which its list call returns; the creation token is the
//! door's. AWS's default policy lets in whoever reaches a mount target; with one that only forbids what is not encrypted, a client needs a role that
//! allows it. Source: EFS API Reference, `CreateFileSystem`, `PutFileSystemPolicy`, `PutBackupPolicy`; `aws-behaviours` 14. That such a policy makes the
//! roles count is from the EFS User Guide ("default EFS file system policy") and has not been tried on AWS.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_efs::operation::create_file_system::CreateFileSystemOutput;
use aws_sdk_efs::types::{BackupPolicy, FileSystemDescription, PerformanceMode, Status, ThroughputMode};
use futures_util::future::try_join_all;
use landing_engine::{CallError, Changed, Door, Gone, Kind, Live, NodeName, Output, Ready, Scan, Stack, Traits};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{DELETING, readings};
use crate::{Aws, FileSystemArn, FileSystemId, IntoCallError, document, ownership, tags};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileSystem {
    pub encrypted: bool,
    /// `generalPurpose` or `maxIO`.
    pub performance: String,
    /// `elastic`, `bursting` or `provisioned`.
    pub throughput: String,
    /// Only clients whose role allows it get in, and only encrypted.
    pub guarded: bool,
    /// Daily, by AWS Backup.
    pub backup: bool,
}

impl FileSystem {
    pub const ID: Output<FileSystemId> = Output::held("id");
    pub const ARN: Output<FileSystemArn> = Output::known("arn");
}

impl Kind for FileSystem {
    type Cx = Aws;
    const NAME: &'static str = "efs.file-system";
    const TRAITS: Traits = Traits {
        fixed: &["encrypted", "performance"],
        holds_data: true,
        mentioned: &["arn"],
        // Refused while it is `creating`.
        late: &["guarded", "backup"],
        typical_ready: Duration::from_secs(6),
        typical_gone: Duration::from_secs(10),
        patience: Duration::from_secs(10 * 60),
        ..Traits::DEFAULT
    };

    async fn scan(cx: &Aws, scan: &Scan) -> Result<Vec<Live<Self>>, CallError> {
        let all = readings::file_systems(cx, scan.round).await?;
        let ours = all.iter().filter_map(|found| {
            let node = ownership::node_of::<Self>(scan, found.file_system_id(), &readings::own_tags(found))?;
            Some(async move { Ok(Live { node, ..whole(cx, found).await? }) })
        });
        try_join_all(ours).await
    }

    async fn read(cx: &Aws, stack: &Stack, node: &NodeName, id: &str) -> Result<Option<Live<Self>>, CallError> {
        let reply = cx.efs.describe_file_systems().file_system_id(id).send().await;
        let reply = ownership::found(reply.call("elasticfilesystem:DescribeFileSystems"))?;
        let Some(found) = reply.as_ref().and_then(|reply| reply.file_systems().first()) else { return Ok(None) };
        Ok(ownership::still_ours(stack, node, Some(whole(cx, found).await?)))
    }

    async fn create(&self, cx: &Aws, door: &Door<'_>) -> Result<Live<Self>, CallError> {
        let operation = "elasticfilesystem:CreateFileSystem";
        let send = || async {
            let call = cx.efs.create_file_system().creation_token(door.token()).encrypted(self.encrypted);
            let call = call.performance_mode(PerformanceMode::from(self.performance.as_str()));
            let call = call.throughput_mode(ThroughputMode::from(self.throughput.as_str()));
            let reply = call.set_tags(Some(tags::list(&door.tags()))).send().await.call(operation)?;
            Ok(of(&description(reply), false, false))
        };
        // The token is this node's own, so whoever has it was made by a call whose answer was lost.
        let find = || async {
            let made = cx.efs.describe_file_systems().creation_token(door.token()).send().await;
            let made = ownership::found(made.call("elasticfilesystem:DescribeFileSystems"))?;
            Ok(made.as_ref().and_then(|reply| reply.file_systems().first()).map(|found| of(found, false, false)))
        };
        ownership::create(door, operation, "the file system with this creation token", send, find).await
    }

    async fn update(&self, cx: &Aws, door: &Door<'_>, live: &Live<Self>, changed: &Changed) -> Result<Live<Self>, CallError> {
        if changed.has("throughput") {
            let operation = "elasticfilesystem:UpdateFileSystem";
            let mode = ThroughputMode::from(self.throughput.as_str());
            let call = || cx.efs.update_file_system().file_system_id(&live.id).throughput_mode(mode.clone());
            door.call(operation, || async { call().send().await.call(operation) }).await?;
        }
        if changed.has("guarded") {
            self.guard(cx, door, live).await?;
        }
        if changed.has("backup") {
            let operation = "elasticfilesystem:PutBackupPolicy";
            let status = if self.backup { Status::Enabled } else { Status::Disabled };
            let policy = BackupPolicy::builder().status(status).build().expect("the status is set");
            let call = || cx.efs.put_backup_policy().file_system_id(&live.id).backup_policy(policy.clone());
            door.call(operation, || async { call().send().await.call(operation) }).await?;
        }
        if changed.tags() {
            super::retag(cx, door, &live.id).await?;
        }
        Ok(live.with(self))
    }

    /// Refused while it has a mount target, one that is on its way out included.
    async fn delete(cx: &Aws, door: &Door<'_>, live: &Live<Self>) -> Result<Gone, CallError> {
        if live.ready == Ready::NotYet(DELETING.into()) {
            return Ok(Gone::NotYet(DELETING.into()));
        }
        let operation = "elasticfilesystem:DeleteFileSystem";
        let call = || async { cx.efs.delete_file_system().file_system_id(&live.id).send().await.call(operation) };
        ownership::going(door.call(operation, call).await, DELETING)
    }
}

impl FileSystem {
    async fn guard(&self, cx: &Aws, door: &Door<'_>, live: &Live<Self>) -> Result<(), CallError> {
        if self.guarded {
            let operation = "elasticfilesystem:PutFileSystemPolicy";
            let policy = policy(live.outputs.get("arn").map_or("", String::as_str)).to_string();
            let call = || cx.efs.put_file_system_policy().file_system_id(&live.id).policy(&policy);
            return door.call(operation, || async { call().send().await.call(operation) }).await.map(|_| ());
        }
        let operation = "elasticfilesystem:DeleteFileSystemPolicy";
        let call = || async { cx.efs.delete_file_system_policy().file_system_id(&live.id).send().await.call(operation) };
        door.call(operation, call).await.map(|_| ())
    }
}

/// It allows nothing: whoever is let in is let in by a role of his own.
fn policy(arn: &str) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "OnlyEncrypted",
            "Effect": "Deny",
            "Principal": { "AWS": "*" },
            "Action": "*",
            "Resource": arn,
            "Condition": { "Bool": { "aws:SecureTransport": "false" } },
        }],
    })
}

/// With what only calls of their own tell.
async fn whole(cx: &Aws, found: &FileSystemDescription) -> Result<Live<FileSystem>, CallError> {
    let id = found.file_system_id();
    let (policy_there, backup) = tokio::join!(
        cx.efs.describe_file_system_policy().file_system_id(id).send(),
        cx.efs.describe_backup_policy().file_system_id(id).send(),
    );
    let operation = "elasticfilesystem:DescribeFileSystemPolicy";
    let there = ownership::found(policy_there.call(operation))?.and_then(|reply| reply.policy);
    let there = there.map(|text| document::parse(operation, &text)).transpose()?;
    let backup = ownership::found(backup.call("elasticfilesystem:DescribeBackupPolicy"))?.and_then(|reply| reply.backup_policy);
    let backup = backup.is_some_and(|policy| matches!(policy.status(), Status::Enabled | Status::Enabling));
    let arn = found.file_system_arn().unwrap_or_default();
    Ok(of(found, there.is_some_and(|there| document::same(&there, &policy(arn))), backup))
}

/// The node's name is put in by the caller.
fn of(found: &FileSystemDescription, guarded: bool, backup: bool) -> Live<FileSystem> {
    let id = found.file_system_id().to_owned();
    Live {
        node: NodeName::new(FileSystem::NAME, &id),
        outputs: BTreeMap::from([
            ("id".to_owned(), id.clone()),
            ("arn".to_owned(), found.file_system_arn().unwrap_or_default().to_owned()),
        ]),
        id,
        shape: FileSystem {
            encrypted: found.encrypted().unwrap_or(false),
            performance: found.performance_mode().as_str().to_owned(),
            throughput: found.throughput_mode().map_or("bursting", ThroughputMode::as_str).to_owned(),
            guarded,
            backup,
        },
        ready: readings::ready(found.life_cycle_state()),
        tags: readings::own_tags(found),
        owned: true,
        untold: Vec::new(),
    }
}

/// The reply to a create is the same description, in a type of its own.
fn description(reply: CreateFileSystemOutput) -> FileSystemDescription {
    FileSystemDescription::builder()
        .owner_id(reply.owner_id)
        .creation_token(reply.creation_token)
        .file_system_id(reply.file_system_id)
        .set_file_system_arn(reply.file_system_arn)
        .creation_time(reply.creation_time)
        .life_cycle_state(reply.life_cycle_state)
        .number_of_mount_targets(reply.number_of_mount_targets)
        .set_size_in_bytes(reply.size_in_bytes)
        .performance_mode(reply.performance_mode)
        .set_encrypted(reply.encrypted)
        .set_throughput_mode(reply.throughput_mode)
        .set_tags(Some(reply.tags))
        .build()
        .expect("what a description needs, the reply has")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_allows_nobody_and_denies_who_is_not_encrypted() {
        let policy = policy("arn:x");
        let [statement] = policy["Statement"].as_array().unwrap().as_slice() else { panic!("{policy}") };
        assert_eq!((&statement["Effect"], &statement["Resource"]), (&"Deny".into(), &"arn:x".into()));
        assert_eq!(statement["Condition"], json!({ "Bool": { "aws:SecureTransport": "false" } }));
    }
}
