//! What Secrets Manager reports of a secret, in the words of its kind.

use std::collections::BTreeMap;

use aws_sdk_secretsmanager::types::SecretListEntry;
use landing_engine::{CallError, Door, Kind, Live, NodeName, Ready, Tags};

use super::value::{self, Held, SecretSource};
use super::{Secret, composed};
use crate::{Aws, IntoCallError, ownership, tags};

/// Marks the version that readers get.
const CURRENT: &str = "AWSCURRENT";

/// Puts the values at hand beside the stored ones, and drops what the list still showed but is gone.
pub(super) async fn compared(cx: &Aws, found: Vec<Live<Secret>>) -> Result<Vec<Live<Secret>>, CallError> {
    let at_hand = found.iter().filter_map(|live| match &live.shape.value {
        SecretSource::Env(variable) if cx.secrets.given(variable).is_some() => Some((live.id.clone(), variable.clone())),
        _ => None,
    });
    let held = value::compare(cx, &at_hand.collect()).await?;
    let mut kept = Vec::with_capacity(found.len());
    for mut live in found {
        match held.get(&live.id) {
            Some(Held::Different) => live.shape.value = SecretSource::Different,
            Some(Held::Unreadable) if describe(cx, &live.id).await?.is_none() => continue,
            Some(Held::Unreadable) => live.shape.value = SecretSource::Missing,
            Some(Held::Same) | None => {}
        }
        kept.push(live);
    }
    Ok(kept)
}

/// One that is scheduled for deletion is absent, although its name is not free.
pub(super) async fn describe(cx: &Aws, id: &str) -> Result<Option<Live<Secret>>, CallError> {
    let request = cx.secretsmanager.describe_secret().secret_id(id);
    let Some(reply) = ownership::found(request.send().await.call("secretsmanager:DescribeSecret"))? else { return Ok(None) };
    if reply.deleted_date().is_some() {
        return Ok(None);
    }
    let version = current(reply.version_ids_to_stages().into_iter().flatten());
    let arn = reply.arn().unwrap_or_default();
    Ok(Some(of(arn, reply.name(), reply.description(), version, tags::read(reply.tags()))))
}

/// The tags of a secret of that name in its recovery window.
pub(super) async fn scheduled(cx: &Aws, name: &str) -> Result<Option<Tags>, CallError> {
    let request = cx.secretsmanager.describe_secret().secret_id(name);
    let reply = ownership::found(request.send().await.call("secretsmanager:DescribeSecret"))?;
    Ok(reply.filter(|reply| reply.deleted_date().is_some()).map(|reply| tags::read(reply.tags())))
}

/// `None` when it was deleted for good before it could be restored.
pub(super) async fn restore(cx: &Aws, door: &Door<'_>, name: &str) -> Result<Option<Live<Secret>>, CallError> {
    let operation = "secretsmanager:RestoreSecret";
    // Not found is an answer here; the door would wait for the secret to appear.
    let send = || async { ownership::found(cx.secretsmanager.restore_secret().secret_id(name).send().await.call(operation)) };
    if door.call(operation, send).await?.is_none() {
        return Ok(None);
    }
    Ok(describe(cx, name).await?.map(|live| Live { node: door.node().clone(), ..live }))
}

/// From the list, without asking for the secret itself.
pub(super) fn listed(entry: &SecretListEntry) -> Live<Secret> {
    let version = current(entry.secret_versions_to_stages().into_iter().flatten());
    of(entry.arn().unwrap_or_default(), entry.name(), entry.description(), version, tags::read(entry.tags()))
}

/// Id of the version that readers get.
pub(super) fn current<'a>(mut versions: impl Iterator<Item = (&'a String, &'a Vec<String>)>) -> Option<&'a str> {
    versions.find(|(_, stages)| stages.iter().any(|stage| stage == CURRENT)).map(|(id, _)| id.as_str())
}

pub(super) fn outputs(arn: &str, version: Option<&str>) -> BTreeMap<String, String> {
    let version = version.map(|version| ("version".to_owned(), format!("{arn}@{version}")));
    [("arn".to_owned(), arn.to_owned())].into_iter().chain(version).collect()
}

/// The node's name is put in by the caller, who knows it from the tag, the state or the door.
pub(super) fn of(arn: &str, name: Option<&str>, description: Option<&str>, version: Option<&str>, tags: Tags) -> Live<Secret> {
    let name = name.unwrap_or_default().to_owned();
    let description = description.unwrap_or_default();
    let composed = composed::read_back(description);
    let value = match (version, composed) {
        (None, _) => SecretSource::Missing,
        (Some(_), Some(formula)) => SecretSource::ComposedOf(formula.to_owned()),
        (Some(_), None) => SecretSource::Different,
    };
    let description = if composed.is_some() { composed::DESCRIPTION } else { description };
    Live {
        id: arn.to_owned(),
        node: NodeName::new(Secret::NAME, &name),
        outputs: outputs(arn, version),
        shape: Secret { name, description: description.to_owned(), value },
        ready: Ready::Yes,
        tags,
        owned: true,
        untold: Vec::new(),
    }
}
