//! What databases leave behind: snapshots that somebody took, and backups that were kept when the instance went. Source: `aws-behaviours` 7.3.

use aws_sdk_rds::types::Filter;
use landing_engine::{CallError, Kind};

use super::{Finds, Leftover, Reason, Sought, names, steps};
use crate::{IntoCallError, rds, tags};

pub(super) async fn look(sought: &Sought<'_>, finds: &mut Finds) {
    let (snapshots, backups) = tokio::join!(snapshots(sought), backups(sought));
    finds.answer("database snapshots", snapshots).into_iter().for_each(|left| finds.add(left));
    finds.answer("database backups", backups).into_iter().for_each(|left| finds.add(left));
}

/// Manual ones only: the automated ones are the backups.
async fn snapshots(sought: &Sought<'_>) -> Result<Vec<Leftover>, CallError> {
    let instances = names::own_names(sought, rds::Instance::NAME);
    let mut pages = sought.aws.rds.describe_db_snapshots().snapshot_type("manual").into_paginator().items().send();
    let mut found = Vec::new();
    while let Some(snapshot) = pages.next().await {
        let snapshot = snapshot.call("rds:DescribeDBSnapshots")?;
        let instance = snapshot.db_instance_identifier().unwrap_or_default();
        let tagged = sought.stack.node_of(&tags::read(snapshot.tag_list())).is_some();
        if tagged || instances.contains(instance) {
            let id = snapshot.db_snapshot_identifier().unwrap_or_default();
            let reason =
                Reason::Kept { why: format!("somebody took this snapshot of {instance}; it is kept until it is deleted") };
            found.push(Leftover::new("rds.snapshot", id, reason, steps::command(sought.aws, "rds.snapshot", id)));
        }
    }
    Ok(found)
}

/// Of instances that are gone. Our own deletes take the backups along.
async fn backups(sought: &Sought<'_>) -> Result<Vec<Leftover>, CallError> {
    let instances = names::own_names(sought, rds::Instance::NAME);
    let retained = Filter::builder().name("status").values("retained").build();
    let mut pages = sought.aws.rds.describe_db_instance_automated_backups().filters(retained).into_paginator().items().send();
    let mut found = Vec::new();
    while let Some(backup) = pages.next().await {
        let backup = backup.call("rds:DescribeDBInstanceAutomatedBackups")?;
        let instance = backup.db_instance_identifier().unwrap_or_default();
        if instances.contains(instance) {
            let id = backup.dbi_resource_id().unwrap_or_default();
            let why = format!("automated backups of {instance}, kept when somebody else deleted it; they cost money");
            let remove = steps::command(sought.aws, "rds.automated-backup", id);
            found.push(Leftover::new("rds.automated-backup", id, Reason::Stands { why }, remove));
        }
    }
    Ok(found)
}
