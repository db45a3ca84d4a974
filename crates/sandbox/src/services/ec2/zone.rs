//! Availability zones: four in the region.

use serde_json::{Value, json};

use crate::call::Call;
use crate::fault::Fault;
use crate::wire::Reply;
use crate::world::World;

use super::listing::Listing;
use super::lookup::invalid;

/// Letter of the name → number of the id. Not in order, as in real accounts, so that nobody takes one for the other.
const ZONES: [(char, u8); 4] = [('a', 2), ('b', 1), ('c', 3), ('d', 4)];

/// Names and ids.
pub(super) fn all(region: &str) -> Vec<(String, String)> {
    ZONES.iter().map(|(letter, number)| (format!("{region}{letter}"), format!("{}-az{number}", short(region)))).collect()
}

/// `us-west-2` → `usw2`, `ap-southeast-1` → `apse1`.
fn short(region: &str) -> String {
    region
        .split('-')
        .enumerate()
        .map(|(index, part)| match (index, part) {
            (0, part) => part.to_owned(),
            (_, "northeast") => "ne".into(),
            (_, "southeast") => "se".into(),
            (_, part) => part.chars().take(1).collect(),
        })
        .collect()
}

const LISTING: Listing = Listing {
    set: "availabilityZoneInfo",
    ids: ("ZoneName", "zoneName"),
    not_found: |name| invalid(format!("Invalid availability zone: [{name}]")),
    filters: &[
        ("zone-name", "zoneName"),
        ("zone-id", "zoneId"),
        ("zone-type", "zoneType"),
        ("state", "zoneState"),
        ("region-name", "regionName"),
        ("opt-in-status", "optInStatus"),
        ("group-name", "groupName"),
    ],
};

const BY_ID: Listing = Listing { ids: ("ZoneId", "zoneId"), filters: LISTING.filters, ..LISTING };

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let region = &world.region;
    let items: Vec<Value> = all(region)
        .into_iter()
        .map(|(name, id)| {
            json!({
                "zoneName": name, "zoneId": id, "zoneState": "available", "zoneType": "availability-zone", "optInStatus": "opt-in-not-required",
                "regionName": region, "groupName": format!("{region}-zg-1"), "networkBorderGroup": region, "messageSet": [],
            })
        })
        .collect();
    let items = LISTING.select(call, items)?;
    BY_ID.answer(call, items)
}
