//! Repositories, their settings and tags.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Repository, arn, bad_token, invalid, limit, no_repository, registry, repository};
use crate::answer::{epoch, page};
use crate::call::{Call, flag, text};
use crate::fault::Fault;
use crate::services::quotas;
use crate::tags::{self, Tags};
use crate::wire::Reply;
use crate::world::World;

/// Lower-case runs joined by `.`, `_`, `__` or dashes, in segments joined by `/`.
fn legal(name: &str) -> bool {
    let segment = |segment: &str| {
        let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        let seps: Vec<&str> =
            segment.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit()).filter(|sep| !sep.is_empty()).collect();
        edge(segment.chars().next())
            && edge(segment.chars().last())
            && seps.iter().all(|sep| matches!(*sep, "." | "_" | "__") || sep.chars().all(|c| c == '-'))
    };
    (2..=256).contains(&name.len()) && name.split('/').all(segment)
}

fn check_mutability(value: &str) -> Result<(), Fault> {
    // The two WITH_EXCLUSION values need filters, which are not modelled.
    if matches!(value, "MUTABLE" | "IMMUTABLE") {
        Ok(())
    } else {
        Err(invalid(format!("imageTagMutability {value} is not valid")))
    }
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let name = call.need("repositoryName", "InvalidParameterException")?;
    if !legal(&name) {
        return Err(invalid(format!(
            "Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must satisfy regular expression '(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*'', got '{name}'"
        )));
    }
    let mutability = call.opt("imageTagMutability").unwrap_or_else(|| "MUTABLE".into());
    check_mutability(&mutability)?;
    let encryption = text(&call.input["encryptionConfiguration"]["encryptionType"]).unwrap_or_else(|| "AES256".into());
    if !matches!(encryption.as_str(), "AES256" | "KMS" | "KMS_DSSE") {
        return Err(invalid(format!("encryptionType {encryption} is not valid")));
    }
    let tags = tags::read(&call.input["tags"]);
    check_tags(&tags)?;
    if world.ecr.repositories.contains_key(&name) {
        let message = format!("The repository with name '{name}' already exists in the registry with id '{}'", world.account);
        return Err(Fault::new("RepositoryAlreadyExistsException", message));
    }
    quotas::REPOSITORIES.one_more(world, world.ecr.repositories.len())?;
    let repository = Repository {
        name: name.clone(),
        created: world.now,
        mutability,
        scan_on_push: flag(&call.input["imageScanningConfiguration"]["scanOnPush"]).unwrap_or(false),
        encryption,
        kms_key: text(&call.input["encryptionConfiguration"]["kmsKey"]),
        tags,
        lifecycle: None,
        images: BTreeMap::new(),
    };
    let body = json!({ "repository": shape(world, &repository) });
    world.ecr.repositories.insert(name, repository);
    Ok(body.into())
}

fn shape(world: &World, repository: &Repository) -> Value {
    let mut encryption = json!({ "encryptionType": repository.encryption });
    if let Some(key) = &repository.kms_key {
        encryption["kmsKey"] = key.clone().into();
    }
    json!({
        "repositoryArn": arn(world, &repository.name),
        "registryId": world.account,
        "repositoryName": repository.name,
        "repositoryUri": format!("{}/{}", registry(world), repository.name),
        "createdAt": epoch(repository.created),
        "imageTagMutability": repository.mutability,
        "imageScanningConfiguration": { "scanOnPush": repository.scan_on_push },
        "encryptionConfiguration": encryption,
    })
}

/// By names the call fails as a whole when one is missing.
pub(super) fn describe(world: &World, call: &Call) -> Result<Reply, Fault> {
    let names = call.strings("repositoryNames");
    if names.len() > 100 {
        return Err(invalid("At most 100 repository names can be given"));
    }
    let all = &world.ecr.repositories;
    if !names.is_empty() {
        let found: Result<Vec<Value>, Fault> =
            names.iter().map(|name| all.get(name).map(|r| shape(world, r)).ok_or_else(|| no_repository(world, name))).collect();
        return Ok(json!({ "repositories": found? }).into());
    }
    let token = call.opt("nextToken");
    let (found, next) = page(all.values().collect(), limit(call)?, token.as_deref()).ok_or_else(bad_token)?;
    let found: Vec<Value> = found.into_iter().map(|r| shape(world, r)).collect();
    let mut body = json!({ "repositories": found });
    if let Some(next) = next {
        body["nextToken"] = next.into();
    }
    Ok(body.into())
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let force = call.flag("force").unwrap_or(false);
    let found = repository(world, call)?;
    let name = found.name.clone();
    if !found.images.is_empty() && !force {
        let message = format!(
            "The repository with name '{name}' in registry with id '{}' cannot be deleted because it still contains images",
            world.account
        );
        return Err(Fault::new("RepositoryNotEmptyException", message));
    }
    let gone = world.ecr.repositories.remove(&name).ok_or_else(|| no_repository(world, &name))?;
    Ok(json!({ "repository": shape(world, &gone) }).into())
}

pub(super) fn put_mutability(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let mutability = call.need("imageTagMutability", "InvalidParameterException")?;
    check_mutability(&mutability)?;
    let found = repository(world, call)?;
    found.mutability = mutability.clone();
    let name = found.name.clone();
    Ok(json!({ "registryId": world.account, "repositoryName": name, "imageTagMutability": mutability }).into())
}

pub(super) fn put_scanning(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let scan = &call.input["imageScanningConfiguration"];
    if !scan.is_object() {
        return Err(invalid("The request must contain imageScanningConfiguration"));
    }
    let scan = flag(&scan["scanOnPush"]).unwrap_or(false);
    let found = repository(world, call)?;
    found.scan_on_push = scan;
    let name = found.name.clone();
    Ok(json!({ "registryId": world.account, "repositoryName": name, "imageScanningConfiguration": { "scanOnPush": scan } })
        .into())
}

fn by_arn<'a>(world: &'a mut World, call: &Call) -> Result<&'a mut Repository, Fault> {
    let wanted = call.need("resourceArn", "InvalidParameterException")?;
    let prefix = arn(world, "");
    let name = wanted.strip_prefix(&prefix).ok_or_else(|| invalid(format!("Invalid parameter at 'resourceArn': '{wanted}'")))?;
    let missing = no_repository(world, name);
    world.ecr.repositories.get_mut(name).ok_or(missing)
}

/// Catalogue, section 1.6.
fn check_tags(tags: &Tags) -> Result<(), Fault> {
    if tags.keys().any(|key| key.to_ascii_lowercase().starts_with("aws:")) {
        return Err(Fault::new("InvalidTagParameterException", "Tag keys that start with aws: are reserved"));
    }
    if tags.iter().any(|(key, value)| key.is_empty() || key.len() > 128 || value.len() > 256) {
        return Err(Fault::new("InvalidTagParameterException", "Tag keys have 1 to 128 and values up to 256 characters"));
    }
    if tags.len() > 50 {
        return Err(Fault::new("TooManyTagsException", "A repository can have no more than 50 tags"));
    }
    Ok(())
}

pub(super) fn tag(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let found = by_arn(world, call)?;
    let mut tags = found.tags.clone();
    tags.extend(tags::read(&call.input["tags"]));
    check_tags(&tags)?;
    found.tags = tags;
    Ok(Value::Object(Map::new()).into())
}

pub(super) fn untag(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let found = by_arn(world, call)?;
    for key in call.strings("tagKeys") {
        found.tags.remove(&key);
    }
    Ok(Value::Object(Map::new()).into())
}

pub(super) fn list_tags(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    Ok(json!({ "tags": tags::upper(&by_arn(world, call)?.tags) }).into())
}
