//! VPC endpoints (catalogue, 3.11). Gateway endpoints only; interface endpoints are not modelled.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::Call;
use crate::clock::Millis;
use crate::fault::Fault;
use crate::latency;
use crate::services::quotas;
use crate::tags::{self, Tags};
use crate::wire::Reply;
use crate::world::World;

use super::listing::Listing;
use super::{lookup, prefix_list, tagging, timestamp, tokens};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Endpoint {
    pub(crate) id: String,
    pub(crate) vpc: String,
    pub(crate) service: String,
    pub(crate) policy: String,
    pub(crate) route_tables: Vec<String>,
    pub(crate) created_at: Millis,
    pub(crate) ready_at: Millis,
    /// When it is gone, once it is being deleted.
    pub(crate) gone_at: Option<Millis>,
    pub(crate) tags: Tags,
}

const FULL_ACCESS: &str =
    r#"{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#;

pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    if let Some(id) = tokens::made_before(world, call)?
        && let Some(endpoint) = world.ec2.endpoints.get(&id)
    {
        return Ok(reply(world, call, endpoint));
    }
    if call.opt("VpcEndpointType").is_some_and(|kind| kind != "Gateway") {
        return Err(Fault::unknown_operation(call.service, "CreateVpcEndpoint with a type other than Gateway"));
    }
    let vpc = call.need("VpcId", "MissingParameter")?;
    let service = call.need("ServiceName", "MissingParameter")?;
    world.ec2.vpc(&vpc)?;
    if !prefix_list::is_gateway_service(&world.region, &service) {
        let message = format!("The Vpc Endpoint Service '{service}' does not exist");
        return Err(Fault::new("InvalidServiceName", message));
    }
    let tags = tagging::given(call, "vpc-endpoint")?;
    let policy = policy(call)?.unwrap_or_else(|| FULL_ACCESS.to_owned());
    let route_tables = call.strings("RouteTableId");
    check_tables(world, &vpc, &service, &route_tables)?;
    quotas::GATEWAY_ENDPOINTS.one_more(world, world.ec2.endpoints.len())?;
    let id = world.id("vpce-");
    let (created_at, ready_at) = (world.now, world.now + latency::GATEWAY_ENDPOINT_READY.of(world, &id));
    let endpoint = Endpoint { id: id.clone(), vpc, service, policy, route_tables, created_at, ready_at, gone_at: None, tags };
    world.ec2.endpoints.insert(id.clone(), endpoint);
    tokens::remember(world, call, &id);
    Ok(reply(world, call, world.ec2.endpoint(&id)?))
}

fn reply(world: &World, call: &Call, endpoint: &Endpoint) -> Reply {
    json!({ "vpcEndpoint": render(world, endpoint), "clientToken": call.opt("ClientToken") }).into()
}

fn policy(call: &Call) -> Result<Option<String>, Fault> {
    let Some(policy) = call.opt("PolicyDocument") else {
        return Ok(None);
    };
    let valid =
        serde_json::from_str::<Value>(&policy).is_ok_and(|value| value["Statement"].is_array() || value["Statement"].is_object());
    if valid {
        Ok(Some(policy))
    } else {
        Err(Fault::new("InvalidPolicyDocument", "Policy document is not valid JSON with a Statement"))
    }
}

/// These operations spell it with a small `d`.
fn no_table(id: &str) -> Fault {
    Fault::new("InvalidRouteTableId.NotFound", format!("The routeTable ID '{id}' does not exist"))
}

/// One endpoint a service and table.
fn check_tables(world: &World, vpc: &str, service: &str, tables: &[String]) -> Result<(), Fault> {
    for id in tables {
        let table = world.ec2.route_tables.get(id).ok_or_else(|| no_table(id))?;
        if table.vpc != vpc {
            return Err(Fault::new("InvalidParameter", format!("Route table {id} does not belong to network {vpc}")));
        }
        let held = |it: &&Endpoint| it.gone_at.is_none() && it.service == service && it.route_tables.contains(id);
        if world.ec2.endpoints.values().any(|it| held(&it)) {
            let message = format!("route table {id} already has a route with destination-prefix-list-id for {service}");
            return Err(Fault::new("RouteAlreadyExists", message));
        }
    }
    Ok(())
}

pub(super) fn advance(world: &mut World) {
    let now = world.now;
    world.ec2.endpoints.retain(|_, endpoint| endpoint.gone_at.is_none_or(|at| at > now));
}

const LISTING: Listing = Listing {
    set: "vpcEndpointSet",
    ids: ("VpcEndpointId", "vpcEndpointId"),
    not_found: lookup::no_endpoint,
    filters: &[
        ("vpc-endpoint-id", "vpcEndpointId"),
        ("vpc-id", "vpcId"),
        ("service-name", "serviceName"),
        ("vpc-endpoint-state", "state"),
        ("vpc-endpoint-type", "vpcEndpointType"),
    ],
};

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    LISTING.answer(call, world.ec2.endpoints.values().map(|endpoint| render(world, endpoint)).collect())
}

/// States in lower case, as EC2 writes them whatever its model says.
fn render(world: &World, endpoint: &Endpoint) -> Value {
    let state = match endpoint.gone_at {
        Some(_) => "deleting",
        None if endpoint.ready_at > world.now => "pending",
        None => "available",
    };
    json!({
        "vpcEndpointId": endpoint.id,
        "vpcEndpointType": "Gateway",
        "vpcId": endpoint.vpc,
        "serviceName": endpoint.service,
        "state": state,
        "policyDocument": endpoint.policy,
        "routeTableIdSet": endpoint.route_tables,
        "subnetIdSet": [],
        "groupSet": [],
        "networkInterfaceIdSet": [],
        "dnsEntrySet": [],
        "privateDnsEnabled": false,
        "requesterManaged": false,
        "ipAddressType": "ipv4",
        "creationTimestamp": timestamp(endpoint.created_at),
        "ownerId": world.account,
        "tagSet": tags::lower(&endpoint.tags),
    })
}

pub(super) fn modify(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = call.need("VpcEndpointId", "MissingParameter")?;
    let endpoint = world.ec2.endpoint(&id)?.clone();
    if endpoint.gone_at.is_some() {
        return Err(Fault::new("InvalidVpcEndpoint.InvalidState", format!("The Vpc Endpoint '{id}' is being deleted")));
    }
    let (removed, policy) = (call.strings("RemoveRouteTableId"), policy(call)?);
    if let Some(stranger) = removed.iter().find(|table| !world.ec2.route_tables.contains_key(*table)) {
        return Err(no_table(stranger));
    }
    let mut added = call.strings("AddRouteTableId");
    added.retain(|table| !endpoint.route_tables.contains(table));
    check_tables(world, &endpoint.vpc, &endpoint.service, &added)?;
    let endpoint = world.ec2.endpoint_mut(&id)?;
    endpoint.route_tables.retain(|table| !removed.contains(table));
    endpoint.route_tables.extend(added);
    if call.flag("ResetPolicy") == Some(true) {
        endpoint.policy = FULL_ACCESS.to_owned();
    }
    if let Some(policy) = policy {
        endpoint.policy = policy;
    }
    Ok(json!({ "return": true }).into())
}

/// Answers 200 and lists what it could not delete.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let ids = call.strings("VpcEndpointId");
    if ids.is_empty() {
        return Err(Fault::new("MissingParameter", "The request must contain the parameter vpcEndpointIds"));
    }
    let mut unsuccessful = Vec::new();
    for id in ids {
        let gone_at = world.now + latency::GATEWAY_ENDPOINT_GONE.of(world, &id);
        match world.ec2.endpoints.get_mut(&id) {
            Some(endpoint) => endpoint.gone_at = endpoint.gone_at.or(Some(gone_at)),
            None => {
                let message = format!("The Vpc Endpoint Id '{id}' does not exist");
                unsuccessful
                    .push(json!({ "resourceId": id, "error": { "code": "InvalidVpcEndpoint.NotFound", "message": message } }));
            }
        }
    }
    Ok(json!({ "unsuccessful": unsuccessful }).into())
}
