//! Volumes of a task definition, as Fargate checks them: file systems of EFS, and the task's own disk.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::client;
use crate::call::text;
use crate::fault::Fault;

/// The volumes as AWS gives them back.
pub(super) fn checked(input: &Value) -> Result<Value, Fault> {
    let mut volumes = input["volumes"].as_array().cloned().unwrap_or_default();
    let mut names = BTreeSet::new();
    for volume in &mut volumes {
        let name = text(&volume["name"]).filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| client("Volume name should not be null or empty."))?;
        if !names.insert(name.clone()) {
            return Err(client(format!("Volume names must be unique, and '{name}' is not.")));
        }
        if !volume["dockerVolumeConfiguration"].is_null() || !volume["host"]["sourcePath"].is_null() {
            return Err(client("Fargate does not support volumes of the host or of Docker."));
        }
        if volume["efsVolumeConfiguration"].is_object() {
            efs(&mut volume["efsVolumeConfiguration"])?;
        }
    }
    for container in input["containerDefinitions"].as_array().into_iter().flatten() {
        mounts(container, &names)?;
    }
    Ok(volumes.into())
}

fn efs(of: &mut Value) -> Result<(), Fault> {
    if text(&of["fileSystemId"]).is_none_or(|id| !id.starts_with("fs-")) {
        return Err(client("EFS volumes need a fileSystemId."));
    }
    let access = &of["authorizationConfig"];
    let (point, as_role) = (!access["accessPointId"].is_null(), access["iam"] == "ENABLED");
    if (point || as_role) && of["transitEncryption"] != "ENABLED" {
        return Err(client("Transit encryption must be ENABLED when an access point or IAM is used."));
    }
    let root = text(&of["rootDirectory"]).unwrap_or_else(|| "/".into());
    if point && root != "/" {
        return Err(client("The root directory must be omitted or / when an access point is used."));
    }
    of["rootDirectory"] = json!(root);
    Ok(())
}

fn mounts(container: &Value, names: &BTreeSet<String>) -> Result<(), Fault> {
    let mut paths = BTreeSet::new();
    for mount in container["mountPoints"].as_array().into_iter().flatten() {
        let volume = text(&mount["sourceVolume"]).unwrap_or_default();
        if !names.contains(&volume) {
            return Err(client(format!("Unknown volume '{volume}'.")));
        }
        let path = text(&mount["containerPath"]).unwrap_or_default();
        if !path.starts_with('/') || !paths.insert(path) {
            return Err(client("Every mount needs an absolute container path of its own."));
        }
    }
    Ok(())
}
