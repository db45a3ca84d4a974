//! What outlives an instance: manual snapshots, and automated backups that were kept when it was deleted (catalogue, section 7.3).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{invalid, items, paged, tag_list};
use crate::call::{Call, strings, text};
use crate::fault::Fault;
use crate::tags::Tags;
use crate::wire::Reply;
use crate::world::World;

/// A manual one; automated ones come and go with the instance.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    pub(crate) instance: String,
    pub(crate) tags: Tags,
}

/// Automated backups of an instance that is gone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Retained {
    pub(crate) instance: String,
    pub(crate) arn: String,
}

/// A filter's name and values.
fn filters(call: &Call) -> Vec<(String, Vec<String>)> {
    let values = |filter: &Value| strings(&Value::from(items(&filter["Values"], "Value")));
    items(&call.input["Filters"], "Filter").iter().map(|it| (text(&it["Name"]).unwrap_or_default(), values(it))).collect()
}

pub(super) fn describe_snapshots(world: &World, call: &Call) -> Result<Reply, Fault> {
    let (id, instance) = (call.opt("DBSnapshotIdentifier"), call.opt("DBInstanceIdentifier"));
    let id = id.map(|id| id.rsplit(':').next().unwrap_or_default().to_ascii_lowercase());
    if let Some(id) = id.as_ref().filter(|id| !world.rds.snapshots.contains_key(*id)) {
        return Err(Fault::new("DBSnapshotNotFound", format!("DBSnapshot {id} not found")).status(404));
    }
    if let Some((other, _)) = filters(call).first() {
        return Err(invalid(format!("Unrecognized filter name: {other}")));
    }
    // Only manual ones are modelled.
    let counts = call.opt("SnapshotType").is_none_or(|kind| kind == "manual");
    let wanted = |name: &String, snapshot: &Snapshot| {
        counts
            && id.as_ref().is_none_or(|id| id == name)
            && instance.as_ref().is_none_or(|instance| instance.eq_ignore_ascii_case(&snapshot.instance))
    };
    let found = world.rds.snapshots.iter().filter(|(name, snapshot)| wanted(name, snapshot));
    let shown = found.map(|(name, snapshot)| {
        json!({
            "DBSnapshotIdentifier": name,
            "DBSnapshotArn": super::arn(world, "snapshot", name),
            "DBInstanceIdentifier": snapshot.instance,
            "SnapshotType": "manual",
            "Status": "available",
            "Engine": "postgres",
            "TagList": tag_list(&snapshot.tags),
        })
    });
    paged(call, "DBSnapshots", "DBSnapshot", shown.collect())
}

/// Those of instances that stand are `active`, and so is what they are kept under.
pub(super) fn describe_automated(world: &World, call: &Call) -> Result<Reply, Fault> {
    let filters = filters(call);
    let standing = world.rds.instances.values().map(|it| (it.resource_id.as_str(), it.id.as_str(), it.arn.as_str(), "active"));
    let kept = world.rds.retained.iter().map(|(id, it)| (id.as_str(), it.instance.as_str(), it.arn.as_str(), "retained"));
    let mut found: Vec<_> = standing.chain(kept).collect();
    for (name, values) in &filters {
        let has = |value: &str| values.iter().any(|wanted| wanted == value);
        match name.as_str() {
            "status" => found.retain(|(_, _, _, status)| has(status)),
            "db-instance-id" => found.retain(|(_, instance, arn, _)| has(instance) || has(arn)),
            "dbi-resource-id" => found.retain(|(id, _, _, _)| has(id)),
            other => return Err(invalid(format!("Unrecognized filter name: {other}"))),
        }
    }
    if let Some(wanted) = call.opt("DBInstanceIdentifier") {
        found.retain(|(_, instance, _, _)| instance.eq_ignore_ascii_case(&wanted));
    }
    let shown = found.into_iter().map(|(id, instance, arn, status)| {
        json!({
            "DbiResourceId": id,
            "DBInstanceIdentifier": instance,
            "DBInstanceArn": arn,
            "Status": status,
            "Region": world.region,
            "Engine": "postgres",
        })
    });
    paged(call, "DBInstanceAutomatedBackups", "DBInstanceAutomatedBackup", shown.collect())
}
