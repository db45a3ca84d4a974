//! The Tagging API: what `tagged` of the other modules lists (catalogue, section 13).

use serde_json::{Value, json};

use crate::call::{Call, strings, text};
use crate::fault::Fault;
use crate::services;
use crate::tags::{self, Tags};
use crate::wire::Reply;
use crate::world::World;

pub(crate) fn handle(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    match call.operation.as_str() {
        "GetResources" => get_resources(world, call),
        other => Err(Fault::unknown_operation(call.service, other)),
    }
}

fn invalid(message: &str) -> Fault {
    Fault::new("InvalidParameterException", message)
}

fn get_resources(world: &World, call: &Call) -> Result<Reply, Fault> {
    let filters = call.list("TagFilters");
    let kinds = call.strings("ResourceTypeFilters");
    let arns = call.strings("ResourceARNList");
    let size = call.number("ResourcesPerPage").unwrap_or(100);
    if !arns.is_empty() && (!filters.is_empty() || !kinds.is_empty()) {
        return Err(invalid("ResourceARNList cannot be used with TagFilters or ResourceTypeFilters"));
    }
    if filters.len() > 50 || arns.len() > 100 || !(1..=100).contains(&size) {
        return Err(invalid("One of the lists or the page size is out of its limits"));
    }
    if filters.iter().any(|filter| text(&filter["Key"]).is_none() || strings(&filter["Values"]).len() > 20) {
        return Err(invalid("Every tag filter needs a key and at most 20 values"));
    }
    // Each region lists its own; global objects appear in us-east-1.
    let mut found = if call.region == world.region { services::tagged(world) } else { Vec::new() };
    if call.region == "us-east-1" {
        found.extend(services::tagged_global(world));
    }
    // What is deleted stays listed for a while.
    let ghosts = world.past.ghosts.iter().filter(|ghost| call.region == if ghost.global { "us-east-1" } else { &world.region });
    let ghosts: Vec<(String, Tags)> = ghosts
        .filter(|ghost| !found.iter().any(|(arn, _)| *arn == ghost.arn))
        .map(|ghost| (ghost.arn.clone(), ghost.tags.clone()))
        .collect();
    found.extend(ghosts);
    found.retain(|(arn, tags)| {
        !tags.is_empty()
            && filters.iter().all(|filter| matches(filter, tags))
            && (kinds.is_empty() || kinds.iter().any(|kind| is_kind(arn, kind)))
            && (arns.is_empty() || arns.contains(arn))
    });
    found.sort();
    let start = match call.opt("PaginationToken").as_deref() {
        None | Some("") => 0,
        Some(token) => {
            token.parse().map_err(|_| Fault::new("PaginationTokenExpiredException", "The pagination token has expired"))?
        }
    };
    let start = found.len().min(start);
    let end = found.len().min(start + usize::try_from(size).unwrap_or(100));
    let list: Vec<Value> =
        found[start..end].iter().map(|(arn, tags)| json!({ "ResourceARN": arn, "Tags": tags::upper(tags) })).collect();
    let token = if end < found.len() { end.to_string() } else { String::new() };
    Ok(json!({ "PaginationToken": token, "ResourceTagMappingList": list }).into())
}

/// AND across filters, OR across a filter's values; no values means any.
fn matches(filter: &Value, tags: &Tags) -> bool {
    let values = strings(&filter["Values"]);
    let tag = text(&filter["Key"]).and_then(|key| tags.get(&key).cloned());
    tag.is_some_and(|value| values.is_empty() || values.contains(&value))
}

/// `ec2`, `ecs:service`, `elasticloadbalancing:loadbalancer`: service, then the first word of the ARN's last part.
fn is_kind(arn: &str, kind: &str) -> bool {
    let mut parts = arn.splitn(6, ':').skip(2);
    let (service, resource) = (parts.next().unwrap_or_default(), parts.nth(2).unwrap_or_default());
    match kind.split_once(':') {
        None => kind == service,
        Some(("s3", "bucket")) => service == "s3",
        Some((of, word)) => of == service && resource.split(['/', ':']).next() == Some(word),
    }
}
