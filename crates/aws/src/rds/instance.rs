//! DB instance: one managed database.
//!
//! Known by its tags, which its list call returns. RDS stores the name in lower case. Everything that can change goes in one call, applied at once;
//! what RDS has accepted but not yet applied counts as live, or the same change would be sent again and again. The password is made and kept by
//! RDS in a secret of its own, or is a secret of the stack's; a tag then says which version of it RDS was given. Source: RDS API Reference, `CreateDBInstance`, `ModifyDBInstance`; `aws-behaviours` 7.3.

use std::time::Duration;

use landing_engine::kind::Trouble;
use landing_engine::{
    CallError, Cause, Changed, Class, Door, Gone, Kind, Live, Moment, NodeName, Output, Ready, Ref, Scan, Stack, Traits,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{password, reading, request, rotation};
use crate::{
    Aws, InstanceArn, InstanceHost, InstancePort, IntoCallError, SecretArn, SecretVersion, SecurityGroupId, SubnetGroupName,
    document, ownership, tags,
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Instance {
    pub name: String,
    /// `postgres`.
    pub engine: String,
    /// `16` means the newest minor version when it is made, and any minor version afterwards.
    pub version: String,
    /// `db.t4g.micro`.
    pub class: String,
    /// Grows only.
    pub storage_gib: i32,
    /// How far AWS may let it grow by itself; 0 when it may not. More than `storage_gib` otherwise.
    pub max_storage_gib: i32,
    pub storage_type: String,
    pub encrypted: bool,
    /// The one database that RDS makes.
    pub database: String,
    /// Master user.
    pub user: String,
    pub subnet_group: Ref<SubnetGroupName>,
    /// A set.
    pub groups: Vec<Ref<SecurityGroupId>>,
    /// 0 makes no backups.
    pub backup_days: i32,
    pub multi_az: bool,
    pub deletion_protection: bool,
    pub public: bool,
    /// RDS makes the master password, keeps it in a secret and rotates it every seven days.
    pub managed_password: bool,
    /// The version of a secret, JSON with `password`, that has the master password when RDS does not keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Ref<SecretVersion>>,
}

/// What says whose the password is.
const PASSWORD: &[&str] = &["managed_password", "password"];

impl Instance {
    pub const ARN: Output<InstanceArn> = Output::known("arn");
    pub const HOST: Output<InstanceHost> = Output::usable("host");
    pub const PORT: Output<InstancePort> = Output::usable("port");
    pub const SECRET_ARN: Output<SecretArn> = Output::usable("secret_arn");
}

impl Kind for Instance {
    type Cx = Aws;
    const NAME: &'static str = "rds.instance";
    const TRAITS: Traits = Traits {
        fixed: &["name", "engine", "encrypted", "database", "user", "subnet_group"],
        holds_data: true,
        // The slowest delete of all: it need not wait for the tasks that still know its address.
        mentioned: &["host", "port", "secret_arn", "arn"],
        typical_ready: Duration::from_secs(360),
        typical_gone: Duration::from_secs(300),
        poll: Duration::from_secs(15),
        // Twice the worst, which is Multi-AZ.
        patience: Duration::from_secs(60 * 60),
        ..Traits::DEFAULT
    };

    async fn scan(cx: &Aws, scan: &Scan) -> Result<Vec<Live<Self>>, CallError> {
        cx.removals.forget(Self::NAME);
        let mut pages = cx.rds.describe_db_instances().max_records(100).into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(instance) = pages.next().await {
            let instance = instance.call("rds:DescribeDBInstances")?;
            let tags = tags::read(instance.tag_list());
            let name = instance.db_instance_identifier().unwrap_or_default();
            let Some(node) = ownership::node_of::<Self>(scan, name, &tags) else { continue };
            // One that is on its way out is no longer the one that the stack asks for: `create` waits until its name is free. When nobody asks
            // for it any more it is still there, and whoever removes the stack waits for it.
            let leaving = reading::is_deleting(&instance);
            if !(leaving && scan.wanted.iter().any(|(wanted, _)| *wanted == node)) {
                found.push(reading::of(cx, node, &instance));
            }
        }
        Ok(found)
    }

    /// One that is being deleted is there for whoever removes it only.
    async fn read(cx: &Aws, stack: &Stack, node: &NodeName, id: &str) -> Result<Option<Live<Self>>, CallError> {
        let found = reading::get(cx, id).await?;
        let there = found.filter(|instance| !reading::is_deleting(instance) || cx.removals.has(Self::NAME, id));
        Ok(ownership::still_ours(stack, node, there.map(|instance| reading::of(cx, node.clone(), &instance))))
    }

    async fn create(&self, cx: &Aws, door: &Door<'_>) -> Result<Live<Self>, CallError> {
        let operation = "rds:CreateDBInstance";
        let mut tags = door.tags();
        tags.extend(password::mark(self));
        let send = || async {
            let password = password::given(cx, self).await?;
            let request = request::create(cx, self, &tags).set_master_user_password(password.map(password::exposed));
            let reply = request.send().await.call(operation)?;
            let instance = reply.db_instance.unwrap_or_else(|| reading::Reply::builder().build());
            // The call carried every field; a version such as `16` is resolved in what is read later.
            let made = Live { tags: tags.clone(), id: self.name.clone(), ..reading::of(cx, door.node().clone(), &instance) };
            Ok(made.with(self))
        };
        // The name is free again when the old one is gone: one that is being deleted is not found, so that the door tries again.
        let find = || async {
            let found = reading::get(cx, &self.name).await?.filter(|instance| !reading::is_deleting(instance));
            Ok(found.map(|instance| reading::of(cx, door.node().clone(), &instance)))
        };
        ownership::create(door, operation, &format!("the database {}", self.name), send, find).await
    }

    async fn update(&self, cx: &Aws, door: &Door<'_>, live: &Live<Self>, changed: &Changed) -> Result<Live<Self>, CallError> {
        let mut now = live.with(self);
        let mut changed = changed.clone();
        // RDS keeps it: then a new one is meant.
        if changed.has("managed_password")
            && self.managed_password
            && let Some(secret) = reading::master_secret(cx, &live.id).await?
        {
            rotation::rotate(cx, door, &live.id, &secret).await?;
            changed.0.retain(|field| field != "managed_password");
            now.ready = Ready::NotYet("changing its password".to_owned());
        }
        if changed.0.iter().any(|field| field != "tags") {
            let operation = "rds:ModifyDBInstance";
            door.call(operation, || async {
                // RDS takes changes only when no other one is under way; the door waits for that.
                reading::settled(cx, operation, &live.id).await?;
                let password = if changed.any(PASSWORD) { password::given(cx, self).await? } else { None };
                let request = request::modify(cx, self, live, &changed).set_master_user_password(password.map(password::exposed));
                match request.send().await.call(operation) {
                    // An attempt whose answer was lost had changed it.
                    Err(error) if error.message.contains("No modifications were requested") => Ok(()),
                    answer => answer.map(|_| ()),
                }
            })
            .await?;
            // These take minutes, and for the first seconds RDS still reports `available`.
            if changed.any(&["class", "version", "storage_gib", "storage_type", "multi_az"]) || changed.any(PASSWORD) {
                now.ready = Ready::NotYet("modifying".to_owned());
            }
            // After the change that it speaks of.
            if changed.any(PASSWORD) && self.password.is_some() {
                super::tag(cx, door, &cx.arn("rds", &format!("db:{}", live.id)), &password::mark(self)).await?;
            }
        }
        if changed.tags() {
            super::retag(cx, door, &cx.arn("rds", &format!("db:{}", live.id))).await?;
        }
        Ok(now)
    }

    async fn delete(cx: &Aws, door: &Door<'_>, live: &Live<Self>) -> Result<Gone, CallError> {
        cx.removals.note(Self::NAME, &live.id);
        let deleting = || reading::DELETING.to_owned();
        if live.ready == Ready::NotYet(deleting()) {
            return Ok(Gone::NotYet(deleting()));
        }
        if live.shape.deletion_protection {
            let operation = "rds:ModifyDBInstance";
            let modify = || cx.rds.modify_db_instance().db_instance_identifier(&live.id).apply_immediately(true);
            let result =
                door.call(operation, || async { modify().deletion_protection(false).send().await.call(operation) }).await;
            return ownership::going(result, "modifying");
        }
        let operation = "rds:DeleteDBInstance";
        let result = door
            .call(operation, || async {
                // Without a last snapshot: whether the data may go was asked before the walk began.
                let delete = cx.rds.delete_db_instance().db_instance_identifier(&live.id).skip_final_snapshot(true);
                match delete.delete_automated_backups(true).send().await.call(operation) {
                    Err(error) if error.message.contains("already being deleted") => Ok(()),
                    other => other.map(|_| ()),
                }
            })
            .await;
        ownership::going(result, reading::DELETING)
    }

    /// On AWS the secret comes, and is waited for. What is no AWS and shows an instance without one has none to show.
    async fn diagnose(cx: &Aws, _: &Stack, live: &Live<Self>, _: Moment) -> Result<Option<Trouble>, CallError> {
        let has_none = live.ready == Ready::without("secret_arn");
        let Some(url) = cx.far_end.emulator().filter(|_| has_none) else { return Ok(None) };
        let title =
            format!("{url} shows no secret for the master user (MasterUserSecret), although RDS is asked to keep the password");
        let help = "AWS shows one: use an emulator that has managed passwords, let the stack keep the password (a program that reads `database:NAME.url`), or look at it in `--sandbox`";
        let cause = Cause { title, help: help.to_owned(), ..Cause::default() };
        Ok(Some(Trouble { cause, ends: Some(Class::Unserved) }))
    }

    fn same(field: &str, desired: &Value, live: &Value) -> bool {
        match (field, desired, live) {
            ("groups", ..) => document::same_set(desired, live),
            ("name" | "subnet_group", Value::String(desired), Value::String(live)) => desired.eq_ignore_ascii_case(live),
            ("version", Value::String(desired), Value::String(live)) => same_version(desired, live),
            ("storage_gib", Value::Number(desired), Value::Number(live)) => desired.as_i64() <= live.as_i64(),
            _ => desired == live,
        }
    }
}

/// `16` is any 16.x, and a minor version that AWS has gone past by itself (automatic minor upgrades) cannot be had back.
fn same_version(desired: &str, live: &str) -> bool {
    let parts = |version: &str| version.split('.').map(|part| part.parse::<u32>().ok()).collect::<Option<Vec<u32>>>();
    match (parts(desired), parts(live)) {
        (Some(desired), Some(live)) => desired.first() == live.first() && desired <= live,
        _ => desired == live,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_version_covers_its_minors_and_is_never_taken_back() {
        let same = |desired: &str, live: &str| Instance::same("version", &json!(desired), &json!(live));
        assert!(same("16", "16.4") && same("16.4", "16.4") && same("16.3", "16.4"));
        assert!(!same("16.10", "16.4") && !same("17", "16.4") && !same("1", "16.4") && !same("16", "17.1"));
    }

    #[test]
    fn storage_only_grows() {
        assert!(Instance::same("storage_gib", &json!(20), &json!(35)));
        assert!(!Instance::same("storage_gib", &json!(40), &json!(35)));
    }
}
