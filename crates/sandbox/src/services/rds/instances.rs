//! DB instances: creating, describing, and what an instance is at a moment (catalogue, section 7.3).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    arn, combination, engine, invalid, item_strings, items, name, need, paged, parameter_groups, read_tags, subnet_groups,
    tag_list,
};
use crate::answer::iso;
use crate::call::{Call, strings, text};
use crate::clock::Millis;
use crate::fault::Fault;
use crate::faults::FailureKind;
use crate::latency::{DB_READY, DB_READY_MULTI_AZ, SECOND};
use crate::services::failures::{self, Made};
use crate::services::{ec2, network, quotas, secretsmanager};
use crate::tags::Tags;
use crate::wire::Reply;
use crate::world::World;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Instance {
    pub(crate) id: String,
    pub(crate) arn: String,
    pub(crate) resource_id: String,
    pub(crate) tags: Tags,
    pub(crate) subnet_group: String,
    /// Where its interface is.
    pub(crate) subnet: String,
    pub(crate) parameter_group: String,
    /// `in-sync`, or `pending-reboot` after another group was attached.
    pub(crate) parameter_status: String,
    pub(crate) groups: Vec<String>,
    pub(crate) secret: Option<String>,
    /// Kept because it is AWS; never given out.
    pub(crate) password: Option<String>,
    pub(crate) log_exports: Vec<String>,
    /// Everything else as DescribeDBInstances gives it back.
    pub(crate) settings: Map<String, Value>,
    /// Under way (`busy_until`), or waiting for the maintenance window for ever.
    pub(crate) pending: BTreeMap<String, Value>,
    pub(crate) waits_for_window: bool,
    pub(crate) created: Millis,
    pub(crate) endpoint_at: Millis,
    pub(crate) backing_up_at: Millis,
    pub(crate) ready_at: Millis,
    /// What it is busy with after it was ready once: `modifying`, `rebooting`.
    pub(crate) busy: String,
    pub(crate) busy_until: Millis,
    pub(crate) gone_at: Option<Millis>,
    pub(crate) final_snapshot: Option<String>,
    /// The state from which there is no way back, and that it takes in place of its first backup.
    #[serde(default)]
    pub(crate) failure: Option<String>,
    /// Its automated backups stay when it goes.
    #[serde(default)]
    pub(crate) keeps_backups: bool,
}

pub(super) fn not_found(id: &str) -> Fault {
    Fault::new("DBInstanceNotFound", format!("DBInstance {id} not found.")).status(404)
}

impl Instance {
    pub(crate) fn status(&self, now: Millis) -> &str {
        if self.gone_at.is_some() {
            "deleting"
        } else if now < self.backing_up_at {
            "creating"
        } else if let Some(state) = &self.failure {
            state
        } else if now < self.ready_at {
            "backing-up"
        } else if now < self.busy_until {
            &self.busy
        } else {
            "available"
        }
    }

    pub(super) fn setting(&self, key: &str) -> String {
        text(&self.settings[key]).unwrap_or_default()
    }
}

/// Settings that are copied as given: name, and what AWS takes when it is absent.
const TEXTS: [(&str, &str); 4] = [
    ("PreferredBackupWindow", "08:00-08:30"),
    ("PreferredMaintenanceWindow", "sun:09:00-sun:09:30"),
    ("NetworkType", "IPV4"),
    ("CACertificateIdentifier", "rds-ca-rsa2048-g1"),
];
pub(super) const FLAGS: [(&str, bool); 5] = [
    ("MultiAZ", false),
    ("AutoMinorVersionUpgrade", true),
    ("CopyTagsToSnapshot", false),
    ("DeletionProtection", false),
    ("StorageEncrypted", false),
];

pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = name(call, "DBInstanceIdentifier", 63)?;
    let class = need(call, "DBInstanceClass")?;
    let engine = need(call, "Engine")?;
    if engine != "postgres" {
        return Err(invalid(format!("Invalid DB engine: {engine} (the sandbox models postgres)")));
    }
    for unmodelled in ["DBClusterIdentifier", "Domain", "SourceRegion", "CharacterSetName", "OptionGroupName"] {
        if call.opt(unmodelled).is_some() {
            return Err(combination(format!("the sandbox does not model {unmodelled}")));
        }
    }
    let asked = call.opt("EngineVersion").unwrap_or_else(|| engine::DEFAULT.into());
    let version = engine::resolve(&asked).ok_or_else(|| combination(format!("Cannot find version {asked} for postgres")))?;
    engine::check_class(&class, version)?;
    let mut settings = Map::new();
    storage(call, &mut settings)?;
    let retention = call.number("BackupRetentionPeriod").unwrap_or(1);
    if !(0..=35).contains(&retention) {
        return Err(invalid(format!("Invalid backup retention period: {retention}. Must be between 0 and 35")));
    }
    let master = need(call, "MasterUsername")?;
    let reserved = ["admin", "rdsadmin", "rdsrepladmin", "rds_superuser", "postgres_admin", "user"];
    let legal =
        master.starts_with(|c: char| c.is_ascii_alphabetic()) && master.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !legal || master.len() > 63 || reserved.contains(&master.to_ascii_lowercase().as_str()) {
        return Err(invalid(format!(
            "MasterUsername {master} cannot be used as it is a reserved word used by the engine or not a valid name"
        )));
    }
    let password = password(call)?;
    if let Some(name) = call.opt("DBName") {
        let legal = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !legal || name.len() > 63 {
            return Err(invalid(format!("DBName {name} must begin with a letter and contain only alphanumeric characters.")));
        }
        settings.insert("DBName".into(), name.into());
    }
    let port = call.number("Port").unwrap_or(5432);
    if !(1150..=65_535).contains(&port) {
        return Err(invalid(format!("Invalid port {port}. Must be between 1150 and 65535")));
    }
    let tags = read_tags(call)?;
    if world.rds.instances.contains_key(&id) {
        return Err(Fault::new("DBInstanceAlreadyExists", "DB instance already exists"));
    }
    monitoring(world, call)?;
    quotas::DATABASES.one_more(world, world.rds.instances.len())?;
    let stored: u64 = world.rds.instances.values().filter_map(|i| i.settings["AllocatedStorage"].as_u64()).sum();
    quotas::DATABASE_STORAGE.at_most(world, stored + settings["AllocatedStorage"].as_u64().unwrap_or_default())?;
    let group_name = call.opt("DBSubnetGroupName").unwrap_or_else(|| "default".into()).to_ascii_lowercase();
    let group = world.rds.subnet_groups.get(&group_name).ok_or_else(|| subnet_groups::not_found(&group_name))?.clone();
    let groups = match item_strings(call, "VpcSecurityGroupIds", "VpcSecurityGroupId") {
        none if none.is_empty() => network::default_group(world, &group.vpc).into_iter().collect(),
        some => some,
    };
    check_groups(world, &groups, &group.vpc)?;
    let parameter_group =
        call.opt("DBParameterGroupName").unwrap_or_else(|| format!("default.{}", engine::family(version))).to_ascii_lowercase();
    check_parameter_group(world, &parameter_group, version)?;
    let wanted_zone = call.opt("AvailabilityZone");
    let place = group.subnets.iter().find(|(_, zone)| wanted_zone.as_ref().is_none_or(|wanted| wanted == zone));
    if let Some((gone, _)) = group.subnets.iter().find(|(id, _)| network::subnet(world, id).is_none()) {
        let message = format!("The DB subnet group {group_name} has a subnet that does not exist: {gone}");
        return Err(Fault::new("InvalidVPCNetworkStateFault", message));
    }
    let (subnet, zone) = place.cloned().ok_or_else(|| {
        Fault::new("InvalidVPCNetworkStateFault", "The DB subnet group does not cover the requested Availability Zone.")
    })?;

    for (key, default) in TEXTS {
        settings.insert(key.into(), call.opt(key).unwrap_or_else(|| default.into()).into());
    }
    for (key, default) in FLAGS {
        settings.insert(key.into(), call.flag(key).unwrap_or(default).into());
    }
    // RDS makes it public when nothing is said and the VPC has an internet gateway.
    let public = call.flag("PubliclyAccessible").unwrap_or_else(|| network::has_gateway(world, &group.vpc));
    let encrypted = settings["StorageEncrypted"] == true;
    for (key, value) in [
        ("DBInstanceClass", json!(class)),
        ("Engine", json!("postgres")),
        ("EngineVersion", json!(version)),
        ("MasterUsername", json!(master)),
        ("BackupRetentionPeriod", json!(retention)),
        ("AvailabilityZone", json!(zone)),
        ("PubliclyAccessible", json!(public)),
        ("DbInstancePort", json!(0)),
        ("Port", json!(port)),
        ("LicenseModel", json!("postgresql-license")),
        ("MonitoringInterval", json!(call.number("MonitoringInterval").unwrap_or(0))),
        ("MonitoringRoleArn", json!(call.opt("MonitoringRoleArn"))),
        ("PerformanceInsightsEnabled", json!(call.flag("EnablePerformanceInsights").unwrap_or(false))),
        ("IAMDatabaseAuthenticationEnabled", json!(call.flag("EnableIAMDatabaseAuthentication").unwrap_or(false))),
    ] {
        settings.insert(key.into(), value);
    }
    if encrypted {
        let key = call.opt("KmsKeyId").unwrap_or_else(|| world.arn("kms", "key/sandbox-aws-rds"));
        settings.insert("KmsKeyId".into(), key.into());
    }
    let log_exports = strings(&Value::from(items(&call.input["EnableCloudwatchLogsExports"], "member")));
    let arn = arn(world, "db", &id);
    let resource_id = format!("db-{}", world.hex()[..26].to_ascii_uppercase());
    let secret = password.is_none().then(|| managed_secret(world, &master, &arn));
    let takes = if settings["MultiAZ"] == true { DB_READY_MULTI_AZ } else { DB_READY }.of(world, &resource_id);
    // The last part of it is the first backup.
    let (creating, ready) = (world.now + takes / 6 * 5, world.now + takes);
    let backing_up_at = if retention > 0 { creating } else { ready };
    world.rds.instances_made += 1;
    let made = Made { kind: FailureKind::DbInstance, name: &id, tags: &tags, nth: world.rds.instances_made };
    let failure = failures::asked(world, &made);
    let instance = Instance {
        id: id.clone(),
        arn: arn.clone(),
        resource_id,
        tags,
        subnet_group: group_name,
        subnet: subnet.clone(),
        parameter_group,
        parameter_status: "in-sync".into(),
        groups: groups.clone(),
        secret,
        password,
        log_exports,
        settings,
        pending: BTreeMap::new(),
        waits_for_window: false,
        created: world.now,
        endpoint_at: creating - 30 * SECOND,
        backing_up_at,
        ready_at: ready,
        busy: String::new(),
        busy_until: 0,
        gone_at: None,
        final_snapshot: None,
        failure,
        keeps_backups: false,
    };
    world.rds.instances.insert(id.clone(), instance);
    ec2::attach(world, &arn, "RDSNetworkInterface", &subnet, &groups, public);
    one(world, &id)
}

pub(super) fn one(world: &World, id: &str) -> Result<Reply, Fault> {
    let instance = world.rds.instances.get(id).ok_or_else(|| not_found(id))?;
    Ok(json!({ "DBInstance": shape(world, instance) }).into())
}

/// Enhanced monitoring needs a role that its service may take on (catalogue, section 2).
fn monitoring(world: &World, call: &Call) -> Result<(), Fault> {
    let role = call.opt("MonitoringRoleArn");
    if role.is_none() && call.number("MonitoringInterval").unwrap_or(0) != 0 {
        return Err(combination("A MonitoringRoleARN value is required if you specify a MonitoringInterval value other than 0."));
    }
    let trusted = |arn: &String| {
        world.iam.role_by_arn(arn).is_some_and(|role| role.trust.to_string().contains("monitoring.rds.amazonaws.com"))
    };
    if role.is_some_and(|arn| !trusted(&arn)) {
        return Err(invalid(
            "IAM role ARN value is invalid or does not include the required permissions for: ENHANCED_MONITORING",
        ));
    }
    Ok(())
}

fn storage(call: &Call, settings: &mut Map<String, Value>) -> Result<(), Fault> {
    let size =
        call.number("AllocatedStorage").ok_or_else(|| combination("The request must contain the parameter AllocatedStorage"))?;
    let iops = call.number("Iops");
    let kind = call.opt("StorageType").unwrap_or_else(|| if iops.is_some() { "io1" } else { "gp3" }.into());
    let least = match kind.as_str() {
        "gp2" | "gp3" => 20,
        "io1" | "io2" => 100,
        "standard" => 5,
        other => return Err(invalid(format!("Invalid storage type: {other}"))),
    };
    if !(least..=65_536).contains(&size) {
        return Err(combination(format!("Invalid storage size for engine name postgres and storage type {kind}: {size}")));
    }
    settings.insert("AllocatedStorage".into(), size.into());
    settings.insert("StorageType".into(), kind.clone().into());
    if let Some(most) = call.number("MaxAllocatedStorage") {
        if most <= size {
            return Err(combination("Max storage size must be greater than storage size"));
        }
        settings.insert("MaxAllocatedStorage".into(), most.into());
    }
    if kind == "gp3" {
        settings.insert("Iops".into(), iops.unwrap_or(3000).into());
        settings.insert("StorageThroughput".into(), call.number("StorageThroughput").unwrap_or(125).into());
    } else if let Some(iops) = iops {
        settings.insert("Iops".into(), iops.into());
    }
    Ok(())
}

/// The password, or nothing when RDS is to manage it.
fn password(call: &Call) -> Result<Option<String>, Fault> {
    let managed = call.flag("ManageMasterUserPassword").unwrap_or(false);
    match (managed, call.opt("MasterUserPassword")) {
        (true, Some(_)) => Err(combination("You can't specify MasterUserPassword when ManageMasterUserPassword is on.")),
        (true, None) => Ok(None),
        (false, Some(password)) => check_password(password).map(Some),
        (false, None) => {
            Err(combination("The parameter MasterUserPassword must be provided, or ManageMasterUserPassword turned on."))
        }
    }
}

pub(super) fn check_password(password: String) -> Result<String, Fault> {
    let legal = |c: char| c.is_ascii_graphic() && !"/'\"@".contains(c);
    if !(8..=128).contains(&password.len()) || !password.chars().all(legal) {
        return Err(invalid(
            "The parameter MasterUserPassword is not a valid password. Only printable ASCII characters besides '/', '@', '\"', ' ' may be used, 8 to 128 of them.",
        ));
    }
    Ok(password)
}

/// A password of RDS's own making, as it keeps it.
pub(super) fn managed_value(world: &mut World, username: &str) -> String {
    let alphabet: Vec<char> = ('A'..='Z').chain('a'..='z').chain('0'..='9').collect();
    let password = secretsmanager::characters(world, &alphabet, 28);
    json!({ "username": username, "password": password }).to_string()
}

/// `rds!db-<uuid>`, with nothing but the username and the password in it.
pub(super) fn managed_secret(world: &mut World, username: &str, owner: &str) -> String {
    let uuid = secretsmanager::uuid(&world.hex());
    let value = managed_value(world, username);
    let tags = [("aws:rds:primaryDBInstanceArn", owner), ("aws:secretsmanager:owningService", "rds")];
    let tags = tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into_iter().collect();
    secretsmanager::create_owned(world, &format!("rds!db-{uuid}"), "rds", value, tags)
}

pub(super) fn check_groups(world: &World, groups: &[String], vpc: &str) -> Result<(), Fault> {
    for group in groups {
        match network::group(world, group) {
            None => {
                return Err(invalid(format!("Invalid security group, groupId= {group}, groupName=.")));
            }
            Some(other) if other != vpc => {
                return Err(combination(format!(
                    "The DB instance and EC2 security group are in different VPCs. The DB instance is in {vpc} and the EC2 security group is in {other}"
                )));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

pub(super) fn check_parameter_group(world: &World, name: &str, version: &str) -> Result<(), Fault> {
    let group = parameter_groups::find(world, name).ok_or_else(|| parameter_groups::not_found(name))?;
    if group.family != engine::family(version) {
        return Err(combination(format!(
            "The parameter group {name} with DBParameterGroupFamily {} can't be used for this instance. Use a parameter group with DBParameterGroupFamily {}",
            group.family,
            engine::family(version)
        )));
    }
    Ok(())
}

fn shape(world: &World, instance: &Instance) -> Value {
    let now = world.now;
    let group = world.rds.subnet_groups.get(&instance.subnet_group).map(|group| subnet_groups::shape(world, group));
    let groups: Vec<Value> = instance.groups.iter().map(|id| json!({ "VpcSecurityGroupId": id, "Status": "active" })).collect();
    let mut body = Value::Object(instance.settings.clone());
    let port = body["Port"].take();
    for (key, value) in [
        ("DBInstanceIdentifier", json!(instance.id)),
        ("DBInstanceStatus", json!(instance.status(now))),
        ("DBInstanceArn", json!(instance.arn)),
        ("DbiResourceId", json!(instance.resource_id)),
        ("DBSubnetGroup", group.into()),
        ("VpcSecurityGroups", json!({ "VpcSecurityGroupMembership[]": groups })),
        ("DBSecurityGroups", json!({})),
        ("ReadReplicaDBInstanceIdentifiers", json!({})),
        (
            "DBParameterGroups",
            json!({ "DBParameterGroup[]": [{ "DBParameterGroupName": instance.parameter_group, "ParameterApplyStatus": instance.parameter_status }] }),
        ),
        ("PendingModifiedValues", json!(instance.pending)),
        ("TagList", tag_list(&instance.tags)),
        ("BackupTarget", json!("region")),
        ("StorageThroughput", instance.settings.get("StorageThroughput").cloned().unwrap_or_default()),
    ] {
        body[key] = value;
    }
    if !instance.log_exports.is_empty() {
        body["EnabledCloudwatchLogsExports"] = json!(instance.log_exports);
    }
    if now >= instance.endpoint_at && !matches!(instance.failure.as_deref(), Some("failed" | "insufficient-capacity")) {
        let cell: String = instance.resource_id.to_ascii_lowercase().chars().skip(3).take(12).collect();
        let address = format!("{}.{cell}.{}.rds.amazonaws.com", instance.id, world.region);
        body["Endpoint"] = json!({ "Address": address, "Port": port, "HostedZoneId": "Z1PVIF0B656C1W" });
        body["InstanceCreateTime"] = iso(instance.endpoint_at).into();
    }
    if now >= instance.ready_at && instance.setting("BackupRetentionPeriod") != "0" {
        body["LatestRestorableTime"] = iso(now - now % (300 * SECOND)).into();
    }
    if let Some(secret) = &instance.secret {
        let status = if now < instance.endpoint_at { "creating" } else { "active" };
        body["MasterUserSecret"] = json!({ "SecretArn": secret, "SecretStatus": status, "KmsKeyId": world.arn("kms", "key/sandbox-aws-secretsmanager") });
    }
    body
}

pub(super) fn describe(world: &World, call: &Call) -> Result<Reply, Fault> {
    let wanted = call.opt("DBInstanceIdentifier").map(|id| id.rsplit(':').next().unwrap_or_default().to_ascii_lowercase());
    let mut found: Vec<&Instance> = match wanted {
        Some(id) => vec![world.rds.instances.get(&id).ok_or_else(|| not_found(&id))?],
        None => world.rds.instances.values().collect(),
    };
    for filter in items(&call.input["Filters"], "Filter") {
        let values = strings(&Value::from(items(&filter["Values"], "Value")));
        let name = text(&filter["Name"]).unwrap_or_default();
        match name.as_str() {
            "db-instance-id" => found.retain(|i| values.iter().any(|v| v.eq_ignore_ascii_case(&i.id) || *v == i.arn)),
            "dbi-resource-id" => found.retain(|i| values.contains(&i.resource_id)),
            "engine" => found.retain(|i| values.contains(&i.setting("Engine"))),
            other => return Err(invalid(format!("Unrecognized filter name: {other}"))),
        }
    }
    let found = found.into_iter().map(|instance| shape(world, instance)).collect();
    paged(call, "DBInstances", "DBInstance", found)
}
