//! The two large requests of a DB instance.

use aws_sdk_rds::operation::create_db_instance::builders::CreateDBInstanceFluentBuilder;
use aws_sdk_rds::operation::modify_db_instance::builders::ModifyDBInstanceFluentBuilder;
use landing_engine::{Changed, Live, Tags};

use super::Instance;
use crate::Aws;

/// Every field; RDS takes them all at birth.
pub(super) fn create(cx: &Aws, desired: &Instance, tags: &Tags) -> CreateDBInstanceFluentBuilder {
    cx.rds
        .create_db_instance()
        .db_instance_identifier(&desired.name)
        .engine(&desired.engine)
        .engine_version(&desired.version)
        .db_instance_class(&desired.class)
        .allocated_storage(desired.storage_gib)
        .set_max_allocated_storage((desired.max_storage_gib > 0).then_some(desired.max_storage_gib))
        .storage_type(&desired.storage_type)
        .storage_encrypted(desired.encrypted)
        .db_name(&desired.database)
        .master_username(&desired.user)
        .set_manage_master_user_password(desired.managed_password.then_some(true))
        .db_subnet_group_name(desired.subnet_group.get().as_str())
        .set_vpc_security_group_ids(Some(group_ids(desired)))
        .backup_retention_period(desired.backup_days)
        .multi_az(desired.multi_az)
        .deletion_protection(desired.deletion_protection)
        .publicly_accessible(desired.public)
        .set_tags(Some(crate::tags::list(tags)))
}

/// One call for all that changed; a field that did not change is not sent, since RDS refuses some that are merely repeated.
pub(super) fn modify(cx: &Aws, desired: &Instance, live: &Live<Instance>, changed: &Changed) -> ModifyDBInstanceFluentBuilder {
    let has = |field| changed.has(field);
    let major = |version: &str| version.split('.').next().map(str::to_owned);
    let upgrade = has("version") && major(&desired.version) != major(&live.shape.version);
    // RDS has no "off" for growing by itself but a limit that is already reached.
    let size = desired.storage_gib.max(live.shape.storage_gib);
    let limit = if desired.max_storage_gib > 0 { desired.max_storage_gib } else { size };
    cx.rds
        .modify_db_instance()
        .db_instance_identifier(&live.id)
        .apply_immediately(true)
        .set_engine_version(has("version").then(|| desired.version.clone()))
        .set_allow_major_version_upgrade(upgrade.then_some(true))
        .set_db_instance_class(has("class").then(|| desired.class.clone()))
        .set_allocated_storage(has("storage_gib").then_some(desired.storage_gib))
        .set_max_allocated_storage(has("max_storage_gib").then_some(limit))
        .set_storage_type(has("storage_type").then(|| desired.storage_type.clone()))
        .set_vpc_security_group_ids(has("groups").then(|| group_ids(desired)))
        .set_backup_retention_period(has("backup_days").then_some(desired.backup_days))
        .set_multi_az(has("multi_az").then_some(desired.multi_az))
        .set_deletion_protection(has("deletion_protection").then_some(desired.deletion_protection))
        .set_publicly_accessible(has("public").then_some(desired.public))
        .set_manage_master_user_password(has("managed_password").then_some(desired.managed_password))
}

fn group_ids(desired: &Instance) -> Vec<String> {
    desired.groups.iter().map(|group| group.get().to_string()).collect()
}
