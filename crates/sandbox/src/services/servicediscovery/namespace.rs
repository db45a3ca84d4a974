//! HTTP namespaces.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::operation;
use crate::call::{Call, strings, text};
use crate::clock::{Millis, epoch};
use crate::fault::Fault;
use crate::latency;
use crate::services::quotas;
use crate::tags::{self, Tags};
use crate::wire::Reply;
use crate::world::World;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Namespace {
    pub(crate) id: String,
    pub(crate) arn: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) creator_request: String,
    pub(crate) created: Millis,
    pub(crate) ready_at: Millis,
    pub(crate) gone_at: Option<Millis>,
    pub(crate) tags: Tags,
}

pub(super) fn insert(world: &mut World, name: &str, request: Option<(String, Option<String>)>, tags: &Tags) -> String {
    let id = format!("ns-{}", &world.hex()[..16]);
    let ready_at = world.now + latency::NAMESPACE_READY.of(world, &id);
    let (creator_request, description) = request.unwrap_or_else(|| (world.hex(), None));
    let namespace = Namespace {
        arn: world.arn("servicediscovery", &format!("namespace/{id}")),
        id: id.clone(),
        name: name.into(),
        description,
        creator_request,
        created: world.now,
        ready_at,
        gone_at: None,
        tags: tags.clone(),
    };
    world.servicediscovery.namespaces.insert(id.clone(), namespace);
    id
}

/// Finds by id; while it is being made it exists for nobody.
fn find(world: &World, call: &Call) -> Result<Namespace, Fault> {
    let id = call.need("Id", "InvalidInput")?;
    let id = id.rsplit('/').next().unwrap_or_default();
    let found = world.servicediscovery.namespaces.get(id).filter(|namespace| namespace.ready_at <= world.now);
    found.cloned().ok_or_else(|| Fault::new("NamespaceNotFound", format!("Can't find the namespace with id {id}")))
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let name = call.need("Name", "InvalidInput")?;
    if name.is_empty() || name.len() > 1024 || !name.bytes().all(|b| (b'!'..=b'~').contains(&b)) {
        return Err(Fault::new("InvalidInput", "Namespace name must be 1 to 1024 printable characters without spaces"));
    }
    let request = call.opt("CreatorRequestId").unwrap_or_else(|| world.hex());
    if let Some(existing) = world.servicediscovery.namespaces.values().find(|namespace| namespace.name == name) {
        // The same request again is the same operation (catalogue, section 1.4).
        if existing.creator_request == request && existing.gone_at.is_none() {
            let made = operation::that_made(world, &existing.id);
            return Ok(json!({ "OperationId": made }).into());
        }
        if existing.ready_at > world.now || existing.gone_at.is_some() {
            let kind = if existing.gone_at.is_some() { "DeleteNamespace" } else { "CreateHttpNamespace" };
            return Err(Fault::new(
                "DuplicateRequest",
                format!("Another operation of type {kind} and id {} is in progress", existing.id),
            ));
        }
        return Err(Fault::new(
            "NamespaceAlreadyExists",
            format!("Namespace with name {name} and type HTTP already exists: {}", existing.id),
        ));
    }
    quotas::NAMESPACES.one_more(world, world.servicediscovery.namespaces.len())?;
    let id = insert(world, &name, Some((request, call.opt("Description"))), &tags::read(&call.input["Tags"]));
    let operation = operation::start(world, "CREATE_NAMESPACE", &id, latency::NAMESPACE_READY.of(world, &id));
    Ok(json!({ "OperationId": operation }).into())
}

pub(super) fn get(world: &World, call: &Call) -> Result<Reply, Fault> {
    let namespace = find(world, call)?;
    Ok(json!({ "Namespace": shown(world, &namespace) }).into())
}

pub(super) fn list(world: &World, call: &Call) -> Result<Reply, Fault> {
    let mut found: Vec<&Namespace> = world.servicediscovery.namespaces.values().filter(|n| n.ready_at <= world.now).collect();
    for filter in call.list("Filters") {
        let values = strings(&filter["Values"]);
        match filter["Name"].as_str() {
            Some("NAME" | "HTTP_NAME") if filter["Condition"] == "BEGINS_WITH" => {
                found.retain(|n| values.iter().any(|value| n.name.starts_with(value)));
            }
            Some("NAME" | "HTTP_NAME") => found.retain(|n| values.contains(&n.name)),
            Some("TYPE") => found.retain(|_| values.iter().any(|value| value == "HTTP")),
            _ => return Err(Fault::new("InvalidInput", "The filter is not supported")),
        }
    }
    page(call, "Namespaces", found.into_iter().map(|namespace| shown(world, namespace)).collect())
}

/// Only the description can change.
pub(super) fn update(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = find(world, call)?.id;
    let description = text(&call.input["Namespace"]["Description"]);
    let description = description.ok_or_else(|| Fault::new("InvalidInput", "Namespace.Description is required"))?;
    if let Some(namespace) = world.servicediscovery.namespaces.get_mut(&id) {
        namespace.description = Some(description);
    }
    Ok(json!({ "OperationId": operation::start(world, "UPDATE_NAMESPACE", &id, latency::SECOND) }).into())
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let namespace = find(world, call)?;
    if namespace.gone_at.is_some() {
        return Err(Fault::new("DuplicateRequest", "Another operation of type DeleteNamespace is in progress"));
    }
    if world.servicediscovery.services.values().any(|service| service.namespace == namespace.id) {
        return Err(Fault::new("ResourceInUse", "Namespace has associated services"));
    }
    let takes = latency::NAMESPACE_GONE.of(world, &namespace.id);
    let gone_at = world.now + takes;
    if let Some(namespace) = world.servicediscovery.namespaces.get_mut(&namespace.id) {
        namespace.gone_at = Some(gone_at);
    }
    Ok(json!({ "OperationId": operation::start(world, "DELETE_NAMESPACE", &namespace.id, takes) }).into())
}

/// What ECS keeps in the namespaces.
pub(super) fn services(world: &World, call: &Call) -> Result<Reply, Fault> {
    let mut found: Vec<_> = world.servicediscovery.services.iter().collect();
    for filter in call.list("Filters") {
        let values = strings(&filter["Values"]);
        match filter["Name"].as_str() {
            Some("NAMESPACE_ID") => found.retain(|(_, service)| values.contains(&service.namespace)),
            _ => return Err(Fault::new("InvalidInput", "The filter is not supported")),
        }
    }
    let shown = found.into_iter().map(|(id, service)| {
        json!({ "Id": id, "Arn": service.arn, "Name": service.name, "Type": "HTTP", "InstanceCount": 0, "CreateDate": epoch(service.created) })
    });
    page(call, "Services", shown.collect())
}

fn by_arn<'w>(world: &'w mut World, call: &Call) -> Result<&'w mut Tags, Fault> {
    let arn = call.need("ResourceARN", "InvalidInput")?;
    let found = world.servicediscovery.namespaces.values_mut().find(|namespace| namespace.arn == arn);
    found
        .map(|namespace| &mut namespace.tags)
        .ok_or_else(|| Fault::new("ResourceNotFoundException", format!("Resource not found: {arn}")))
}

pub(super) fn list_tags(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    Ok(json!({ "Tags": tags::upper(by_arn(world, call)?) }).into())
}

pub(super) fn tag(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    by_arn(world, call)?.extend(tags::read(&call.input["Tags"]));
    Ok(json!({}).into())
}

pub(super) fn untag(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let tags = by_arn(world, call)?;
    call.strings("TagKeys").iter().for_each(|key| drop(tags.remove(key)));
    Ok(json!({}).into())
}

fn page(call: &Call, key: &str, items: Vec<Value>) -> Result<Reply, Fault> {
    let start = call.number("NextToken").and_then(|at| usize::try_from(at).ok()).unwrap_or(0).min(items.len());
    let size = call.number("MaxResults").and_then(|size| usize::try_from(size).ok()).unwrap_or(100).max(1);
    let end = (start + size).min(items.len());
    let mut reply = json!({ key: items[start..end] });
    if end < items.len() {
        reply["NextToken"] = json!(end.to_string());
    }
    Ok(reply.into())
}

fn shown(world: &World, namespace: &Namespace) -> Value {
    let services = world.servicediscovery.services.values().filter(|service| service.namespace == namespace.id).count();
    let mut out = json!({
        "Id": namespace.id,
        "Arn": namespace.arn,
        "Name": namespace.name,
        "Type": "HTTP",
        "ServiceCount": services,
        "Properties": { "DnsProperties": {}, "HttpProperties": { "HttpName": namespace.name } },
        "CreateDate": epoch(namespace.created),
        "CreatorRequestId": namespace.creator_request,
    });
    if let Some(description) = &namespace.description {
        out["Description"] = json!(description);
    }
    out
}
