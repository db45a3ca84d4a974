//! Volumes on EFS, and what a task definition says of them.

use serde_json::json;

use super::Sees::{Missing, Never, Replace, Update};
use super::{Entry, Hand, lose_tags};

const FILES: &str = "efs.file-system.queue";
const TARGET: &str = "efs.mount-target.queue-a";
const POINT: &str = "efs.access-point.queue";

pub(super) fn table() -> Vec<Entry> {
    vec![
        Entry { node: FILES, field: "encrypted", sees: Replace, change: |h| h.set("/encrypted", json!(false)) },
        Entry { node: FILES, field: "performance", sees: Replace, change: |h| h.set("/performance", json!("maxIO")) },
        Entry { node: FILES, field: "throughput", sees: Update, change: |h| h.set("/throughput", json!("bursting")) },
        Entry { node: FILES, field: "guarded", sees: Update, change: |h| h.set("/policy/Statement/0/Effect", json!("Allow")) },
        Entry { node: FILES, field: "backup", sees: Update, change: |h| h.set("/backup", json!(true)) },
        Entry { node: FILES, field: "tags", sees: Update, change: lose_tags },
        Entry {
            node: TARGET,
            field: "file_system",
            sees: Never("a mount target is found in its file system, and another one's is another node"),
            change: |_| {},
        },
        Entry { node: TARGET, field: "subnet", sees: Replace, change: in_another_subnet },
        Entry {
            node: TARGET,
            field: "groups",
            sees: Update,
            change: |h| {
                let (target, group) = (h.id(TARGET), h.id("ec2.security-group.web"));
                let interfaces = h.world["ec2"]["interfaces"].as_object_mut().expect("kept by id");
                let own = interfaces.values_mut().find(|it| it["owner"] == target.as_str()).expect("it has one");
                own["groups"] = json!([group]);
            },
        },
        Entry { node: POINT, field: "file_system", sees: Missing, change: |h| h.remove() },
        Entry { node: POINT, field: "path", sees: Replace, change: |h| h.set("/folder/Path", json!("/other")) },
        Entry { node: POINT, field: "uid", sees: Replace, change: |h| h.set("/user/Uid", json!(1)) },
        Entry { node: POINT, field: "gid", sees: Replace, change: |h| h.set("/user/Gid", json!(1)) },
        Entry {
            node: POINT,
            field: "permissions",
            sees: Replace,
            change: |h| h.set("/folder/CreationInfo/Permissions", json!("0700")),
        },
        Entry { node: POINT, field: "tags", sees: Update, change: lose_tags },
        Entry {
            node: "ecs.task-definition.worker",
            field: "volumes",
            sees: Update,
            change: |h| h.set("/body/volumes/0/efsVolumeConfiguration/authorizationConfig/iam", json!("DISABLED")),
        },
    ]
}

/// Somebody moved it into a subnet of the same zone.
fn in_another_subnet(hand: &mut Hand<'_>) {
    let other = hand.id("ec2.subnet.public-a");
    hand.set("/subnet", json!(other));
}
