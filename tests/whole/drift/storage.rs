//! Repositories, secrets, the database, the bucket.

use serde_json::json;

use super::Sees::{Missing, Never, Replace, Update};
use super::{Entry, Hand, lose_tags};

const REPOSITORY: &str = "ecr.repository.keycloak";
const SECRET: &str = "secretsmanager.secret.timescale-url";
const DATABASE: &str = "rds.instance.keycloak";
const BUCKET: &str = "s3.bucket.spa";
const SITE: &str = "s3.site.spa";

pub(super) fn table() -> Vec<Entry> {
    vec![
        Entry {
            node: "ecr.image.keycloak",
            field: "repository",
            sees: Never("an image is looked for in the repository of its service, so another one has another image"),
            change: |_| {},
        },
        Entry {
            node: "ecr.image.keycloak",
            field: "tag",
            sees: Never("an image is known by its tag, and what a changed file makes of it is told in `images.rs`"),
            change: |_| {},
        },
        Entry { node: REPOSITORY, field: "name", sees: Missing, change: |h| h.remove() },
        Entry { node: REPOSITORY, field: "scan_on_push", sees: Update, change: |h| h.set("/scan_on_push", json!(false)) },
        Entry { node: REPOSITORY, field: "mutable_tags", sees: Update, change: |h| h.set("/mutability", json!("IMMUTABLE")) },
        Entry { node: REPOSITORY, field: "lifecycle", sees: Update, change: |h| h.set("/lifecycle", json!(null)) },
        Entry { node: REPOSITORY, field: "tags", sees: Update, change: lose_tags },
        Entry { node: SECRET, field: "name", sees: Missing, change: |h| h.remove() },
        Entry { node: SECRET, field: "description", sees: Update, change: |h| h.set("/description", json!("other")) },
        Entry {
            node: SECRET,
            field: "value",
            sees: Update,
            change: |h| {
                for version in h.map("/versions").values_mut() {
                    version["string"] = json!("somebody else's");
                }
            },
        },
        Entry { node: SECRET, field: "tags", sees: Update, change: lose_tags },
        Entry {
            node: "rds.subnet-group.private",
            field: "name",
            sees: Never("RDS deletes no group that a database is in, and renames none"),
            change: |_| {},
        },
        Entry {
            node: "rds.subnet-group.private",
            field: "description",
            sees: Update,
            change: |h| h.set("/description", json!("other")),
        },
        Entry {
            node: "rds.subnet-group.private",
            field: "subnets",
            sees: Update,
            change: |h| {
                let other = h.id("ec2.subnet.public-b");
                h.list("/subnets").push(json!([other, "us-west-2b"]));
            },
        },
        Entry { node: "rds.subnet-group.private", field: "tags", sees: Update, change: lose_tags },
        Entry { node: DATABASE, field: "name", sees: Missing, change: database_gone },
        Entry { node: DATABASE, field: "engine", sees: Replace, change: |h| h.set("/settings/Engine", json!("mysql")) },
        Entry { node: DATABASE, field: "version", sees: Update, change: |h| h.set("/settings/EngineVersion", json!("15.14")) },
        Entry {
            node: DATABASE,
            field: "class",
            sees: Update,
            change: |h| h.set("/settings/DBInstanceClass", json!("db.t3.large")),
        },
        Entry { node: DATABASE, field: "storage_gib", sees: Update, change: |h| h.set("/settings/AllocatedStorage", json!(10)) },
        Entry {
            node: DATABASE,
            field: "max_storage_gib",
            sees: Update,
            change: |h| h.set("/settings/MaxAllocatedStorage", json!(1000)),
        },
        Entry { node: DATABASE, field: "storage_type", sees: Update, change: |h| h.set("/settings/StorageType", json!("gp2")) },
        Entry {
            node: DATABASE,
            field: "encrypted",
            sees: Replace,
            change: |h| h.set("/settings/StorageEncrypted", json!(false)),
        },
        Entry { node: DATABASE, field: "database", sees: Replace, change: |h| h.set("/settings/DBName", json!("other")) },
        Entry { node: DATABASE, field: "user", sees: Replace, change: |h| h.set("/settings/MasterUsername", json!("other")) },
        Entry {
            node: DATABASE,
            field: "subnet_group",
            sees: Replace,
            change: |h| {
                let mut other = h.world["rds"]["subnet_groups"]["pulse-dev-private"].clone();
                other["name"] = json!("other");
                other["tags"] = json!({});
                h.world["rds"]["subnet_groups"]["other"] = other;
                h.set("/subnet_group", json!("other"));
            },
        },
        Entry {
            node: DATABASE,
            field: "groups",
            sees: Update,
            change: |h| {
                let other = h.id("ec2.security-group.mqtt");
                h.list("/groups").push(json!(other));
            },
        },
        Entry {
            node: DATABASE,
            field: "backup_days",
            sees: Update,
            change: |h| h.set("/settings/BackupRetentionPeriod", json!(0)),
        },
        Entry { node: DATABASE, field: "multi_az", sees: Update, change: |h| h.set("/settings/MultiAZ", json!(true)) },
        Entry {
            node: DATABASE,
            field: "deletion_protection",
            sees: Update,
            change: |h| h.set("/settings/DeletionProtection", json!(true)),
        },
        Entry { node: DATABASE, field: "public", sees: Update, change: |h| h.set("/settings/PubliclyAccessible", json!(true)) },
        Entry { node: DATABASE, field: "managed_password", sees: Update, change: password_of_their_own },
        Entry { node: DATABASE, field: "tags", sees: Update, change: lose_tags },
        Entry { node: BUCKET, field: "name", sees: Missing, change: |h| h.remove() },
        Entry { node: BUCKET, field: "block_public", sees: Update, change: |h| h.set("/block/BlockPublicPolicy", json!(false)) },
        Entry {
            node: BUCKET,
            field: "encryption",
            sees: Update,
            change: |h| h.set("/encryption/ApplyServerSideEncryptionByDefault/SSEAlgorithm", json!("aws:kms")),
        },
        Entry { node: BUCKET, field: "versioning", sees: Update, change: |h| h.set("/versioning", json!("Enabled")) },
        Entry { node: BUCKET, field: "object_ownership", sees: Update, change: |h| h.set("/ownership", json!("ObjectWriter")) },
        Entry { node: BUCKET, field: "tags", sees: Update, change: lose_tags },
        Entry { node: "s3.bucket-policy.spa", field: "bucket", sees: Missing, change: |h| h.set("/policy", json!(null)) },
        Entry {
            node: "s3.bucket-policy.spa",
            field: "policy",
            sees: Update,
            change: |h| h.set("/policy/Statement/0/Condition", json!({})),
        },
        Entry { node: SITE, field: "bucket", sees: Missing, change: |h| h.set("/objects", json!({})) },
        Entry {
            node: SITE,
            field: "distribution",
            sees: Never("a bucket does not know whose edges read it; that is told in its policy and in the distribution"),
            change: |_| {},
        },
        Entry {
            node: SITE,
            field: "files",
            sees: Update,
            change: |h| h.set("/objects/index.html/0/etag", json!("\"0123456789abcdef0123456789abcdef\"")),
        },
        Entry {
            node: SITE,
            field: "published",
            sees: Update,
            change: |h| drop(h.map("/objects").shift_remove(".landing-published").expect("it is the last that is written")),
        },
    ]
}

/// Somebody deleted the database, and RDS its secret and its network interface with it.
fn database_gone(hand: &mut Hand<'_>) {
    forget_secret(hand);
    hand.remove();
}

/// Somebody took the password out of RDS's hands.
fn password_of_their_own(hand: &mut Hand<'_>) {
    forget_secret(hand);
    hand.set("/secret", json!(null));
    hand.set("/password", json!("a password of their own"));
}

fn forget_secret(hand: &mut Hand<'_>) {
    let secrets = hand.world["secrets"]["secrets"].as_object_mut().expect("kept by name");
    secrets.retain(|name, _| !name.starts_with("rds!"));
}
