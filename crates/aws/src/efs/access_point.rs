//! Access point: the way into a file system for tasks, into one folder and as one user.
//!
//! EFS makes the folder when it is mounted for the first time, with this owner. Whoever comes in by the access point reads and writes as that user, whoever
//! the container runs as; nobody is root. All of it is fixed at birth, and a new access point leaves the owner of a folder that is there as it is.
//! Known by its tags. Source: EFS API Reference, `CreateAccessPoint`; EFS User Guide, "Working with access points"; `aws-behaviours` 14.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_efs::operation::create_access_point::CreateAccessPointOutput;
use aws_sdk_efs::types::{AccessPointDescription, CreationInfo, PosixUser, RootDirectory};
use futures_util::future::try_join_all;
use landing_engine::{CallError, Changed, Door, Gone, Kind, Live, NodeName, Output, Ready, Ref, Scan, Stack, Traits};
use serde::{Deserialize, Serialize};

use super::{DELETING, readings};
use crate::{AccessPointArn, AccessPointId, Aws, FileSystemId, IntoCallError, ownership, tags};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccessPoint {
    pub file_system: Ref<FileSystemId>,
    /// Of the folder in the file system; not `/`, which is root's.
    pub path: String,
    pub uid: i64,
    pub gid: i64,
    /// Of the folder, such as `0755`.
    pub permissions: String,
}

impl AccessPoint {
    pub const ID: Output<AccessPointId> = Output::held("id");
    pub const ARN: Output<AccessPointArn> = Output::known("arn");
}

impl Kind for AccessPoint {
    type Cx = Aws;
    const NAME: &'static str = "efs.access-point";
    const TRAITS: Traits = Traits {
        fixed: &["file_system", "path", "uid", "gid", "permissions"],
        // Tasks come in by the old one until they are rolled over; it has no name that the new one could want.
        create_first: true,
        mentioned: &["arn"],
        typical_ready: Duration::from_secs(5),
        typical_gone: Duration::from_secs(5),
        patience: Duration::from_secs(10 * 60),
        ..Traits::DEFAULT
    };

    async fn scan(cx: &Aws, scan: &Scan) -> Result<Vec<Live<Self>>, CallError> {
        let ours = readings::ours(cx, scan).await?;
        let lists = ours.iter().map(|(file_system, _)| list(cx, file_system));
        let found: Vec<Vec<AccessPointDescription>> = try_join_all(lists).await?;
        let mine = |live: Live<Self>| ownership::node_of::<Self>(scan, &live.id, &live.tags).map(|node| Live { node, ..live });
        Ok(found.iter().flatten().map(of).filter_map(mine).collect())
    }

    async fn read(cx: &Aws, stack: &Stack, node: &NodeName, id: &str) -> Result<Option<Live<Self>>, CallError> {
        let reply = cx.efs.describe_access_points().access_point_id(id).send().await;
        let reply = ownership::found(reply.call("elasticfilesystem:DescribeAccessPoints"))?;
        Ok(ownership::still_ours(stack, node, reply.as_ref().and_then(|reply| reply.access_points().first()).map(of)))
    }

    async fn create(&self, cx: &Aws, door: &Door<'_>) -> Result<Live<Self>, CallError> {
        let operation = "elasticfilesystem:CreateAccessPoint";
        let file_system = self.file_system.get().as_str();
        let owner = CreationInfo::builder().owner_uid(self.uid).owner_gid(self.gid).permissions(&self.permissions);
        let owner = owner.build().expect("owner and permissions are set");
        let folder = RootDirectory::builder().path(&self.path).creation_info(owner).build();
        let user = PosixUser::builder().uid(self.uid).gid(self.gid).build().expect("user and group are set");
        let send = || async {
            let call = cx.efs.create_access_point().client_token(door.token()).file_system_id(file_system);
            let call = call.root_directory(folder.clone()).posix_user(user.clone());
            let reply = call.set_tags(Some(tags::list(&door.tags()))).send().await.call(operation)?;
            Ok(of(&description(reply)))
        };
        // The token is this node's own.
        let find = || async {
            let found = list(cx, file_system).await?;
            Ok(found.iter().find(|point| point.client_token() == Some(door.token().as_str())).map(of))
        };
        ownership::create(door, operation, "the access point with this client token", send, find).await
    }

    async fn update(&self, cx: &Aws, door: &Door<'_>, live: &Live<Self>, changed: &Changed) -> Result<Live<Self>, CallError> {
        if changed.tags() {
            super::retag(cx, door, &live.id).await?;
        }
        Ok(live.with(self))
    }

    async fn delete(cx: &Aws, door: &Door<'_>, live: &Live<Self>) -> Result<Gone, CallError> {
        if live.ready == Ready::NotYet(DELETING.into()) {
            return Ok(Gone::NotYet(DELETING.into()));
        }
        let operation = "elasticfilesystem:DeleteAccessPoint";
        let call = || async { cx.efs.delete_access_point().access_point_id(&live.id).send().await.call(operation) };
        ownership::going(door.call(operation, call).await, DELETING)
    }
}

async fn list(cx: &Aws, file_system: &str) -> Result<Vec<AccessPointDescription>, CallError> {
    let mut pages = cx.efs.describe_access_points().file_system_id(file_system).into_paginator().items().send();
    let mut found = Vec::new();
    while let Some(point) = pages.next().await {
        // The file system itself may have gone meanwhile.
        let Some(point) = ownership::found(point.call("elasticfilesystem:DescribeAccessPoints"))? else { break };
        found.push(point);
    }
    Ok(found)
}

/// The node's name is put in by the caller.
fn of(found: &AccessPointDescription) -> Live<AccessPoint> {
    let id = found.access_point_id().unwrap_or_default().to_owned();
    let folder = found.root_directory();
    // Without either it is root who comes in, to a folder of root's.
    let (uid, gid) = found.posix_user().map_or((0, 0), |user| (user.uid(), user.gid()));
    Live {
        node: NodeName::new(AccessPoint::NAME, &id),
        outputs: BTreeMap::from([
            ("id".to_owned(), id.clone()),
            ("arn".to_owned(), found.access_point_arn().unwrap_or_default().to_owned()),
        ]),
        id,
        shape: AccessPoint {
            file_system: Ref::value(found.file_system_id().unwrap_or_default().into()),
            path: folder.and_then(RootDirectory::path).unwrap_or("/").to_owned(),
            uid,
            gid,
            permissions: folder.and_then(RootDirectory::creation_info).map_or_else(String::new, |it| it.permissions().to_owned()),
        },
        ready: found.life_cycle_state().map_or(Ready::Yes, readings::ready),
        tags: tags::read(found.tags()),
        owned: true,
        untold: Vec::new(),
    }
}

/// The reply to a create is the same description, in a type of its own.
fn description(reply: CreateAccessPointOutput) -> AccessPointDescription {
    AccessPointDescription::builder()
        .set_client_token(reply.client_token)
        .set_tags(reply.tags)
        .set_access_point_id(reply.access_point_id)
        .set_access_point_arn(reply.access_point_arn)
        .set_file_system_id(reply.file_system_id)
        .set_posix_user(reply.posix_user)
        .set_root_directory(reply.root_directory)
        .set_life_cycle_state(reply.life_cycle_state)
        .build()
}
