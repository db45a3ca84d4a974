//! Changing, rebooting and deleting DB instances, and what time does to them.

use serde_json::{Map, Value, json};

use super::instances::{
    Instance, check_groups, check_parameter_group, check_password, managed_secret, managed_value, not_found, one,
};
use super::{Retained, Snapshot, combination, engine, invalid, item_strings, items, need};
use crate::call::{Call, strings};
use crate::fault::Fault;
use crate::latency::{DB_GONE, DB_GONE_MULTI_AZ, DB_INTERFACE_GONE, DB_MODIFY, DB_MODIFY_CLASS, DB_REBOOT, DB_SNAPSHOT};
use crate::services::{ec2, quotas, secretsmanager};
use crate::tags::Tags;
use crate::wire::Reply;
use crate::world::World;

/// Kept for the maintenance window unless `ApplyImmediately` says otherwise.
const DEFERRED: [&str; 8] = [
    "DBInstanceClass",
    "AllocatedStorage",
    "EngineVersion",
    "MultiAZ",
    "StorageType",
    "Iops",
    "StorageThroughput",
    "DBPortNumber",
];
/// Applied at once whatever `ApplyImmediately` says.
const AT_ONCE_TEXTS: [&str; 3] = ["PreferredBackupWindow", "PreferredMaintenanceWindow", "CACertificateIdentifier"];
const AT_ONCE_FLAGS: [&str; 4] = ["DeletionProtection", "CopyTagsToSnapshot", "AutoMinorVersionUpgrade", "PubliclyAccessible"];
/// Given in the request, but not a modification.
const NOT_CHANGES: [&str; 5] = ["Action", "Version", "DBInstanceIdentifier", "ApplyImmediately", "AllowMajorVersionUpgrade"];
const OTHERS: [&str; 8] = [
    "RotateMasterUserPassword",
    "MasterUserPassword",
    "ManageMasterUserPassword",
    "VpcSecurityGroupIds",
    "DBParameterGroupName",
    "BackupRetentionPeriod",
    "MaxAllocatedStorage",
    "CloudwatchLogsExportConfiguration",
];

fn available(instance: &Instance, now: u64, what: &str) -> Result<(), Fault> {
    match instance.status(now) {
        "available" => Ok(()),
        status => Err(Fault::new(
            "InvalidDBInstanceState",
            format!("Database instance is not in available state. Cannot {what} {} while it is {status}.", instance.id),
        )),
    }
}

pub(super) fn modify(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let now = world.now;
    let id = need(call, "DBInstanceIdentifier")?.to_ascii_lowercase();
    let mut instance = world.rds.instances.get(&id).ok_or_else(|| not_found(&id))?.clone();
    let given: Vec<&String> = call
        .input
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, _)| key)
        .filter(|key| !NOT_CHANGES.contains(&key.as_str()))
        .collect();
    if given.is_empty() {
        return Err(combination("No modifications were requested"));
    }
    let known = |key: &str| {
        DEFERRED.contains(&key) || AT_ONCE_TEXTS.contains(&key) || AT_ONCE_FLAGS.contains(&key) || OTHERS.contains(&key)
    };
    if let Some(key) = given.iter().find(|key| !known(key)) {
        return Err(combination(format!("the sandbox does not model ModifyDBInstance with {key}")));
    }
    available(&instance, now, "modify")?;
    at_once(world, call, &mut instance)?;
    let deferred = deferred(call, &instance)?;
    let immediately = call.flag("ApplyImmediately").unwrap_or(false);
    let heavy = immediately && !deferred.is_empty();
    if !deferred.is_empty() {
        // A later request with ApplyImmediately carries out what was waiting, too.
        instance.pending.extend(deferred);
        instance.waits_for_window = !immediately;
    }
    instance.busy = "modifying".into();
    // What only waits for the window leaves the instance available.
    let only_waiting = !heavy && given.iter().all(|key| DEFERRED.contains(&key.as_str()));
    instance.busy_until = match (only_waiting, heavy) {
        (true, _) => instance.busy_until,
        (false, true) => now + DB_MODIFY_CLASS.of(world, &format!("{id} {now}")),
        (false, false) => now + DB_MODIFY.of(world, &format!("{id} {now}")),
    };
    for interface in world.ec2.interfaces.values_mut().filter(|interface| interface.owner == instance.arn) {
        interface.groups.clone_from(&instance.groups);
    }
    world.rds.instances.insert(id.clone(), instance);
    one(world, &id)
}

fn at_once(world: &mut World, call: &Call, instance: &mut Instance) -> Result<(), Fault> {
    for key in AT_ONCE_TEXTS {
        if let Some(value) = call.opt(key) {
            instance.settings.insert(key.into(), value.into());
        }
    }
    for key in AT_ONCE_FLAGS {
        if let Some(value) = call.flag(key) {
            instance.settings.insert(key.into(), value.into());
        }
    }
    if let Some(days) = call.number("BackupRetentionPeriod") {
        if !(0..=35).contains(&days) {
            return Err(invalid(format!("Invalid backup retention period: {days}. Must be between 0 and 35")));
        }
        instance.settings.insert("BackupRetentionPeriod".into(), days.into());
    }
    if let Some(most) = call.number("MaxAllocatedStorage") {
        instance.settings.insert("MaxAllocatedStorage".into(), most.into());
    }
    let groups = item_strings(call, "VpcSecurityGroupIds", "VpcSecurityGroupId");
    if !groups.is_empty() {
        let vpc = world.rds.subnet_groups.get(&instance.subnet_group).map(|group| group.vpc.clone()).unwrap_or_default();
        check_groups(world, &groups, &vpc)?;
        instance.groups = groups;
    }
    if let Some(name) = call.opt("DBParameterGroupName").map(|name| name.to_ascii_lowercase()) {
        let version = call.opt("EngineVersion").unwrap_or_else(|| instance.setting("EngineVersion"));
        check_parameter_group(world, &name, &version)?;
        if name != instance.parameter_group {
            (instance.parameter_group, instance.parameter_status) = (name, "pending-reboot".into());
        }
    }
    let exports = &call.input["CloudwatchLogsExportConfiguration"];
    let listed = |key: &str| strings(&Value::from(items(&exports[key], "member")));
    instance.log_exports.retain(|kind| !listed("DisableLogTypes").contains(kind));
    instance.log_exports.extend(listed("EnableLogTypes"));
    instance.log_exports.sort();
    instance.log_exports.dedup();
    credentials(world, call, instance)
}

fn credentials(world: &mut World, call: &Call, instance: &mut Instance) -> Result<(), Fault> {
    let password = call.opt("MasterUserPassword").map(check_password).transpose()?;
    match (call.flag("ManageMasterUserPassword"), password, instance.secret.take()) {
        (Some(true), Some(_), _) => {
            return Err(combination("You can't specify MasterUserPassword when ManageMasterUserPassword is on."));
        }
        (Some(true), None, None) => {
            instance.secret = Some(managed_secret(world, &instance.setting("MasterUsername"), &instance.arn));
            instance.password = None;
        }
        (Some(false), Some(password), secret) => {
            if let Some(secret) = secret {
                secretsmanager::delete_owned(world, &secret);
            }
            instance.password = Some(password);
        }
        (Some(false), None, Some(_)) => {
            return Err(combination("You must specify MasterUserPassword when you turn ManageMasterUserPassword off."));
        }
        (None, Some(_), Some(_)) => {
            return Err(combination(
                "You can't specify MasterUserPassword for an instance whose password is managed in Secrets Manager.",
            ));
        }
        (_, Some(password), None) => instance.password = Some(password),
        (_, None, secret) => instance.secret = secret,
    }
    if call.flag("RotateMasterUserPassword").unwrap_or(false) {
        rotate(world, call, instance)?;
    }
    Ok(())
}

/// A new version of the secret that RDS keeps.
fn rotate(world: &mut World, call: &Call, instance: &Instance) -> Result<(), Fault> {
    let Some(secret) = &instance.secret else {
        return Err(combination(
            "You can't rotate the master user password of an instance that is not managed in Secrets Manager.",
        ));
    };
    if !call.flag("ApplyImmediately").unwrap_or(false) {
        return Err(combination("You must apply the change immediately when rotating the master user password."));
    }
    let value = managed_value(world, &instance.setting("MasterUsername"));
    secretsmanager::renew_owned(world, secret, value)
}

/// What differs from the present settings, checked.
fn deferred(call: &Call, instance: &Instance) -> Result<Map<String, Value>, Fault> {
    let mut changes = Map::new();
    let present = instance.setting("EngineVersion");
    if let Some(asked) = call.opt("EngineVersion") {
        let version = if engine::major(&present) == asked {
            present.as_str()
        } else {
            engine::resolve(&asked).ok_or_else(|| {
                combination(format!("Cannot find upgrade target from {present} with requested version {asked}."))
            })?
        };
        if engine::major(version) != engine::major(&present) && !call.flag("AllowMajorVersionUpgrade").unwrap_or(false) {
            return Err(combination(format!(
                "The AllowMajorVersionUpgrade flag must be present when upgrading to a new major version: {present} to {version}."
            )));
        }
        changes.insert("EngineVersion".into(), version.into());
    }
    if let Some(class) = call.opt("DBInstanceClass") {
        engine::check_class(&class, &present)?;
        changes.insert("DBInstanceClass".into(), class.into());
    }
    for key in ["AllocatedStorage", "Iops", "StorageThroughput"] {
        if let Some(value) = call.number(key) {
            let old = instance.settings.get(key).and_then(Value::as_i64).unwrap_or(0);
            if key == "AllocatedStorage" && value < old {
                return Err(combination(format!(
                    "Invalid storage size: storage can only grow, from {old} GiB and not to {value} GiB."
                )));
            }
            changes.insert(key.into(), value.into());
        }
    }
    if let Some(port) = call.number("DBPortNumber") {
        changes.insert("Port".into(), port.into());
    }
    if let Some(on) = call.flag("MultiAZ") {
        changes.insert("MultiAZ".into(), on.into());
    }
    if let Some(kind) = call.opt("StorageType") {
        changes.insert("StorageType".into(), kind.into());
    }
    changes.retain(|key, value| instance.settings.get(key) != Some(value));
    Ok(changes)
}

pub(super) fn reboot(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let now = world.now;
    let id = need(call, "DBInstanceIdentifier")?.to_ascii_lowercase();
    let takes = DB_REBOOT.of(world, &format!("{id} {now}"));
    let instance = world.rds.instances.get_mut(&id).ok_or_else(|| not_found(&id))?;
    available(instance, now, "reboot")?;
    (instance.busy, instance.busy_until) = ("rebooting".into(), now + takes);
    one(world, &id)
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let now = world.now;
    let id = need(call, "DBInstanceIdentifier")?.to_ascii_lowercase();
    let snapshot = call.opt("FinalDBSnapshotIdentifier").map(|name| name.to_ascii_lowercase());
    let skip = call.flag("SkipFinalSnapshot").unwrap_or(false);
    let instance = world.rds.instances.get(&id).ok_or_else(|| not_found(&id))?;
    if instance.gone_at.is_some() {
        return Err(Fault::new("InvalidDBInstanceState", format!("Instance {id} is already being deleted.")));
    }
    match &snapshot {
        None if !skip => {
            return Err(combination("FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified."));
        }
        Some(_) if skip => {
            return Err(combination("FinalDBSnapshotIdentifier can not be specified when deleting with SkipFinalSnapshot."));
        }
        Some(name) if world.rds.snapshots.contains_key(name) => {
            return Err(Fault::new(
                "DBSnapshotAlreadyExists",
                format!("Cannot create the snapshot because a snapshot with the identifier {name} already exists."),
            ));
        }
        // A snapshot can be taken only of an instance that runs.
        Some(_) => {
            available(instance, now, "take a final snapshot of")?;
            quotas::SNAPSHOTS.one_more(world, world.rds.snapshots.len())?;
        }
        None => {}
    }
    if instance.settings.get("DeletionProtection") == Some(&json!(true)) {
        return Err(combination("Cannot delete protected DB Instance, please disable deletion protection and try again."));
    }
    let gone = if instance.settings["MultiAZ"] == true { DB_GONE_MULTI_AZ } else { DB_GONE };
    let takes = gone.of(world, &id) + if snapshot.is_some() { DB_SNAPSHOT.of(world, &id) } else { 0 };
    let arn = instance.arn.clone();
    if let Some(instance) = world.rds.instances.get_mut(&id) {
        (instance.gone_at, instance.final_snapshot) = (Some(now + takes), snapshot);
        instance.keeps_backups = call.flag("DeleteAutomatedBackups") == Some(false);
    }
    let linger = DB_INTERFACE_GONE.of(world, &id);
    ec2::release(world, &arn, takes + linger);
    one(world, &id)
}

pub(super) fn advance(world: &mut World) {
    let now = world.now;
    for instance in world.rds.instances.values_mut() {
        if instance.busy_until > now || instance.busy_until == 0 {
            continue;
        }
        if !instance.waits_for_window {
            instance.settings.extend(std::mem::take(&mut instance.pending));
        }
        if instance.busy == "rebooting" {
            instance.parameter_status = "in-sync".into();
        }
        instance.busy_until = 0;
    }
    let gone: Vec<String> =
        world.rds.instances.values().filter(|i| i.gone_at.is_some_and(|at| at <= now)).map(|i| i.id.clone()).collect();
    for id in gone {
        let Some(instance) = world.rds.instances.remove(&id) else {
            continue;
        };
        if let Some(secret) = &instance.secret {
            secretsmanager::delete_owned(world, secret);
        }
        if instance.keeps_backups {
            let kept = Retained { instance: instance.id.clone(), arn: instance.arn.clone() };
            world.rds.retained.insert(instance.resource_id.clone(), kept);
        }
        if let Some(name) = instance.final_snapshot {
            let copied = instance.settings.get("CopyTagsToSnapshot") == Some(&json!(true));
            let tags = if copied { instance.tags } else { Tags::new() };
            world.rds.snapshots.insert(name, Snapshot { instance: instance.id.clone(), tags });
        }
    }
}
