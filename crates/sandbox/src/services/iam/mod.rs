//! IAM: roles with their policies, OpenID Connect providers (catalogue, section 4). Users, groups, customer-managed policies and instance profiles are left out.

mod document;
mod policies;
mod provider;
mod role;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::Call;
use crate::fault::Fault;
use crate::tags::{self, Tags};
use crate::wire::Reply;
use crate::world::World;

pub(crate) use document::{aws_principal_exists, statements};
pub(crate) use provider::Provider;
pub(crate) use role::Role;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Iam {
    /// By name in lower case: names are unique without regard to case.
    pub(crate) roles: BTreeMap<String, Role>,
    /// By ARN.
    pub(crate) providers: BTreeMap<String, Provider>,
}

impl Iam {
    pub(crate) fn role_by_arn(&self, arn: &str) -> Option<&Role> {
        self.roles.values().find(|role| role.arn == arn)
    }
}

pub(crate) fn handle(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    match call.operation.as_str() {
        "CreateRole" => role::create(world, call),
        "GetRole" => role::get(world, call),
        "UpdateRole" => role::update(world, call),
        "UpdateAssumeRolePolicy" => role::update_trust(world, call),
        "DeleteRole" => role::delete(world, call),
        "TagRole" => role::tag(world, call),
        "UntagRole" => role::untag(world, call),
        "ListRoles" => role::list(world, call),
        "ListRoleTags" => role::list_tags(world, call),
        "ListInstanceProfilesForRole" => role::instance_profiles(world, call),
        "GetAccountAuthorizationDetails" => role::authorization_details(world, call),
        "PutRolePolicy" => policies::put(world, call),
        "GetRolePolicy" => policies::get(world, call),
        "DeleteRolePolicy" => policies::delete(world, call),
        "ListRolePolicies" => policies::list(world, call),
        "AttachRolePolicy" => policies::attach(world, call),
        "DetachRolePolicy" => policies::detach(world, call),
        "ListAttachedRolePolicies" => policies::list_attached(world, call),
        "CreateOpenIDConnectProvider" => provider::create(world, call),
        "GetOpenIDConnectProvider" => provider::get(world, call),
        "DeleteOpenIDConnectProvider" => provider::delete(world, call),
        "TagOpenIDConnectProvider" => provider::tag(world, call),
        "UntagOpenIDConnectProvider" => provider::untag(world, call),
        "ListOpenIDConnectProviderTags" => provider::list_tags(world, call),
        "ListOpenIDConnectProviders" => provider::list(world),
        "AddClientIDToOpenIDConnectProvider" => provider::add_client(world, call),
        "RemoveClientIDFromOpenIDConnectProvider" => provider::remove_client(world, call),
        "UpdateOpenIDConnectProviderThumbprint" => provider::thumbprints(world, call),
        other => Err(Fault::unknown_operation(call.service, other)),
    }
}

pub(crate) fn objects(world: &World) -> Vec<String> {
    let roles = world.iam.roles.values().map(|role| format!("iam:role {}", role.name));
    roles.chain(world.iam.providers.keys().map(|arn| format!("iam:oidc-provider {arn}"))).collect()
}

/// The Tagging API never returns roles (catalogue, section 13).
pub(crate) fn tagged(world: &World) -> Vec<(String, Tags)> {
    world.iam.providers.iter().map(|(arn, provider)| (arn.clone(), provider.tags.clone())).collect()
}

fn missing(call: &Call, key: &str) -> Result<String, Fault> {
    call.opt(key).filter(|text| !text.is_empty()).ok_or_else(|| {
        let member = format!("{}{}", key[..1].to_lowercase(), &key[1..]);
        Fault::new(
            "ValidationError",
            format!(
                "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
            ),
        )
    })
}

/// Tags of a request, checked as IAM does: at most 50, no reserved prefix, no key twice (keys of roles fold case).
fn read_tags(list: &Value) -> Result<Tags, Fault> {
    let tags = tags::read(list);
    let given = list.as_array().map_or(0, Vec::len);
    if tags.len() != given {
        return Err(Fault::new("InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive."));
    }
    if given > 50 {
        return Err(Fault::new("LimitExceeded", "The number of tags has reached the maximum limit.").status(409));
    }
    if tags.keys().any(|key| key.to_lowercase().starts_with("aws:")) {
        return Err(Fault::new("InvalidInput", "Caller is not an internal service; tag keys must not start with aws:"));
    }
    Ok(tags)
}

/// A page by `Marker` and `MaxItems`: (`key`, `IsTruncated`, `Marker`) of the answer.
fn page(call: &Call, key: &str, items: Vec<Value>) -> Value {
    let start = call.number("Marker").and_then(|at| usize::try_from(at).ok()).unwrap_or(0).min(items.len());
    let size = call.number("MaxItems").and_then(|size| usize::try_from(size).ok()).unwrap_or(100).max(1);
    let end = (start + size).min(items.len());
    let more = end < items.len();
    json!({ key: items[start..end], "IsTruncated": more, "Marker": more.then(|| end.to_string()) })
}
