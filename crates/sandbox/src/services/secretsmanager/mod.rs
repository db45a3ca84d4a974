//! Secrets Manager (catalogue, section 6): secrets, their versions, and names that stay blocked after a delete.

mod delete;
mod list;
mod password;
mod policy;
mod values;
mod write;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::answer::epoch;
use crate::call::Call;
use crate::clock::Millis;
use crate::fault::Fault;
use crate::tags::{self, Tags};
use crate::wire::Reply;
use crate::world::World;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Secrets {
    /// By name.
    pub(crate) secrets: BTreeMap<String, Secret>,
    /// Names of force-deleted secrets, and when they are free again.
    pub(crate) blocked: BTreeMap<String, Millis>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Secret {
    pub(crate) arn: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) kms_key: Option<String>,
    pub(crate) tags: Tags,
    pub(crate) created: Millis,
    pub(crate) changed: Millis,
    /// AWS keeps the day only.
    pub(crate) accessed: Option<Millis>,
    /// When the deletion was asked for, and when it happens.
    pub(crate) deleted: Option<Millis>,
    pub(crate) gone_at: Option<Millis>,
    /// The service that manages it: `rds`.
    pub(crate) owner: Option<String>,
    /// By version id.
    pub(crate) versions: BTreeMap<String, Version>,
    #[serde(default)]
    pub(crate) policy: Option<Value>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Version {
    pub(crate) string: Option<String>,
    /// Base64, as it came.
    pub(crate) binary: Option<String>,
    pub(crate) stages: Vec<String>,
    pub(crate) created: Millis,
}

pub(crate) const CURRENT: &str = "AWSCURRENT";
pub(crate) const PREVIOUS: &str = "AWSPREVIOUS";

impl Secret {
    pub(crate) fn version_at(&self, stage: &str) -> Option<(&String, &Version)> {
        self.versions.iter().find(|(_, version)| version.stages.iter().any(|s| s == stage))
    }

    fn stages(&self) -> Value {
        let staged = self.versions.iter().filter(|(_, version)| !version.stages.is_empty());
        staged.map(|(id, version)| (id.clone(), json!(version.stages))).collect::<serde_json::Map<_, _>>().into()
    }
}

pub(crate) fn handle(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    match call.operation.as_str() {
        "CreateSecret" => write::create(world, call),
        "PutSecretValue" => write::put_value(world, call),
        "UpdateSecret" => write::update(world, call),
        "TagResource" => write::tag(world, call),
        "UntagResource" => write::untag(world, call),
        "PutResourcePolicy" => policy::put(world, call),
        "GetResourcePolicy" => policy::get(world, call),
        "DeleteResourcePolicy" => policy::delete(world, call),
        "DeleteSecret" => delete::delete(world, call),
        "RestoreSecret" => delete::restore(world, call),
        "GetSecretValue" => values::get(world, call),
        "BatchGetSecretValue" => values::batch_get(world, call),
        "ListSecretVersionIds" => values::list_versions(world, call),
        "DescribeSecret" => describe(world, call),
        "ListSecrets" => list::list(world, call),
        "GetRandomPassword" => password::get(world, call),
        other => Err(Fault::unknown_operation(call.service, other)),
    }
}

pub(crate) fn advance(world: &mut World) {
    let now = world.now;
    world.secrets.secrets.retain(|_, secret| secret.gone_at.is_none_or(|at| at > now));
    world.secrets.blocked.retain(|_, at| *at > now);
}

/// Secrets on their way out need no person; those that RDS manages go with their instance.
pub(crate) fn objects(world: &World) -> Vec<String> {
    let secrets = world.secrets.secrets.values();
    secrets.filter(|s| s.deleted.is_none() && s.owner.is_none()).map(|s| format!("secretsmanager:secret {}", s.name)).collect()
}

/// Those in their recovery window too: the Tagging API goes on listing them (catalogue, section 13).
pub(crate) fn tagged(world: &World) -> Vec<(String, Tags)> {
    world.secrets.secrets.values().map(|s| (s.arn.clone(), s.tags.clone())).collect()
}

/// A secret by name, ARN, or ARN without its random suffix. Scheduled ones are found too.
pub(crate) fn find<'a>(world: &'a World, id: &str) -> Option<&'a Secret> {
    let secrets = &world.secrets.secrets;
    secrets
        .get(id)
        .or_else(|| secrets.values().find(|s| s.arn == id || s.arn.rsplit_once('-').is_some_and(|(stem, _)| stem == id)))
}

/// A secret that another service keeps in the caller's account; it has one version from the start.
pub(crate) fn create_owned(world: &mut World, name: &str, owner: &str, value: String, tags: Tags) -> String {
    let arn = new_arn(world, name);
    let version = uuid(&world.hex());
    let now = world.now;
    let version = (version, Version { string: Some(value), binary: None, stages: vec![CURRENT.into()], created: now });
    let secret = Secret {
        arn: arn.clone(),
        name: name.to_owned(),
        description: None,
        kms_key: None,
        tags,
        created: now,
        changed: now,
        accessed: None,
        deleted: None,
        gone_at: None,
        owner: Some(owner.to_owned()),
        versions: BTreeMap::from([version]),
        policy: None,
    };
    world.secrets.secrets.insert(name.to_owned(), secret);
    arn
}

/// Its service puts another value in the place of the current one, which becomes the previous one.
pub(crate) fn renew_owned(world: &mut World, arn: &str, value: String) -> Result<(), Fault> {
    let (now, token) = (world.now, uuid(&world.hex()));
    let secret = world.secrets.secrets.values_mut().find(|secret| secret.arn == arn).ok_or_else(not_found)?;
    write::renew(secret, token, value, now)
}

pub(crate) fn policies_mut(world: &mut World) -> impl Iterator<Item = &mut Value> {
    world.secrets.secrets.values_mut().filter_map(|secret| secret.policy.as_mut())
}

/// Its service removes it, with no window.
pub(crate) fn delete_owned(world: &mut World, arn: &str) {
    world.secrets.secrets.retain(|_, secret| secret.arn != arn);
}

/// `8-4-4-4-12` out of 32 hex digits.
pub(crate) fn uuid(hex: &str) -> String {
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..32]].join("-")
}

/// `length` characters of `alphabet`, the same in every run.
pub(crate) fn characters(world: &mut World, alphabet: &[char], length: usize) -> String {
    let mut out = String::new();
    let mut left = length;
    while left > 0 {
        let hex = world.hex();
        let bytes = (0..16).filter_map(|i| usize::from_str_radix(&hex[2 * i..2 * i + 2], 16).ok());
        for byte in bytes.take(left) {
            out.push(alphabet[byte % alphabet.len()]);
            left -= 1;
        }
    }
    out
}

fn new_arn(world: &mut World, name: &str) -> String {
    let alphabet: Vec<char> = ('A'..='Z').chain('a'..='z').chain('0'..='9').collect();
    let suffix = characters(world, &alphabet, 6);
    world.arn("secretsmanager", &format!("secret:{name}-{suffix}"))
}

fn not_found() -> Fault {
    Fault::new("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
}

fn deleted() -> Fault {
    let message = "You can't perform this operation on the secret because it was marked for deletion.";
    Fault::new("InvalidRequestException", message)
}

/// The name of the secret that the call speaks of.
fn named(world: &World, call: &Call) -> Result<String, Fault> {
    let id = call.need("SecretId", "InvalidParameterException")?;
    find(world, &id).map(|secret| secret.name.clone()).ok_or_else(not_found)
}

/// The same, when it must not be on its way out.
fn living<'a>(world: &'a mut World, call: &Call) -> Result<&'a mut Secret, Fault> {
    let name = named(world, call)?;
    match world.secrets.secrets.get_mut(&name) {
        Some(secret) if secret.deleted.is_none() => Ok(secret),
        Some(_) => Err(deleted()),
        None => Err(not_found()),
    }
}

fn describe(world: &World, call: &Call) -> Result<Reply, Fault> {
    let name = named(world, call)?;
    let secret = world.secrets.secrets.get(&name).ok_or_else(not_found)?;
    let mut body = summary(secret);
    if !secret.versions.is_empty() {
        body["VersionIdsToStages"] = secret.stages();
    }
    Ok(body.into())
}

/// What DescribeSecret and ListSecrets have in common.
fn summary(secret: &Secret) -> Value {
    let mut body = json!({
        "ARN": secret.arn,
        "Name": secret.name,
        "LastChangedDate": epoch(secret.changed),
        "CreatedDate": epoch(secret.created),
        "Tags": tags::upper(&secret.tags),
    });
    let optional = [
        ("Description", secret.description.clone().map(Value::from)),
        ("KmsKeyId", secret.kms_key.clone().map(Value::from)),
        ("OwningService", secret.owner.clone().map(Value::from)),
        ("LastAccessedDate", secret.accessed.map(|at| epoch(at).into())),
        ("DeletedDate", secret.deleted.map(|at| epoch(at).into())),
    ];
    for (key, value) in optional {
        if let Some(value) = value {
            body[key] = value;
        }
    }
    body
}
