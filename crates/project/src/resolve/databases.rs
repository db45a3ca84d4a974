//! `[databases.…]`: RDS instances.

use std::collections::BTreeMap;

use super::{Cx, names};
use crate::{problem::Problem, project::Database, settings::DatabaseSettings};

pub(super) fn read(cx: &mut Cx<'_>) -> BTreeMap<String, Database> {
    let settings = cx.settings;
    settings.databases.iter().map(|(name, settings)| (name.clone(), database(cx, name, settings))).collect()
}

fn database(cx: &mut Cx<'_>, name: &str, settings: &DatabaseSettings) -> Database {
    let key = cx.document.key(&["databases", name]);
    let value = |key: &str| cx.document.value(&["databases", name, key]);
    let mut problems: Vec<Problem> = names::part("database", name, &key).into_iter().collect();
    let engine = settings.engine.clone().unwrap_or_else(|| "postgres".to_owned());
    if engine != "postgres" {
        problems.push(
            Problem::at(&value("engine"), "unsupported-engine", format!("database engine `{engine}` is not supported yet"))
                .help("use `engine = \"postgres\"`, or run your own database and give its address as a secret"),
        );
    }
    let class = settings.class.clone().unwrap_or_else(|| "db.t3.micro".to_owned());
    if !class.starts_with("db.") || class.split('.').count() != 3 {
        problems.push(
            Problem::at(&value("class"), "bad-value", format!("`{class}` is not a class of RDS"))
                .help("for example \"db.t3.micro\""),
        );
    }
    let version = settings.version.as_ref().map_or_else(|| "16".to_owned(), ToString::to_string);
    if version.is_empty() || !version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        problems.push(
            Problem::at(&value("version"), "bad-value", format!("`{version}` is not a version of PostgreSQL"))
                .help("for example \"16\""),
        );
    }
    let storage_gib = settings.storage.unwrap_or(20);
    let max_storage_gib = settings.max_storage.unwrap_or(storage_gib);
    if !(20..=65_536).contains(&storage_gib) {
        problems.push(
            Problem::at(&value("storage"), "bad-value", format!("RDS has no disks of {storage_gib} GiB"))
                .label("20 to 65536")
                .help("storage = 20 is the smallest"),
        );
    } else if max_storage_gib < storage_gib || max_storage_gib > 65_536 {
        problems.push(
            Problem::at(&value("max-storage"), "bad-value", format!("the storage cannot grow to {max_storage_gib} GiB"))
                .label(format!("it starts with {storage_gib}"))
                .help(format!("write {storage_gib} for no growth, or more, up to 65536")),
        );
    } else if max_storage_gib != storage_gib && u64::from(max_storage_gib) * 10 < u64::from(storage_gib) * 11 {
        problems.push(
            Problem::at(&value("max-storage"), "bad-value", "RDS grows storage by a tenth at least")
                .label(format!("it starts with {storage_gib}"))
                .help(format!("write at least {}, or {storage_gib} for no growth", (u64::from(storage_gib) * 11).div_ceil(10))),
        );
    }
    let backup_days = settings.backup_days.unwrap_or(1);
    if backup_days > 35 {
        problems.push(
            Problem::at(&value("backup-days"), "bad-value", format!("RDS cannot keep backups for {backup_days} days"))
                .label("0 to 35")
                .help("write 35, or 0 for no backups"),
        );
    }
    let database_name = settings.database.clone().unwrap_or_else(|| name.replace('-', "_"));
    if !is_name(&database_name) {
        problems.push(
            Problem::at(&value("database"), "bad-value", format!("`{database_name}` cannot name a database"))
                .label("letters, digits and `_`, a letter first, no reserved word")
                .help("for example \"app\""),
        );
    }
    let master_user = settings.user.clone().unwrap_or_else(|| "postgres".to_owned());
    if !is_name(&master_user) || master_user.starts_with("rds") {
        problems.push(
            Problem::at(&value("user"), "bad-value", format!("`{master_user}` cannot name the master user"))
                .label("letters, digits and `_`, a letter first, no reserved word and not `rds…`")
                .help("for example \"app\""),
        );
    }
    cx.problems.extend(problems);
    Database {
        name: name.to_owned(),
        engine,
        version,
        class,
        storage_gib,
        max_storage_gib,
        database_name,
        master_user,
        used_by: settings.used_by.clone(),
        backup_days,
        multi_az: settings.multi_az,
        deletion_protection: settings.deletion_protection,
        password: None,
    }
}

/// Words that RDS for PostgreSQL refuses as names.
const RESERVED: [&str; 8] = ["admin", "db", "default", "public", "replication", "rdsadmin", "template0", "template1"];

/// Whether RDS takes it as the name of a database or of a user.
pub(super) fn is_name(name: &str) -> bool {
    is_identifier(name) && !RESERVED.contains(&name)
}

fn is_identifier(name: &str) -> bool {
    name.len() <= 63
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
