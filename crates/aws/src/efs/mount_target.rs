//! Mount target: where the tasks of one availability zone reach a file system.
//!
//! A network interface in a subnet, one for each zone: EFS refuses a second one. It cannot carry tags: it stands in a file system of ours, and its node is
//! named after that one and the zone's letter. It answers to the file system's id, too, so that it goes only after all that mounts by it, which is what
//! tasks and access points name. Source: EFS API Reference, `CreateMountTarget`, `DeleteMountTarget`; `aws-behaviours` 14.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_efs::operation::create_mount_target::CreateMountTargetOutput;
use aws_sdk_efs::types::{LifeCycleState, MountTargetDescription};
use futures_util::future::try_join_all;
use landing_engine::{CallError, Changed, Class, Door, Gone, Kind, Live, NodeName, Ready, Ref, Scan, Stack, Tags, Traits};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{DELETING, readings};
use crate::{Aws, FileSystemId, IntoCallError, SecurityGroupId, SubnetId, document, ownership};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MountTarget {
    pub file_system: Ref<FileSystemId>,
    pub subnet: Ref<SubnetId>,
    /// At most five. A set.
    pub groups: Vec<Ref<SecurityGroupId>>,
}

/// After this, a zone that EFS says is taken and where nothing of ours shows is taken for good. Source: `aws-behaviours` 1.4.
const SHOWN_WITHIN: Duration = Duration::from_secs(60);

impl Kind for MountTarget {
    type Cx = Aws;
    const NAME: &'static str = "efs.mount-target";
    const TRAITS: Traits = Traits {
        fixed: &["file_system", "subnet"],
        tagged: false,
        typical_ready: Duration::from_secs(180),
        typical_gone: Duration::from_secs(60),
        poll: Duration::from_secs(5),
        patience: Duration::from_secs(20 * 60),
        ..Traits::DEFAULT
    };

    async fn scan(cx: &Aws, scan: &Scan) -> Result<Vec<Live<Self>>, CallError> {
        let ours = readings::ours(cx, scan).await?;
        let found = ours.iter().map(|(file_system, node)| async move {
            let found = list(cx, file_system).await?;
            let live = found.iter().map(|target| async move {
                let node = NodeName::new(Self::NAME, &format!("{}-{}", node.name(), letter(target)));
                let live = whole(cx, target).await?;
                Ok(live.map(|live| Live { node, ready: cx.young.ready(&live.id, live.ready.clone()), ..live }))
            });
            try_join_all(live).await
        });
        let found: Vec<Vec<Option<Live<Self>>>> = try_join_all(found).await?;
        Ok(found.into_iter().flatten().flatten().collect())
    }

    async fn read(cx: &Aws, _: &Stack, node: &NodeName, id: &str) -> Result<Option<Live<Self>>, CallError> {
        let reply = cx.efs.describe_mount_targets().mount_target_id(id).send().await;
        let reply = ownership::found(reply.call("elasticfilesystem:DescribeMountTargets"))?;
        let Some(found) = reply.as_ref().and_then(|reply| reply.mount_targets().first()) else { return Ok(None) };
        Ok(whole(cx, found).await?.map(|live| Live { node: node.clone(), ready: cx.young.ready(id, live.ready.clone()), ..live }))
    }

    async fn create(&self, cx: &Aws, door: &Door<'_>) -> Result<Live<Self>, CallError> {
        let operation = "elasticfilesystem:CreateMountTarget";
        door.call(operation, || async {
            let call = cx.efs.create_mount_target().file_system_id(self.file_system.get().as_str());
            let call = call.subnet_id(self.subnet.get().as_str()).set_security_groups(Some(self.ids()));
            let live = match call.send().await.call(operation) {
                Ok(reply) => of(&description(reply), self.ids()),
                Err(error) if error.class == Class::AlreadyExists => self.existing(cx, error).await?,
                Err(error) => return Err(error),
            };
            Ok(Live { node: door.node().clone(), ready: cx.young.ready(&live.id, live.ready.clone()), ..live })
        })
        .await
    }

    async fn update(&self, cx: &Aws, door: &Door<'_>, live: &Live<Self>, changed: &Changed) -> Result<Live<Self>, CallError> {
        if changed.has("groups") {
            let operation = "elasticfilesystem:ModifyMountTargetSecurityGroups";
            let call = || {
                let call = cx.efs.modify_mount_target_security_groups().mount_target_id(&live.id);
                call.set_security_groups(Some(self.ids()))
            };
            door.call(operation, || async { call().send().await.call(operation) }).await?;
        }
        Ok(live.with(self))
    }

    async fn delete(cx: &Aws, door: &Door<'_>, live: &Live<Self>) -> Result<Gone, CallError> {
        if live.ready == Ready::NotYet(DELETING.into()) {
            return Ok(Gone::NotYet(DELETING.into()));
        }
        let operation = "elasticfilesystem:DeleteMountTarget";
        let call = || async { cx.efs.delete_mount_target().mount_target_id(&live.id).send().await.call(operation) };
        ownership::going(door.call(operation, call).await, DELETING)
    }

    fn same(field: &str, desired: &Value, live: &Value) -> bool {
        if field == "groups" { document::same_set(desired, live) } else { desired == live }
    }
}

impl MountTarget {
    fn ids(&self) -> Vec<String> {
        self.groups.iter().map(|group| group.get().to_string()).collect()
    }

    /// What stands in our subnet, in a file system of ours: from a call whose answer was lost. One on its way out, or in another subnet of the zone, is in
    /// the way, for a while or for good.
    async fn existing(&self, cx: &Aws, refusal: CallError) -> Result<Live<Self>, CallError> {
        let found = list(cx, self.file_system.get().as_str()).await?;
        let leaves = |target: &MountTargetDescription| *target.life_cycle_state() == LifeCycleState::Deleting;
        let here = found.iter().find(|target| target.subnet_id() == self.subnet.get().as_str() && !leaves(target));
        if let Some(live) = match here {
            Some(target) => whole(cx, target).await?,
            None => None,
        } {
            return Ok(live);
        }
        let in_use = CallError { class: Class::InUse, ..refusal };
        Err(if found.iter().any(leaves) { in_use } else { in_use.again_within(SHOWN_WITHIN) })
    }
}

async fn list(cx: &Aws, file_system: &str) -> Result<Vec<MountTargetDescription>, CallError> {
    let mut pages = cx.efs.describe_mount_targets().file_system_id(file_system).into_paginator().items().send();
    let mut found = Vec::new();
    while let Some(target) = pages.next().await {
        // The file system itself may have gone meanwhile.
        let Some(target) = ownership::found(target.call("elasticfilesystem:DescribeMountTargets"))? else { break };
        found.push(target);
    }
    Ok(found)
}

/// Last letter of the zone's name, as subnets are named.
fn letter(target: &MountTargetDescription) -> char {
    target.availability_zone_name().and_then(|zone| zone.chars().next_back()).unwrap_or('x')
}

/// With its groups, which only a call of their own tells; `None` when it went meanwhile.
async fn whole(cx: &Aws, found: &MountTargetDescription) -> Result<Option<Live<MountTarget>>, CallError> {
    let call = cx.efs.describe_mount_target_security_groups().mount_target_id(found.mount_target_id());
    // One that is on its way out need not tell them any more.
    if *found.life_cycle_state() == LifeCycleState::Deleting {
        return Ok(Some(of(found, Vec::new())));
    }
    let reply = ownership::found(call.send().await.call("elasticfilesystem:DescribeMountTargetSecurityGroups"))?;
    Ok(reply.map(|reply| of(found, reply.security_groups)))
}

/// The node's name is put in by the caller.
fn of(found: &MountTargetDescription, groups: Vec<String>) -> Live<MountTarget> {
    let id = found.mount_target_id().to_owned();
    Live {
        node: NodeName::new(MountTarget::NAME, &id),
        outputs: BTreeMap::from([("file_system".to_owned(), found.file_system_id().to_owned())]),
        id,
        shape: MountTarget {
            file_system: Ref::value(found.file_system_id().into()),
            subnet: Ref::value(found.subnet_id().into()),
            groups: groups.into_iter().map(|id| Ref::value(id.into())).collect(),
        },
        ready: readings::ready(found.life_cycle_state()),
        tags: Tags::new(),
        owned: true,
        untold: Vec::new(),
    }
}

/// The reply to a create is the same description, in a type of its own.
fn description(reply: CreateMountTargetOutput) -> MountTargetDescription {
    MountTargetDescription::builder()
        .mount_target_id(reply.mount_target_id)
        .file_system_id(reply.file_system_id)
        .subnet_id(reply.subnet_id)
        .life_cycle_state(reply.life_cycle_state)
        .set_availability_zone_name(reply.availability_zone_name)
        .build()
        .expect("what a description needs, the reply has")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_groups_is_no_difference() {
        let groups = |ids: &[&str]| serde_json::json!(ids);
        assert!(MountTarget::same("groups", &groups(&["sg-1", "sg-2"]), &groups(&["sg-2", "sg-1"])));
        assert!(!MountTarget::same("groups", &groups(&["sg-1", "sg-2"]), &groups(&["sg-1"])));
    }
}
