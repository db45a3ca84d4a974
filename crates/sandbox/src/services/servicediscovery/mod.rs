//! Cloud Map: HTTP namespaces for Service Connect, and the services that ECS keeps in them (catalogue, section 14).

mod namespace;
mod operation;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::clock::Millis;
use crate::fault::Fault;
use crate::tags::Tags;
use crate::wire::Reply;
use crate::world::World;

pub(crate) use namespace::Namespace;
pub(crate) use operation::Operation;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct ServiceDiscovery {
    /// By id.
    pub(crate) namespaces: BTreeMap<String, Namespace>,
    pub(crate) operations: BTreeMap<String, Operation>,
    /// What ECS keeps for Service Connect, by id.
    pub(crate) services: BTreeMap<String, DiscoveryService>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DiscoveryService {
    pub(crate) arn: String,
    pub(crate) name: String,
    pub(crate) namespace: String,
    /// ARN of the ECS service that it belongs to.
    pub(crate) owner: String,
    pub(crate) created: Millis,
    /// ECS removes it some time after its own service is gone.
    pub(crate) gone_at: Option<Millis>,
}

/// The ready namespace of that name or ARN.
pub(crate) fn namespace<'w>(world: &'w World, name_or_arn: &str) -> Option<&'w Namespace> {
    let ready = |namespace: &&Namespace| namespace.ready_at <= world.now && namespace.gone_at.is_none();
    world.servicediscovery.namespaces.values().filter(ready).find(|n| n.name == name_or_arn || n.arn == name_or_arn)
}

/// ECS makes a namespace when a cluster's default names none that exists (section 9.1).
pub(crate) fn namespace_for_cluster(world: &mut World, name: &str) -> String {
    namespace::insert(world, name, None, &Tags::from([("AmazonECSManaged".into(), "true".into())]))
}

/// The owner of a discovery name, ECS's leftovers included.
pub(crate) fn owner_of<'w>(world: &'w World, namespace: &str, name: &str) -> Option<&'w str> {
    let services = world.servicediscovery.services.values();
    services.filter(|s| s.namespace == namespace && s.name == name).map(|s| s.owner.as_str()).next()
}

pub(crate) fn register(world: &mut World, namespace: &str, name: &str, owner: &str) -> String {
    let known = world.servicediscovery.services.values_mut().find(|s| s.namespace == namespace && s.name == name);
    if let Some(service) = known {
        service.gone_at = None;
        return service.arn.clone();
    }
    let id = format!("srv-{}", &world.hex()[..16]);
    let service = DiscoveryService {
        arn: world.arn("servicediscovery", &format!("service/{id}")),
        name: name.into(),
        namespace: namespace.into(),
        owner: owner.into(),
        created: world.now,
        gone_at: None,
    };
    let arn = service.arn.clone();
    world.servicediscovery.services.insert(id, service);
    arn
}

/// The ECS service is gone; its names follow `after` milliseconds later.
pub(crate) fn unregister(world: &mut World, owner: &str, keep: &[String], after: Millis) {
    let at = world.now + after;
    let services = world.servicediscovery.services.values_mut().filter(|s| s.owner == owner && !keep.contains(&s.name));
    services.for_each(|service| service.gone_at = Some(at));
}

pub(crate) fn handle(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    match call.operation.as_str() {
        "CreateHttpNamespace" => namespace::create(world, call),
        "GetNamespace" => namespace::get(world, call),
        "ListNamespaces" => namespace::list(world, call),
        "UpdateHttpNamespace" => namespace::update(world, call),
        "DeleteNamespace" => namespace::delete(world, call),
        "ListServices" => namespace::services(world, call),
        "ListTagsForResource" => namespace::list_tags(world, call),
        "TagResource" => namespace::tag(world, call),
        "UntagResource" => namespace::untag(world, call),
        "GetOperation" => operation::get(world, call),
        other => Err(Fault::unknown_operation(call.service, other)),
    }
}

pub(crate) fn advance(world: &mut World) {
    let now = world.now;
    let discovery = &mut world.servicediscovery;
    discovery.namespaces.retain(|_, namespace| namespace.gone_at.is_none_or(|at| at > now));
    discovery.services.retain(|_, service| service.gone_at.is_none_or(|at| at > now));
}

pub(crate) fn objects(world: &World) -> Vec<String> {
    let alive = world.servicediscovery.namespaces.values().filter(|namespace| namespace.gone_at.is_none());
    alive.map(|namespace| format!("servicediscovery:namespace {}", namespace.name)).collect()
}

pub(crate) fn tagged(world: &World) -> Vec<(String, Tags)> {
    world.servicediscovery.namespaces.values().map(|namespace| (namespace.arn.clone(), namespace.tags.clone())).collect()
}
