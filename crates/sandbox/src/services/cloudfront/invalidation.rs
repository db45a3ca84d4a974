//! Invalidations.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{config, distribution, page, subject};
use crate::call::{Call, text};
use crate::clock::{Millis, iso};
use crate::fault::Fault;
use crate::latency;
use crate::wire::Reply;
use crate::world::World;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Invalidation {
    pub(crate) id: String,
    pub(crate) distribution: String,
    pub(crate) created: Millis,
    pub(crate) done_at: Millis,
    pub(crate) batch: Value,
}

fn shown(world: &World, invalidation: &Invalidation) -> Value {
    let status = if invalidation.done_at <= world.now { "Completed" } else { "InProgress" };
    json!({ "Id": invalidation.id, "Status": status, "CreateTime": iso(invalidation.created), "InvalidationBatch": invalidation.batch })
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    distribution::find(world, call)?;
    let mut batch = call.input.clone();
    config::check_quantities(&batch)?;
    let paths = config::items(&batch["Paths"]["Items"]["Path"]);
    let reference = text(&batch["CallerReference"]).filter(|reference| !reference.is_empty());
    if paths.is_empty()
        || paths.iter().any(|path| !text(path).is_some_and(|path| path.starts_with('/') || path == "*"))
        || reference.is_none()
    {
        return Err(Fault::new("InvalidArgument", "Your request contains one or more invalid invalidation paths."));
    }
    config::repeat_lists(&mut batch);
    let same = world
        .cloudfront
        .invalidations
        .values()
        .find(|i| i.distribution == subject(call) && text(&i.batch["CallerReference"]) == reference);
    if let Some(existing) = same {
        if existing.batch == batch {
            return Ok(Reply::xml("Invalidation", shown(world, existing)).status(201));
        }
        return Err(Fault::new("InvalidArgument", "The caller reference was used before with another batch."));
    }
    let id = format!("I{}", &world.hex().to_uppercase()[..25]);
    let invalidation = Invalidation {
        distribution: subject(call).to_owned(),
        created: world.now,
        done_at: world.now + latency::INVALIDATION_DONE.of(world, &id),
        batch,
        id,
    };
    let place = format!("/2020-05-31/distribution/{}/invalidation/{}", subject(call), invalidation.id);
    let reply = Reply::xml("Invalidation", shown(world, &invalidation)).status(201).header("location", place);
    world.cloudfront.invalidations.insert(invalidation.id.clone(), invalidation);
    Ok(reply)
}

pub(super) fn get(world: &World, call: &Call) -> Result<Reply, Fault> {
    distribution::find(world, call)?;
    let id = call.path.get(4).map_or("", String::as_str);
    let found = world.cloudfront.invalidations.get(id).filter(|i| i.distribution == subject(call));
    let found =
        found.ok_or_else(|| Fault::new("NoSuchInvalidation", "The specified invalidation does not exist.").status(404))?;
    Ok(Reply::xml("Invalidation", shown(world, found)))
}

pub(super) fn list(world: &World, call: &Call) -> Result<Reply, Fault> {
    distribution::find(world, call)?;
    let ours = world.cloudfront.invalidations.values().filter(|i| i.distribution == subject(call));
    let items = ours.map(|i| {
        let status = if i.done_at <= world.now { "Completed" } else { "InProgress" };
        (i.id.clone(), json!({ "Id": i.id, "CreateTime": iso(i.created), "Status": status }))
    });
    Ok(Reply::xml("InvalidationList", page(call, "InvalidationSummary", items.collect())))
}
