//! Prefix lists that AWS keeps (catalogue, 3.12), and the routes that gateway endpoints make of them.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::call::Call;
use crate::fault::Fault;
use crate::wire::Reply;
use crate::world::World;

use super::listing::Listing;
use super::lookup;

const CLOUDFRONT: &str = "com.amazonaws.global.cloudfront.origin-facing";
/// What gateway endpoints exist for.
const GATEWAY_SERVICES: [&str; 2] = ["s3", "dynamodb"];

/// A different one in every region.
fn id(region: &str, name: &str) -> String {
    let digest = Sha256::digest(format!("{region} {name}").as_bytes());
    let hex: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("pl-{hex}")
}

/// Id and name.
fn gateway_lists(region: &str) -> Vec<(String, String)> {
    let names = GATEWAY_SERVICES.iter().map(|service| format!("com.amazonaws.{region}.{service}"));
    names.map(|name| (id(region, &name), name)).collect()
}

/// Service names that a gateway endpoint can have.
pub(super) fn is_gateway_service(region: &str, name: &str) -> bool {
    gateway_lists(region).iter().any(|(_, known)| known == name)
}

/// # Errors
/// `InvalidPrefixListID.NotFound`.
pub(super) fn known(world: &World, list: &str) -> Result<String, Fault> {
    let found = list == id(&world.region, CLOUDFRONT) || gateway_lists(&world.region).iter().any(|(id, _)| id == list);
    if found { Ok(list.to_owned()) } else { Err(lookup::no_prefix_list(list)) }
}

/// As how many rules a rule counts that names it; CloudFront's is the heavy one.
pub(super) fn weight(world: &World, list: &str) -> u64 {
    if list == id(&world.region, CLOUDFRONT) { 55 } else { 1 }
}

/// Prefix list and endpoint of every gateway endpoint in a route table.
pub(super) fn of_endpoints(world: &World, table: &str) -> Vec<(String, String)> {
    let endpoints =
        world.ec2.endpoints.values().filter(|it| it.gone_at.is_none() && it.route_tables.iter().any(|id| id == table));
    endpoints.map(|endpoint| (id(&world.region, &endpoint.service), endpoint.id.clone())).collect()
}

const FILTERS: &[(&str, &str)] =
    &[("prefix-list-id", "prefixListId"), ("prefix-list-name", "prefixListName"), ("owner-id", "ownerId")];
const MANAGED: Listing =
    Listing { set: "prefixListSet", ids: ("PrefixListId", "prefixListId"), not_found: lookup::no_prefix_list, filters: FILTERS };
const PLAIN: Listing = Listing { filters: &[FILTERS[0], FILTERS[1]], ..MANAGED };

pub(super) fn describe_managed(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let region = &world.region;
    let mut lists = gateway_lists(region);
    lists.push((id(region, CLOUDFRONT), CLOUDFRONT.to_owned()));
    let items: Vec<Value> = lists
        .into_iter()
        .map(|(id, name)| {
            json!({
                "prefixListId": id, "prefixListName": name, "addressFamily": "IPv4", "state": "create-complete",
                "prefixListArn": format!("arn:aws:ec2:{region}:aws:prefix-list/{id}"), "ownerId": "AWS", "tagSet": [],
            })
        })
        .collect();
    MANAGED.answer(call, items)
}

/// Those of gateway endpoints, with their ranges.
pub(super) fn describe(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let items: Vec<Value> = gateway_lists(&world.region)
        .into_iter()
        .map(|(id, name)| json!({ "prefixListId": id, "prefixListName": name, "cidrSet": ["52.92.128.0/17", "3.5.76.0/22"] }))
        .collect();
    PLAIN.answer(call, items)
}
