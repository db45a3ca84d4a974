//! CloudFront: origin access controls, functions, distributions, invalidations (catalogue, section 12).
//! Response-headers policies of one's own, key groups, streaming and continuous deployment are left out.

mod access;
mod config;
mod distribution;
mod function;
mod invalidation;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::{Call, text};
use crate::fault::Fault;
use crate::tags::{self, Tags};
use crate::wire::Reply;
use crate::world::World;

pub(crate) use access::AccessControl;
pub(crate) use config::{behavior_list, custom_errors, functions_of, origins};
pub(crate) use distribution::Distribution;
pub(crate) use function::Function;
pub(crate) use invalidation::Invalidation;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct CloudFront {
    /// By id.
    pub(crate) controls: BTreeMap<String, AccessControl>,
    /// By name.
    pub(crate) functions: BTreeMap<String, Function>,
    /// By id.
    pub(crate) distributions: BTreeMap<String, Distribution>,
    pub(crate) invalidations: BTreeMap<String, Invalidation>,
}

pub(crate) fn operation(method: &str, call: &Call) -> String {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    let name = match (method, path.get(1..).unwrap_or_default()) {
        ("POST", ["origin-access-control"]) => "CreateOriginAccessControl",
        ("GET", ["origin-access-control"]) => "ListOriginAccessControls",
        ("GET", ["origin-access-control", _]) => "GetOriginAccessControl",
        ("GET", ["origin-access-control", _, "config"]) => "GetOriginAccessControlConfig",
        ("PUT", ["origin-access-control", _, "config"]) => "UpdateOriginAccessControl",
        ("DELETE", ["origin-access-control", _]) => "DeleteOriginAccessControl",
        ("POST", ["function"]) => "CreateFunction",
        ("GET", ["function"]) => "ListFunctions",
        ("GET", ["function", _]) => "GetFunction",
        ("GET", ["function", _, "describe"]) => "DescribeFunction",
        ("PUT", ["function", _]) => "UpdateFunction",
        ("POST", ["function", _, "publish"]) => "PublishFunction",
        ("DELETE", ["function", _]) => "DeleteFunction",
        ("POST", ["distribution"]) if call.query("WithTags").is_some() => "CreateDistributionWithTags",
        ("POST", ["distribution"]) => "CreateDistribution",
        ("GET", ["distribution"]) => "ListDistributions",
        ("GET", ["distribution", _]) => "GetDistribution",
        ("GET", ["distribution", _, "config"]) => "GetDistributionConfig",
        ("PUT", ["distribution", _, "config"]) => "UpdateDistribution",
        ("DELETE", ["distribution", _]) => "DeleteDistribution",
        ("POST", ["distribution", _, "invalidation"]) => "CreateInvalidation",
        ("GET", ["distribution", _, "invalidation"]) => "ListInvalidations",
        ("GET", ["distribution", _, "invalidation", _]) => "GetInvalidation",
        ("POST", ["tagging"]) if call.query("Operation") == Some("Tag") => "TagResource",
        ("POST", ["tagging"]) if call.query("Operation") == Some("Untag") => "UntagResource",
        ("GET", ["tagging"]) => "ListTagsForResource",
        (method, rest) => return format!("{method} {}", rest.join("/")),
    };
    name.to_owned()
}

pub(crate) fn handle(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    match call.operation.as_str() {
        "CreateOriginAccessControl" => access::create(world, call),
        "ListOriginAccessControls" => access::list(world, call),
        "GetOriginAccessControl" => access::get(world, call, true),
        "GetOriginAccessControlConfig" => access::get(world, call, false),
        "UpdateOriginAccessControl" => access::update(world, call),
        "DeleteOriginAccessControl" => access::delete(world, call),
        "CreateFunction" => function::create(world, call),
        "ListFunctions" => function::list(world, call),
        "GetFunction" => function::get(world, call),
        "DescribeFunction" => function::describe(world, call),
        "UpdateFunction" => function::update(world, call),
        "PublishFunction" => function::publish(world, call),
        "DeleteFunction" => function::delete(world, call),
        "CreateDistribution" | "CreateDistributionWithTags" => distribution::create(world, call),
        "ListDistributions" => distribution::list(world, call),
        "GetDistribution" => distribution::get(world, call),
        "GetDistributionConfig" => distribution::get_config(world, call),
        "UpdateDistribution" => distribution::update(world, call),
        "DeleteDistribution" => distribution::delete(world, call),
        "CreateInvalidation" => invalidation::create(world, call),
        "ListInvalidations" => invalidation::list(world, call),
        "GetInvalidation" => invalidation::get(world, call),
        "TagResource" => tag(world, call),
        "UntagResource" => untag(world, call),
        "ListTagsForResource" => list_tags(world, call),
        other => Err(Fault::unknown_operation(call.service, other)),
    }
}

/// Roll-outs are told from times when they are asked for.
pub(crate) fn advance(_world: &mut World) {}

pub(crate) fn objects(world: &World) -> Vec<String> {
    let cloudfront = &world.cloudfront;
    let controls = cloudfront.controls.values().map(|c| format!("cloudfront:origin-access-control {}", c.name()));
    let functions = cloudfront.functions.keys().map(|name| format!("cloudfront:function {name}"));
    controls.chain(functions).chain(cloudfront.distributions.keys().map(|id| format!("cloudfront:distribution {id}"))).collect()
}

pub(crate) fn tagged(world: &World) -> Vec<(String, Tags)> {
    world.cloudfront.distributions.values().map(|d| (d.arn.clone(), d.tags.clone())).collect()
}

/// An id in CloudFront's style: a letter and 13 capitals or digits.
fn new_id(world: &mut World) -> String {
    format!("E{}", &world.hex().to_uppercase()[..13])
}

/// The third word of the path: id or name.
fn subject(call: &Call) -> &str {
    call.path.get(2).map_or("", String::as_str)
}

/// Updates and deletes name the version that they mean (section 12.1).
fn check_version(call: &Call, etag: &str) -> Result<(), Fault> {
    match call.header("if-match").map(|text| text.trim_matches('"')) {
        None | Some("") => {
            Err(Fault::new("InvalidIfMatchVersion", "The If-Match version is missing or not valid for the resource."))
        }
        Some(sent) if sent == etag => Ok(()),
        Some(_) => Err(Fault::new(
            "PreconditionFailed",
            "The request failed because it didn't meet the preconditions in one or more request-header fields.",
        )
        .status(412)),
    }
}

fn page_size(call: &Call) -> usize {
    call.query("MaxItems").and_then(|text| text.parse().ok()).unwrap_or(100).clamp(1, 100)
}

/// `{Marker, NextMarker, MaxItems, IsTruncated, Quantity, Items}` of items with their markers.
fn page(call: &Call, element: &str, items: Vec<(String, Value)>) -> Value {
    let after = call.query("Marker").unwrap_or_default();
    let rest: Vec<(String, Value)> = items.into_iter().filter(|(marker, _)| marker.as_str() > after).collect();
    let more = rest.len() > page_size(call);
    let shown: Vec<(String, Value)> = rest.into_iter().take(page_size(call)).collect();
    let next = shown.last().filter(|_| more).map(|(marker, _)| marker.clone());
    let items: Vec<&Value> = shown.iter().map(|(_, value)| value).collect();
    let mut list = serde_json::Map::new();
    list.insert(format!("{element}[]"), json!(items));
    json!({
        "Marker": after,
        "NextMarker": next,
        "MaxItems": page_size(call),
        "IsTruncated": more,
        "Quantity": items.len(),
        "Items": if items.is_empty() { Value::Null } else { list.into() },
    })
}

/// `{"Items": {"Tag": …}}`.
fn read_tags(value: &Value) -> Result<Tags, Fault> {
    let list: Vec<Value> = config::items(&value["Items"]["Tag"]).into_iter().cloned().collect();
    let tags = tags::read(&json!(list));
    if tags.len() != list.len() || tags.len() > 50 || tags.keys().any(|key| key.to_lowercase().starts_with("aws:")) {
        return Err(Fault::new("InvalidTagging", "The tagging specified is not valid."));
    }
    Ok(tags)
}

fn tags_of<'w>(world: &'w mut World, call: &Call) -> Result<&'w mut Tags, Fault> {
    let arn = call.query("Resource").ok_or_else(|| Fault::new("InvalidArgument", "Resource is required"))?;
    let found = world.cloudfront.distributions.values_mut().find(|distribution| distribution.arn == arn);
    found
        .map(|d| &mut d.tags)
        .ok_or_else(|| Fault::new("NoSuchResource", format!("The specified resource does not exist: {arn}")).status(404))
}

fn tag(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let tags = read_tags(&call.input)?;
    tags_of(world, call)?.extend(tags);
    Ok(Reply::empty(204))
}

fn untag(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let tags = tags_of(world, call)?;
    for key in config::items(&call.input["Items"]["Key"]).into_iter().filter_map(text) {
        tags.remove(&key);
    }
    Ok(Reply::empty(204))
}

fn list_tags(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let tags = tags::upper(tags_of(world, call)?);
    Ok(Reply::xml("Tags", json!({ "Items": { "Tag[]": tags } })))
}
