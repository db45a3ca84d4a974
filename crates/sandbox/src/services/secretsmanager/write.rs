//! Creating secrets and changing them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{CURRENT, PREVIOUS, Secret, Version, find, living, new_arn, not_found};
use crate::call::Call;
use crate::clock::Millis;
use crate::fault::Fault;
use crate::services::quotas;
use crate::tags::{self, Tags};
use crate::wire::Reply;
use crate::world::World;

/// A value as it was given, with the version id that it is to get.
struct Given {
    token: String,
    string: Option<String>,
    binary: Option<String>,
}

impl Given {
    fn same(&self, version: &Version) -> bool {
        version.string == self.string && version.binary == self.binary
    }

    fn version(self, stages: Vec<String>, created: Millis) -> (String, Version) {
        (self.token, Version { string: self.string, binary: self.binary, stages, created })
    }
}

fn invalid(message: impl Into<String>) -> Fault {
    Fault::new("InvalidParameterException", message)
}

fn given(call: &Call) -> Result<Option<Given>, Fault> {
    let (string, binary) = (call.opt("SecretString"), call.opt("SecretBinary"));
    if string.is_some() && binary.is_some() {
        return Err(invalid("You can't specify both a binary secret value and a string secret value in the same secret."));
    }
    let token = call.opt("ClientRequestToken");
    if token.as_ref().is_some_and(|token| !(32..=64).contains(&token.len())) {
        return Err(invalid("ClientRequestToken must be 32-64 characters long."));
    }
    let Some(size) = string.as_ref().or(binary.as_ref()).map(String::len) else {
        return Ok(None);
    };
    let limit = if binary.is_some() { 65_536 * 4 / 3 + 4 } else { 65_536 };
    if size == 0 || size > limit {
        return Err(invalid("The secret value must have 1 to 65536 bytes."));
    }
    let token = token.ok_or_else(|| {
        let message = "You must provide a ClientRequestToken value. We recommend a UUID-type value.";
        Fault::new("InvalidRequestException", message)
    })?;
    Ok(Some(Given { token, string, binary }))
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let name = call.need("Name", "ValidationException")?;
    let legal = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c);
    if name.is_empty() || name.len() > 512 || !name.chars().all(legal) {
        let message = "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!";
        return Err(Fault::new("ValidationException", message));
    }
    let given = given(call)?;
    let tags = read_tags(call)?;
    if let Some(secret) = world.secrets.secrets.get(&name) {
        if secret.deleted.is_some() {
            return Err(Fault::new(
                "InvalidRequestException",
                "You can't create this secret because a secret with this name is already scheduled for deletion.",
            ));
        }
        // The same token and value again is the same call again.
        let repeat = given.as_ref().is_some_and(|g| secret.versions.get(&g.token).is_some_and(|v| g.same(v)));
        if !repeat {
            return Err(Fault::new(
                "ResourceExistsException",
                format!("The operation failed because the secret {name} already exists."),
            ));
        }
        let token = given.map(|g| g.token);
        return Ok(json!({ "ARN": secret.arn, "Name": name, "VersionId": token }).into());
    }
    if world.secrets.blocked.contains_key(&name) {
        return Err(Fault::new(
            "InvalidRequestException",
            "You can't create this secret because a secret with this name was just deleted and is still scheduled for deletion.",
        ));
    }
    let own = world.secrets.secrets.values().filter(|secret| secret.owner.is_none()).count();
    quotas::SECRETS.one_more(world, own)?;
    let arn = new_arn(world, &name);
    let now = world.now;
    let mut body = json!({ "ARN": arn, "Name": name });
    let mut versions = BTreeMap::new();
    if let Some(given) = given {
        body["VersionId"] = given.token.clone().into();
        versions.extend([given.version(vec![CURRENT.into()], now)]);
    }
    let secret = Secret {
        arn,
        name: name.clone(),
        description: call.opt("Description"),
        kms_key: call.opt("KmsKeyId"),
        tags,
        created: now,
        changed: now,
        accessed: None,
        deleted: None,
        gone_at: None,
        owner: None,
        versions,
        policy: None,
    };
    world.secrets.secrets.insert(name, secret);
    Ok(body.into())
}

pub(super) fn put_value(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let (now, limit) = (world.now, quotas::SECRET_VERSIONS.limit(world));
    let secret = living(world, call)?;
    let given = given(call)?.ok_or_else(|| invalid("You must provide either SecretString or SecretBinary."))?;
    let stages = match call.strings("VersionStages") {
        stages if stages.is_empty() => vec![CURRENT.to_owned()],
        stages => stages,
    };
    let token = given.token.clone();
    let full = quotas::SECRET_VERSIONS.one_more_than(limit, secret.versions.len());
    add_version(secret, given, &stages, now, full)?;
    let stages = secret.versions.get(&token).map(|version| version.stages.clone());
    Ok(json!({ "ARN": secret.arn, "Name": secret.name, "VersionId": token, "VersionStages": stages }).into())
}

/// A stage belongs to one version: it moves to the new one, and the version that was current becomes the previous one.
/// `room` is whether there is some for one more.
fn add_version(secret: &mut Secret, given: Given, stages: &[String], now: Millis, room: Result<(), Fault>) -> Result<(), Fault> {
    if let Some(version) = secret.versions.get(&given.token) {
        return if given.same(version) {
            Ok(())
        } else {
            Err(Fault::new(
                "ResourceExistsException",
                "The operation failed because a version with this ClientRequestToken and another value already exists.",
            ))
        };
    }
    room?;
    let was_current = secret.version_at(CURRENT).map(|(id, _)| id.clone());
    for version in secret.versions.values_mut() {
        version.stages.retain(|stage| !stages.contains(stage));
    }
    if let Some(old) = was_current.filter(|_| stages.iter().any(|stage| stage == CURRENT)) {
        for version in secret.versions.values_mut() {
            version.stages.retain(|stage| stage != PREVIOUS);
        }
        if let Some(version) = secret.versions.get_mut(&old) {
            version.stages.push(PREVIOUS.into());
        }
    }
    secret.versions.extend([given.version(stages.to_vec(), now)]);
    secret.changed = now;
    Ok(())
}

/// What a service puts into a secret of its own; it sees to old versions by itself.
pub(super) fn renew(secret: &mut Secret, token: String, value: String, now: Millis) -> Result<(), Fault> {
    add_version(secret, Given { token, string: Some(value), binary: None }, &[CURRENT.to_owned()], now, Ok(()))
}

pub(super) fn update(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let (now, limit) = (world.now, quotas::SECRET_VERSIONS.limit(world));
    let secret = living(world, call)?;
    let given = given(call)?;
    let token = given.as_ref().map(|g| g.token.clone());
    if let Some(given) = given {
        let full = quotas::SECRET_VERSIONS.one_more_than(limit, secret.versions.len());
        add_version(secret, given, &[CURRENT.to_owned()], now, full)?;
    }
    if let Some(description) = call.opt("Description") {
        secret.description = Some(description);
    }
    if let Some(key) = call.opt("KmsKeyId") {
        secret.kms_key = Some(key).filter(|key| !key.is_empty());
    }
    secret.changed = now;
    let mut body = json!({ "ARN": secret.arn, "Name": secret.name });
    if let Some(token) = token {
        body["VersionId"] = token.into();
    }
    Ok(body.into())
}

fn read_tags(call: &Call) -> Result<Tags, Fault> {
    let list = call.list("Tags");
    let tags = tags::read(&call.input["Tags"]);
    if tags.len() < list.len() {
        return Err(invalid("Duplicate tag keys are not allowed."));
    }
    check_tags(&tags)?;
    Ok(tags)
}

/// Catalogue, section 1.6.
fn check_tags(tags: &Tags) -> Result<(), Fault> {
    let own = tags.keys().filter(|key| !key.to_ascii_lowercase().starts_with("aws:"));
    if own.clone().count() < tags.len() {
        return Err(invalid("Tag keys that start with aws: are reserved."));
    }
    if tags.len() > 50 || tags.iter().any(|(key, value)| key.is_empty() || key.len() > 128 || value.len() > 256) {
        return Err(invalid("A secret has at most 50 tags, with keys of 1 to 128 and values of up to 256 characters."));
    }
    Ok(())
}

pub(super) fn tag(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let new = read_tags(call)?;
    let secret = living(world, call)?;
    let mut tags = secret.tags.clone();
    tags.extend(new);
    if secret.owner.is_none() {
        check_tags(&tags)?;
    }
    secret.tags = tags;
    Ok(Value::Object(serde_json::Map::new()).into())
}

pub(super) fn untag(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = call.need("SecretId", "InvalidParameterException")?;
    find(world, &id).ok_or_else(not_found)?;
    let secret = living(world, call)?;
    for key in call.strings("TagKeys") {
        secret.tags.remove(&key);
    }
    Ok(Value::Object(serde_json::Map::new()).into())
}
