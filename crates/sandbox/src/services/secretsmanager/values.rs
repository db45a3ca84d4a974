//! Reading values and versions.

use serde_json::{Value, json};

use super::{CURRENT, Secret, deleted, find, list, named, not_found};
use crate::answer::{epoch, page};
use crate::call::Call;
use crate::fault::Fault;
use crate::latency::SECOND;
use crate::wire::Reply;
use crate::world::World;

/// `LastAccessedDate` is the day, not the moment.
fn touch(world: &mut World, name: &str) {
    let day = world.now - world.now % (86_400 * SECOND);
    if let Some(secret) = world.secrets.secrets.get_mut(name) {
        secret.accessed = Some(day);
    }
}

pub(super) fn get(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let name = named(world, call)?;
    let secret = world.secrets.secrets.get(&name).ok_or_else(not_found)?;
    let value = value(secret, call.opt("VersionId").as_deref(), call.opt("VersionStage").as_deref())?;
    touch(world, &name);
    Ok(value.into())
}

fn value(secret: &Secret, id: Option<&str>, stage: Option<&str>) -> Result<Value, Fault> {
    if secret.deleted.is_some() {
        return Err(deleted());
    }
    let found = match id {
        Some(id) => {
            secret.versions.get_key_value(id).filter(|(_, v)| stage.is_none_or(|stage| v.stages.iter().any(|s| s == stage)))
        }
        None => secret.version_at(stage.unwrap_or(CURRENT)),
    };
    let (id, version) = found.ok_or_else(|| {
        let what = id.map_or(format!("staging label: {}", stage.unwrap_or(CURRENT)), |id| format!("VersionId: {id}"));
        Fault::new("ResourceNotFoundException", format!("Secrets Manager can't find the specified secret value for {what}"))
    })?;
    let mut body = json!({
        "ARN": secret.arn,
        "Name": secret.name,
        "VersionId": id,
        "VersionStages": version.stages,
        "CreatedDate": epoch(version.created),
    });
    for (key, value) in [("SecretString", &version.string), ("SecretBinary", &version.binary)] {
        if let Some(value) = value {
            body[key] = value.clone().into();
        }
    }
    Ok(body)
}

/// Up to 20 ids, or everything that the filters find; what cannot be read comes in `Errors`.
pub(super) fn batch_get(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let ids = call.strings("SecretIdList");
    let filters = call.list("Filters");
    let invalid = |message: &str| Fault::new("InvalidParameterException", message);
    if ids.is_empty() == filters.is_empty() {
        return Err(invalid("You must provide either SecretIdList or Filters, and not both."));
    }
    if ids.len() > 20 {
        return Err(invalid("SecretIdList has at most 20 entries."));
    }
    let (ids, next) = if ids.is_empty() {
        let found = world.secrets.secrets.values().filter(|s| s.deleted.is_none());
        let mut names = Vec::new();
        for secret in found {
            if list::matches(secret, filters)? {
                names.push(secret.name.clone());
            }
        }
        let limit = call.number("MaxResults").unwrap_or(20).clamp(1, 20).unsigned_abs() as usize;
        page(names, limit, call.opt("NextToken").as_deref()).ok_or_else(list::bad_token)?
    } else {
        (ids, None)
    };
    let (mut values, mut errors, mut read) = (Vec::new(), Vec::new(), Vec::new());
    for id in ids {
        match find(world, &id).ok_or_else(not_found).and_then(|secret| Ok((secret.name.clone(), value(secret, None, None)?))) {
            Ok((name, value)) => {
                values.push(value);
                read.push(name);
            }
            Err(fault) => errors.push(json!({ "SecretId": id, "ErrorCode": fault.code, "Message": fault.message })),
        }
    }
    for name in read {
        touch(world, &name);
    }
    let mut body = json!({ "SecretValues": values, "Errors": errors });
    if let Some(next) = next {
        body["NextToken"] = next.into();
    }
    Ok(body.into())
}

pub(super) fn list_versions(world: &World, call: &Call) -> Result<Reply, Fault> {
    let name = named(world, call)?;
    let secret = world.secrets.secrets.get(&name).ok_or_else(not_found)?;
    let all = call.flag("IncludeDeprecated").unwrap_or(false);
    let versions = secret.versions.iter().filter(|(_, version)| all || !version.stages.is_empty());
    let versions: Vec<Value> = versions
        .map(|(id, version)| json!({ "VersionId": id, "VersionStages": version.stages, "CreatedDate": epoch(version.created) }))
        .collect();
    let limit = call.number("MaxResults").unwrap_or(100).clamp(1, 100).unsigned_abs() as usize;
    let (versions, next) = page(versions, limit, call.opt("NextToken").as_deref()).ok_or_else(list::bad_token)?;
    let mut body = json!({ "ARN": secret.arn, "Name": secret.name, "Versions": versions });
    if let Some(next) = next {
        body["NextToken"] = next.into();
    }
    Ok(body.into())
}
