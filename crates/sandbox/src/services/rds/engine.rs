//! What RDS offers: PostgreSQL versions and instance classes, a short list of each.

use serde_json::{Value, json};

use super::{combination, invalid, need, paged};
use crate::call::Call;
use crate::fault::Fault;
use crate::wire::Reply;
use crate::world::World;

/// Oldest first; the last of a major is what the bare major resolves to.
const VERSIONS: [&str; 15] = [
    "13.20", "13.21", "13.22", "14.17", "14.18", "14.19", "15.12", "15.13", "15.14", "16.8", "16.9", "16.10", "17.4", "17.5",
    "17.6",
];
const SMALL: [&str; 5] = ["micro", "small", "medium", "large", "xlarge"];
const LARGE: [&str; 4] = ["large", "xlarge", "2xlarge", "4xlarge"];
const FAMILIES: [(&str, &[&str]); 10] = [
    ("t3", &SMALL),
    ("t4g", &SMALL),
    ("m5", &LARGE),
    ("m6g", &LARGE),
    ("m6i", &LARGE),
    ("m7g", &LARGE),
    ("r5", &LARGE),
    ("r6g", &LARGE),
    ("r6i", &LARGE),
    ("r7g", &LARGE),
];

/// `16` and `16.10` to `16.10`.
pub(super) fn resolve(version: &str) -> Option<&'static str> {
    VERSIONS.iter().rev().copied().find(|known| *known == version || major(known) == version)
}

pub(super) const DEFAULT: &str = "17.6";

pub(super) fn major(version: &str) -> &str {
    version.split_once('.').map_or(version, |(major, _)| major)
}

pub(super) fn family(version: &str) -> String {
    format!("postgres{}", major(version))
}

pub(super) fn is_family(family: &str) -> bool {
    VERSIONS.iter().any(|version| self::family(version) == family)
}

/// Catalogue, section 7.3: a class, version or storage that cannot be ordered.
pub(super) fn check_class(class: &str, version: &str) -> Result<(), Fault> {
    let mut parts = class.split('.');
    if parts.next() != Some("db") || parts.clone().count() != 2 {
        return Err(invalid(format!("Invalid DB Instance class: {class}")));
    }
    let (family, size) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if FAMILIES.iter().any(|(known, sizes)| *known == family && sizes.contains(&size)) {
        return Ok(());
    }
    Err(combination(format!(
        "RDS does not support creating a DB instance with the following combination: DBInstanceClass={class}, Engine=postgres, EngineVersion={version}, LicenseModel=postgresql-license. For supported combinations of instance class and database engine version, see the documentation."
    )))
}

fn check_engine(engine: Option<String>) -> Result<(), Fault> {
    match engine.as_deref() {
        None | Some("postgres") => Ok(()),
        Some(other) => Err(invalid(format!("Invalid DB engine: {other} (the sandbox models postgres)"))),
    }
}

pub(super) fn versions(call: &Call) -> Result<Reply, Fault> {
    check_engine(call.opt("Engine"))?;
    let family = call.opt("DBParameterGroupFamily");
    let wanted = call.opt("EngineVersion");
    let default_only = call.flag("DefaultOnly").unwrap_or(false);
    let found = VERSIONS.iter().filter(|version| {
        family.as_ref().is_none_or(|family| self::family(version) == *family)
            && wanted.as_ref().is_none_or(|wanted| *wanted == **version || wanted == major(version))
            && (!default_only || resolve(wanted.as_deref().unwrap_or(DEFAULT)) == Some(**version))
    });
    let found: Vec<Value> = found
        .map(|version| {
            json!({
                "Engine": "postgres",
                "MajorEngineVersion": major(version),
                "EngineVersion": version,
                "DBParameterGroupFamily": self::family(version),
                "DBEngineDescription": "PostgreSQL",
                "DBEngineVersionDescription": format!("PostgreSQL {version}"),
                "Status": "available",
                "SupportsReadReplica": true,
                "ValidUpgradeTarget": { "UpgradeTarget[]": [] },
                "ExportableLogTypes": ["postgresql", "upgrade"],
            })
        })
        .collect();
    paged(call, "DBEngineVersions", "DBEngineVersion", found)
}

pub(super) fn orderable(world: &World, call: &Call) -> Result<Reply, Fault> {
    check_engine(Some(need(call, "Engine")?))?;
    let wanted = call.opt("EngineVersion");
    let class = call.opt("DBInstanceClass");
    let zones: Vec<Value> = ["a", "b", "c"].iter().map(|zone| json!({ "Name": format!("{}{zone}", world.region) })).collect();
    let mut found = Vec::new();
    for version in
        VERSIONS.iter().filter(|version| wanted.as_ref().is_none_or(|wanted| *wanted == **version || wanted == major(version)))
    {
        for (family, size) in FAMILIES.iter().flat_map(|(family, sizes)| sizes.iter().map(move |size| (family, size))) {
            let name = format!("db.{family}.{size}");
            if class.as_ref().is_some_and(|class| *class != name) {
                continue;
            }
            found.push(json!({
                "Engine": "postgres",
                "EngineVersion": version,
                "DBInstanceClass": name,
                "LicenseModel": "postgresql-license",
                "AvailabilityZones": { "AvailabilityZone[]": zones.clone() },
                "MultiAZCapable": true,
                "ReadReplicaCapable": true,
                "Vpc": true,
                "SupportsStorageEncryption": true,
                "StorageType": "gp3",
                "MinStorageSize": 20,
                "MaxStorageSize": 65536,
                "SupportsIops": true,
                "SupportsEnhancedMonitoring": true,
                "SupportsIAMDatabaseAuthentication": true,
                "SupportsPerformanceInsights": true,
                "SupportsStorageAutoscaling": true,
            }));
        }
    }
    paged(call, "OrderableDBInstanceOptions", "OrderableDBInstanceOption", found)
}
