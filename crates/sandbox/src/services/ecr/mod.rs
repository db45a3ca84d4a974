//! ECR (catalogue, section 5): repositories, lifecycle policies, images by manifest. Layers live in the registry
//! that is offered beside it (`crate::registry`), for as long as that is open.

pub(crate) mod images;
mod lifecycle;
mod repositories;

use std::collections::BTreeMap;

use base64::Engine as _;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::answer::epoch;
use crate::call::Call;
use crate::clock::Millis;
use crate::fault::Fault;
use crate::latency::SECOND;
use crate::tags::Tags;
use crate::wire::Reply;
use crate::world::World;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Ecr {
    /// By name.
    pub(crate) repositories: BTreeMap<String, Repository>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Repository {
    pub(crate) name: String,
    pub(crate) created: Millis,
    pub(crate) mutability: String,
    pub(crate) scan_on_push: bool,
    pub(crate) encryption: String,
    pub(crate) kms_key: Option<String>,
    pub(crate) tags: Tags,
    /// Compact JSON.
    pub(crate) lifecycle: Option<String>,
    /// By digest.
    pub(crate) images: BTreeMap<String, Image>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Image {
    pub(crate) manifest: String,
    pub(crate) media_type: String,
    pub(crate) tags: Vec<String>,
    pub(crate) pushed: Millis,
    pub(crate) size: i64,
}

pub(crate) fn handle(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    if call.opt("registryId").is_some_and(|id| id != world.account) {
        return Err(invalid("the sandbox has one account, and the registryId is another's"));
    }
    match call.operation.as_str() {
        "CreateRepository" => repositories::create(world, call),
        "DescribeRepositories" => repositories::describe(world, call),
        "DeleteRepository" => repositories::delete(world, call),
        "PutImageTagMutability" => repositories::put_mutability(world, call),
        "PutImageScanningConfiguration" => repositories::put_scanning(world, call),
        "TagResource" => repositories::tag(world, call),
        "UntagResource" => repositories::untag(world, call),
        "ListTagsForResource" => repositories::list_tags(world, call),
        "PutLifecyclePolicy" => lifecycle::put(world, call),
        "GetLifecyclePolicy" => lifecycle::get(world, call),
        "DeleteLifecyclePolicy" => lifecycle::delete(world, call),
        "PutImage" => images::put(world, call),
        "BatchGetImage" => images::batch_get(world, call),
        "DescribeImages" => images::describe(world, call),
        "ListImages" => images::list(world, call),
        "BatchDeleteImage" => images::batch_delete(world, call),
        "GetAuthorizationToken" => Ok(authorization_token(world)),
        other => Err(Fault::unknown_operation(call.service, other)),
    }
}

pub(crate) fn objects(world: &World) -> Vec<String> {
    world.ecr.repositories.keys().map(|name| format!("ecr:repository {name}")).collect()
}

pub(crate) fn tagged(world: &World) -> Vec<(String, Tags)> {
    let repositories = world.ecr.repositories.values();
    repositories.filter(|r| !r.tags.is_empty()).map(|r| (arn(world, &r.name), r.tags.clone())).collect()
}

fn arn(world: &World, name: &str) -> String {
    world.arn("ecr", &format!("repository/{name}"))
}

fn registry(world: &World) -> String {
    format!("{}.dkr.ecr.{}.amazonaws.com", world.account, world.region)
}

/// What `docker login` is given: one user, one password.
pub(crate) const LOGIN: &str = "AWS:sandbox-password";

/// Real registries are named like the repositories' addresses. The sandbox's is wherever somebody has opened it; what is deployed keeps the names that AWS would give, so
/// that a world means the same from one process to the next.
fn authorization_token(world: &World) -> Reply {
    let token = base64::engine::general_purpose::STANDARD.encode(LOGIN);
    let expires = epoch(world.now + 12 * 3600 * SECOND);
    let endpoint = world.registry.clone().unwrap_or_else(|| format!("https://{}", registry(world)));
    json!({ "authorizationData": [{ "authorizationToken": token, "expiresAt": expires, "proxyEndpoint": endpoint }] }).into()
}

fn invalid(message: impl Into<String>) -> Fault {
    Fault::new("InvalidParameterException", message)
}

fn no_repository(world: &World, name: &str) -> Fault {
    let message = format!("The repository with name '{name}' does not exist in the registry with id '{}'", world.account);
    Fault::new("RepositoryNotFoundException", message)
}

fn repository<'a>(world: &'a mut World, call: &Call) -> Result<&'a mut Repository, Fault> {
    let name = call.need("repositoryName", "InvalidParameterException")?;
    if !world.ecr.repositories.contains_key(&name) {
        return Err(no_repository(world, &name));
    }
    world.ecr.repositories.get_mut(&name).ok_or_else(|| invalid(""))
}

fn limit(call: &Call) -> Result<usize, Fault> {
    let limit = call.number("maxResults").unwrap_or(100);
    if !(1..=1000).contains(&limit) {
        return Err(invalid("maxResults must be between 1 and 1000"));
    }
    Ok(limit.unsigned_abs() as usize)
}

fn bad_token() -> Fault {
    invalid("The specified nextToken is not valid")
}
