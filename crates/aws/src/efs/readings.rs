//! Readings that the kinds of EFS share within one scan.

use std::sync::Arc;

use aws_sdk_efs::types::{FileSystemDescription, LifeCycleState};
use landing_engine::{CallError, NodeName, Ready, Scan, Tags};

use super::{DELETING, FileSystem};
use crate::{Aws, IntoCallError, ownership, tags};

/// Every file system of the account in the region: EFS filters by id and creation token only, and an account has a thousand at most.
pub(super) async fn file_systems(cx: &Aws, round: u64) -> Result<Arc<Vec<FileSystemDescription>>, CallError> {
    let read = || async {
        let mut pages = cx.efs.describe_file_systems().into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(file_system) = pages.next().await {
            found.push(file_system.call("elasticfilesystem:DescribeFileSystems")?);
        }
        Ok(found)
    };
    cx.memo.get(round, "file-systems", read).await
}

/// The stack's file systems by id, with the node that their tags name: for what stands inside them.
pub(super) async fn ours(cx: &Aws, scan: &Scan) -> Result<Vec<(String, NodeName)>, CallError> {
    let all = file_systems(cx, scan.round).await?;
    let node = |found: &FileSystemDescription| ownership::node_of::<FileSystem>(scan, found.file_system_id(), &own_tags(found));
    Ok(all.iter().filter_map(|found| Some((found.file_system_id().to_owned(), node(found)?))).collect())
}

pub(super) fn own_tags(found: &FileSystemDescription) -> Tags {
    tags::read(found.tags())
}

/// What EFS says of the life of all its objects.
pub(super) fn ready(state: &LifeCycleState) -> Ready {
    match state {
        LifeCycleState::Available => Ready::Yes,
        LifeCycleState::Error => Ready::Failed("error".into()),
        LifeCycleState::Deleting | LifeCycleState::Deleted => Ready::NotYet(DELETING.into()),
        other => Ready::NotYet(other.as_str().to_owned()),
    }
}
