//! CloudFront functions: a development stage, published to live.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{check_version, config, new_id, page, subject};
use crate::call::{Call, text};
use crate::clock::{Millis, iso};
use crate::fault::Fault;
use crate::services::quotas;
use crate::wire::Reply;
use crate::world::World;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) created: Millis,
    pub(crate) development: Stage,
    pub(crate) live: Option<Stage>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Stage {
    pub(crate) etag: String,
    pub(crate) modified: Millis,
    pub(crate) config: Value,
    /// Base64.
    pub(crate) code: String,
}

fn none() -> Fault {
    Fault::new("NoSuchFunctionExists", "The function does not exist.").status(404)
}

fn find(world: &World, call: &Call) -> Result<Function, Fault> {
    world.cloudfront.functions.get(subject(call)).cloned().ok_or_else(none)
}

/// The stage of the query, DEVELOPMENT when none is named.
fn staged(function: &Function, call: &Call) -> Result<(Stage, &'static str), Fault> {
    match call.query("Stage") {
        Some("LIVE") => Ok((function.live.clone().ok_or_else(none)?, "LIVE")),
        None | Some("DEVELOPMENT") => Ok((function.development.clone(), "DEVELOPMENT")),
        Some(_) => Err(Fault::new("InvalidArgument", "The stage is not valid.")),
    }
}

fn read(world: &mut World, call: &Call) -> Result<Stage, Fault> {
    let given = &call.input["FunctionConfig"];
    let runtime = text(&given["Runtime"]).unwrap_or_default();
    if !["cloudfront-js-1.0", "cloudfront-js-2.0"].contains(&runtime.as_str()) {
        return Err(Fault::new("InvalidArgument", "The function's runtime is not valid."));
    }
    let code = text(&call.input["FunctionCode"]).unwrap_or_default();
    let bytes = STANDARD.decode(code.trim()).map_err(|_| Fault::new("InvalidArgument", "The function code is not base64."))?;
    if bytes.is_empty() {
        return Err(Fault::new("InvalidArgument", "The function code is empty."));
    }
    if bytes.len() > 10 * 1024 {
        return Err(Fault::new("FunctionSizeLimitExceeded", "The function is too large.").status(413));
    }
    let config = json!({ "Comment": text(&given["Comment"]).unwrap_or_default(), "Runtime": runtime });
    Ok(Stage { etag: format!("ET{}", new_id(world)), modified: world.now, config, code: STANDARD.encode(bytes) })
}

fn summary(function: &Function, stage: &Stage, name: &str) -> Value {
    let status = match name {
        "LIVE" => "DEPLOYED",
        _ if function.live.as_ref().is_some_and(|live| live.code == stage.code && live.config == stage.config) => "DEPLOYED",
        _ => "UNPUBLISHED",
    };
    json!({
        "Name": function.name,
        "Status": status,
        "FunctionConfig": stage.config,
        "FunctionMetadata": {
            "FunctionARN": function.arn,
            "Stage": name,
            "CreatedTime": iso(function.created),
            "LastModifiedTime": iso(stage.modified),
        },
    })
}

fn answer(function: &Function, stage: &Stage, name: &str) -> Reply {
    // The model of `UpdateFunction` spells the header `ETtag`, and so does AWS.
    Reply::xml("FunctionSummary", summary(function, stage, name))
        .header("etag", stage.etag.clone())
        .header("ettag", stage.etag.clone())
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let name = text(&call.input["Name"]).unwrap_or_default();
    let ok = (1..=64).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if !ok {
        return Err(Fault::new("InvalidArgument", "The function's name is not valid."));
    }
    if !call.input["Tags"].is_null() {
        return Err(Fault::new("InvalidArgument", "the sandbox does not model tags of functions"));
    }
    let stage = read(world, call)?;
    if world.cloudfront.functions.contains_key(&name) {
        return Err(
            Fault::new("FunctionAlreadyExists", "A function with the same name already exists in this AWS account.").status(409)
        );
    }
    quotas::FUNCTIONS.one_more(world, world.cloudfront.functions.len())?;
    let arn = format!("arn:aws:cloudfront::{}:function/{name}", world.account);
    let function = Function { name: name.clone(), arn, created: world.now, development: stage, live: None };
    let reply = answer(&function, &function.development, "DEVELOPMENT")
        .status(201)
        .header("location", format!("/2020-05-31/function/{name}"));
    world.cloudfront.functions.insert(name, function);
    Ok(reply)
}

pub(super) fn describe(world: &World, call: &Call) -> Result<Reply, Fault> {
    let function = find(world, call)?;
    let (stage, name) = staged(&function, call)?;
    Ok(answer(&function, &stage, name))
}

/// The code itself is the body.
pub(super) fn get(world: &World, call: &Call) -> Result<Reply, Fault> {
    let (stage, _) = staged(&find(world, call)?, call)?;
    let mut reply = Reply::empty(200).header("etag", stage.etag).header("content-type", "application/octet-stream");
    reply.raw = Some(STANDARD.decode(stage.code).unwrap_or_default());
    Ok(reply)
}

pub(super) fn list(world: &World, call: &Call) -> Result<Reply, Fault> {
    let mut items = Vec::new();
    for function in world.cloudfront.functions.values() {
        if call.query("Stage") != Some("LIVE") {
            items.push((format!("{} 0", function.name), summary(function, &function.development, "DEVELOPMENT")));
        }
        if let Some(live) = function.live.as_ref().filter(|_| call.query("Stage") != Some("DEVELOPMENT")) {
            items.push((format!("{} 1", function.name), summary(function, live, "LIVE")));
        }
    }
    Ok(Reply::xml("FunctionList", page(call, "FunctionSummary", items)))
}

pub(super) fn update(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let mut function = find(world, call)?;
    check_version(call, &function.development.etag)?;
    function.development = read(world, call)?;
    let reply = answer(&function, &function.development, "DEVELOPMENT");
    world.cloudfront.functions.insert(function.name.clone(), function);
    Ok(reply)
}

pub(super) fn publish(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let mut function = find(world, call)?;
    check_version(call, &function.development.etag)?;
    let live = Stage { etag: format!("ET{}", new_id(world)), modified: world.now, ..function.development.clone() };
    let reply = answer(&function, &live, "LIVE");
    function.live = Some(live);
    world.cloudfront.functions.insert(function.name.clone(), function);
    Ok(reply)
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let function = find(world, call)?;
    check_version(call, &function.development.etag)?;
    if world.cloudfront.distributions.values().any(|d| config::functions(&d.config).contains(&function.arn)) {
        return Err(Fault::new(
            "FunctionInUse",
            "Cannot delete the function because it's attached to one or more cache behaviors.",
        )
        .status(409));
    }
    world.cloudfront.functions.remove(&function.name);
    Ok(Reply::empty(204))
}
