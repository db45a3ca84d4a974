//! ListSecrets and its filters.

use serde_json::{Value, json};

use super::{Secret, summary};
use crate::answer::page;
use crate::call::{Call, strings, text};
use crate::fault::Fault;
use crate::wire::Reply;
use crate::world::World;

pub(super) fn list(world: &World, call: &Call) -> Result<Reply, Fault> {
    let all = call.flag("IncludePlannedDeletion").unwrap_or(false);
    let mut found = Vec::new();
    for secret in world.secrets.secrets.values().filter(|s| all || s.deleted.is_none()) {
        if matches(secret, call.list("Filters"))? {
            found.push(secret);
        }
    }
    found.sort_by_key(|secret| secret.created);
    // Newest first unless asked otherwise.
    if call.opt("SortOrder").is_none_or(|order| order != "asc") {
        found.reverse();
    }
    let limit = call.number("MaxResults").unwrap_or(100);
    if !(1..=100).contains(&limit) {
        return Err(Fault::new("ValidationException", "MaxResults must be between 1 and 100."));
    }
    let token = call.opt("NextToken");
    let (found, next) = page(found, limit.unsigned_abs() as usize, token.as_deref()).ok_or_else(bad_token)?;
    let mut body = json!({ "SecretList": found.into_iter().map(entry).collect::<Vec<_>>() });
    if let Some(next) = next {
        body["NextToken"] = next.into();
    }
    Ok(body.into())
}

pub(super) fn bad_token() -> Fault {
    Fault::new("InvalidNextTokenException", "The NextToken value is invalid.")
}

fn entry(secret: &Secret) -> Value {
    let mut body = summary(secret);
    body["SecretVersionsToStages"] = secret.stages();
    body
}

/// All filters must hold; within one, any value. Values match from the start, and `!` before a value turns it round.
pub(super) fn matches(secret: &Secret, filters: &[Value]) -> Result<bool, Fault> {
    for filter in filters {
        let key = text(&filter["Key"]).unwrap_or_default();
        let description = || secret.description.clone().into_iter().collect::<Vec<_>>();
        let keys = || secret.tags.keys().cloned().collect::<Vec<_>>();
        let values = || secret.tags.values().cloned().collect::<Vec<_>>();
        // `name` is case-sensitive, `description` and `all` are not; tags are.
        let (have, fold) = match key.as_str() {
            "name" => (vec![secret.name.clone()], false),
            "description" => (description(), true),
            "tag-key" => (keys(), false),
            "tag-value" => (values(), false),
            "owning-service" => (secret.owner.clone().into_iter().collect(), false),
            "all" => ([vec![secret.name.clone()], description(), keys(), values()].concat(), true),
            other => {
                return Err(Fault::new("InvalidParameterException", format!("Invalid filter key: {other}")));
            }
        };
        let begins = |want: &str| {
            have.iter().any(
                |text| {
                    if fold { text.to_lowercase().starts_with(&want.to_lowercase()) } else { text.starts_with(want) }
                },
            )
        };
        let hit = strings(&filter["Values"]).iter().any(|want| match want.strip_prefix('!') {
            Some(want) => !begins(want),
            None => begins(want),
        });
        if !hit {
            return Ok(false);
        }
    }
    Ok(true)
}
