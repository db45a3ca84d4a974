//! Origin access controls: how CloudFront signs its requests to an origin.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{check_version, config, new_id, page, subject};
use crate::call::{Call, text};
use crate::fault::Fault;
use crate::services::quotas;
use crate::wire::Reply;
use crate::world::World;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AccessControl {
    pub(crate) id: String,
    pub(crate) etag: String,
    pub(crate) config: Value,
}

impl AccessControl {
    pub(crate) fn name(&self) -> String {
        text(&self.config["Name"]).unwrap_or_default()
    }
}

fn find(world: &World, call: &Call) -> Result<AccessControl, Fault> {
    let found = world.cloudfront.controls.get(subject(call)).cloned();
    found.ok_or_else(|| Fault::new("NoSuchOriginAccessControl", "The origin access control does not exist.").status(404))
}

fn read(world: &World, call: &Call, own: Option<&str>) -> Result<Value, Fault> {
    let mut out = json!({});
    for key in ["Name", "Description", "SigningProtocol", "SigningBehavior", "OriginAccessControlOriginType"] {
        out[key] = json!(text(&call.input[key]).unwrap_or_default());
    }
    let one_of = |key: &str, values: &[&str]| values.iter().any(|value| out[key] == *value);
    let name = text(&out["Name"]).unwrap_or_default();
    if name.is_empty()
        || name.len() > 64
        || !one_of("SigningProtocol", &["sigv4"])
        || !one_of("SigningBehavior", &["always", "never", "no-override"])
        || !one_of("OriginAccessControlOriginType", &["s3", "mediastore", "lambda", "mediapackagev2"])
    {
        return Err(Fault::new("InvalidArgument", "The origin access control's configuration is not valid."));
    }
    let taken = world.cloudfront.controls.values().any(|other| Some(other.id.as_str()) != own && other.name() == name);
    if taken {
        return Err(Fault::new(
            "OriginAccessControlAlreadyExists",
            "An origin access control with the specified parameters already exists.",
        )
        .status(409));
    }
    Ok(out)
}

fn answer(control: &AccessControl) -> Reply {
    let body = json!({ "Id": control.id, "OriginAccessControlConfig": control.config });
    Reply::xml("OriginAccessControl", body).header("etag", control.etag.clone())
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let config = read(world, call, None)?;
    quotas::ORIGIN_ACCESS_CONTROLS.one_more(world, world.cloudfront.controls.len())?;
    let control = AccessControl { id: new_id(world), etag: new_id(world), config };
    let reply = answer(&control).status(201).header("location", format!("/2020-05-31/origin-access-control/{}", control.id));
    world.cloudfront.controls.insert(control.id.clone(), control);
    Ok(reply)
}

pub(super) fn get(world: &World, call: &Call, whole: bool) -> Result<Reply, Fault> {
    let control = find(world, call)?;
    if whole {
        return Ok(answer(&control));
    }
    Ok(Reply::xml("OriginAccessControlConfig", control.config).header("etag", control.etag))
}

/// Items carry no ETag.
pub(super) fn list(world: &World, call: &Call) -> Result<Reply, Fault> {
    let items = world.cloudfront.controls.values().map(|control| {
        let mut item = control.config.clone();
        item["Id"] = json!(control.id);
        (control.id.clone(), item)
    });
    Ok(Reply::xml("OriginAccessControlList", page(call, "OriginAccessControlSummary", items.collect())))
}

pub(super) fn update(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let mut control = find(world, call)?;
    check_version(call, &control.etag)?;
    control.config = read(world, call, Some(&control.id))?;
    control.etag = new_id(world);
    let reply = answer(&control);
    world.cloudfront.controls.insert(control.id.clone(), control);
    Ok(reply)
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let control = find(world, call)?;
    check_version(call, &control.etag)?;
    if world
        .cloudfront
        .distributions
        .values()
        .any(|d| config::origins(&d.config).iter().any(|o| o["OriginAccessControlId"] == control.id.as_str()))
    {
        return Err(Fault::new("OriginAccessControlInUse", "The origin access control is in use by one or more distributions.")
            .status(409));
    }
    world.cloudfront.controls.remove(&control.id);
    Ok(Reply::empty(204))
}
