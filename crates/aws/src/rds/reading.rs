//! What RDS reports of a DB instance, in the words of its kind.

use std::collections::BTreeMap;

pub(super) use aws_sdk_rds::types::DbInstance as Reply;
use aws_sdk_rds::types::MasterUserSecret;
use landing_engine::{CallError, Class, Live, NodeName, Ready, Ref};

use super::{Instance, password};
use crate::{Aws, IntoCallError, ownership, tags};

pub(super) const DELETING: &str = "deleting";

pub(super) async fn get(cx: &Aws, id: &str) -> Result<Option<Reply>, CallError> {
    let request = cx.rds.describe_db_instances().db_instance_identifier(id);
    let reply = ownership::found(request.send().await.call("rds:DescribeDBInstances"))?;
    Ok(reply.and_then(|reply| reply.db_instances().first().cloned()))
}

/// A database in the subnet group, and its status: the group cannot go before it, not even while that one is being deleted.
pub(super) async fn in_group(cx: &Aws, group: &str) -> Result<Option<String>, CallError> {
    let mut pages = cx.rds.describe_db_instances().max_records(100).into_paginator().items().send();
    while let Some(instance) = pages.next().await {
        let instance = instance.call("rds:DescribeDBInstances")?;
        let its = instance.db_subnet_group().and_then(|group| group.db_subnet_group_name());
        if its.is_some_and(|its| its.eq_ignore_ascii_case(group)) {
            let name = instance.db_instance_identifier().unwrap_or_default();
            return Ok(Some(format!("database {name}, {}", instance.db_instance_status().unwrap_or("in it"))));
        }
    }
    Ok(None)
}

/// ARN of the secret in which RDS keeps the master password; `None` when there is no such instance, or it has none.
///
/// # Errors
/// When AWS does not let it read.
pub async fn master_secret(cx: &Aws, id: &str) -> Result<Option<String>, CallError> {
    let instance = get(cx, id).await?;
    Ok(instance.as_ref().and_then(Reply::master_user_secret).and_then(MasterUserSecret::secret_arn).map(str::to_owned))
}

pub(super) fn is_deleting(instance: &Reply) -> bool {
    instance.db_instance_status() == Some(DELETING)
}

/// `InUse` while another change is under way: RDS would refuse the next one, and emulators would lose it.
pub(super) async fn settled(cx: &Aws, operation: &str, id: &str) -> Result<(), CallError> {
    let Some(instance) = get(cx, id).await? else { return Ok(()) };
    match ready(&instance) {
        Ready::NotYet(status) => Err(CallError::new(Class::InUse, operation, format!("`{id}` is {status}"))),
        _ => Ok(()),
    }
}

fn ready(instance: &Reply) -> Ready {
    let status = instance.db_instance_status().unwrap_or("creating");
    match status {
        "available" | "backing-up" | "storage-optimization" | "storage-config-upgrade" => {
            let secret = instance.master_user_secret().and_then(MasterUserSecret::secret_status);
            match (instance.endpoint(), secret) {
                (None, _) => Ready::NotYet("waiting for its endpoint".to_owned()),
                (Some(_), Some("creating")) => Ready::NotYet("making its password".to_owned()),
                (Some(_), Some("rotating")) => Ready::NotYet("changing its password".to_owned()),
                _ => Ready::Yes,
            }
        }
        "failed"
        | "insufficient-capacity"
        | "inaccessible-encryption-credentials"
        | "restore-error"
        | "storage-full"
        | "incompatible-network"
        | "incompatible-option-group"
        | "incompatible-parameters"
        | "incompatible-restore" => Ready::Failed(status.to_owned()),
        other => Ready::NotYet(other.to_owned()),
    }
}

pub(super) fn of(cx: &Aws, node: NodeName, instance: &Reply) -> Live<Instance> {
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let id = text(instance.db_instance_identifier());
    let pending = instance.pending_modified_values();
    let tags = tags::read(instance.tag_list());
    let marked = password::marked(&tags);
    let is_marked = marked.is_some();
    let secret = instance.master_user_secret().and_then(MasterUserSecret::secret_arn);
    let mut groups: Vec<&str> = instance
        .vpc_security_groups()
        .iter()
        .filter(|group| group.status() != Some("removing"))
        .filter_map(|group| group.vpc_security_group_id())
        .collect();
    groups.sort_unstable();
    let mut outputs = BTreeMap::from([("arn".to_owned(), text(instance.db_instance_arn()))]);
    let endpoint = instance.endpoint();
    outputs.extend(endpoint.and_then(|e| e.address()).map(|host| ("host".to_owned(), host.to_owned())));
    outputs.extend(endpoint.and_then(|e| e.port()).map(|port| ("port".to_owned(), port.to_string())));
    outputs.extend(secret.map(|arn| ("secret_arn".to_owned(), arn.to_owned())));
    let group = instance.db_subnet_group().and_then(|group| group.db_subnet_group_name());
    Live {
        node,
        shape: Instance {
            name: id.clone(),
            engine: text(instance.engine()),
            version: text(pending.and_then(|p| p.engine_version()).or(instance.engine_version())),
            class: text(pending.and_then(|p| p.db_instance_class()).or(instance.db_instance_class())),
            storage_gib: pending.and_then(|p| p.allocated_storage()).or(instance.allocated_storage()).unwrap_or_default(),
            // A limit that is already reached is RDS's "off".
            max_storage_gib: instance
                .max_allocated_storage()
                .filter(|max| Some(*max) > instance.allocated_storage())
                .unwrap_or_default(),
            storage_type: text(pending.and_then(|p| p.storage_type()).or(instance.storage_type())),
            encrypted: instance.storage_encrypted().unwrap_or_default(),
            database: text(instance.db_name()),
            user: text(instance.master_username()),
            subnet_group: Ref::value(group.unwrap_or_default().into()),
            groups: groups.into_iter().map(|id| Ref::value(id.into())).collect(),
            backup_days: pending
                .and_then(|p| p.backup_retention_period())
                .or(instance.backup_retention_period())
                .unwrap_or_default(),
            multi_az: pending.and_then(|p| p.multi_az()).or(instance.multi_az()).unwrap_or_default(),
            deletion_protection: instance.deletion_protection().unwrap_or_default(),
            public: instance.publicly_accessible().unwrap_or_default(),
            // The secret shows up some time into `creating` (unverified); a database without one has a password of the stack's.
            managed_password: secret.is_some() || (instance.db_instance_status() == Some("creating") && marked.is_none()),
            password: marked.filter(|_| secret.is_none()).map(|version| Ref::value(version.as_str().into())),
        },
        id,
        outputs,
        ready: ready(instance),
        tags,
        owned: true,
        // An emulator without managed passwords shows no secret, and never will: see `diagnose`.
        untold: cx.far_end.leaves_out([("managed_password", secret.is_none() && !is_marked)]),
    }
}
