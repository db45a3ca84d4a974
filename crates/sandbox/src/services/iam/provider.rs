//! OpenID Connect providers (catalogue, section 4.4).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{missing, page, read_tags};
use crate::call::Call;
use crate::clock::{Millis, iso};
use crate::fault::Fault;
use crate::services::quotas;
use crate::tags::{self, Tags};
use crate::wire::Reply;
use crate::world::World;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Provider {
    /// Without the scheme, as AWS gives it back.
    pub(crate) url: String,
    pub(crate) clients: Vec<String>,
    pub(crate) thumbprints: Vec<String>,
    pub(crate) created: Millis,
    pub(crate) tags: Tags,
}

/// What IAM finds by itself when no thumbprint is given.
const THUMBPRINT: &str = "2b18947a6a9fc7764fd8b5fb18a863b0c6dac24f";

fn find<'w>(world: &'w mut World, call: &Call) -> Result<&'w mut Provider, Fault> {
    let arn = missing(call, "OpenIDConnectProviderArn")?;
    world
        .iam
        .providers
        .get_mut(&arn)
        .ok_or_else(|| Fault::new("NoSuchEntity", format!("OpenIDConnect Provider not found for arn {arn}")).status(404))
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let url = missing(call, "Url")?;
    let Some(host) = url.strip_prefix("https://").map(|host| host.trim_end_matches('/')).filter(|host| !host.is_empty()) else {
        return Err(Fault::new("ValidationError", "Invalid Open ID Connect Provider URL"));
    };
    let thumbprints = checked_thumbprints(call.strings("ThumbprintList"))?;
    let tags = read_tags(&call.input["Tags"])?;
    let arn = format!("arn:aws:iam::{}:oidc-provider/{host}", world.account);
    if world.iam.providers.contains_key(&arn) {
        return Err(Fault::new("EntityAlreadyExists", format!("Provider with url {url} already exists.")).status(409));
    }
    quotas::OIDC_PROVIDERS.one_more(world, world.iam.providers.len())?;
    let provider = Provider {
        url: host.to_owned(),
        clients: call.strings("ClientIDList"),
        thumbprints: if thumbprints.is_empty() { vec![THUMBPRINT.into()] } else { thumbprints },
        created: world.now,
        tags,
    };
    let reply = json!({ "OpenIDConnectProviderArn": arn, "Tags": tags::upper(&provider.tags) });
    world.iam.providers.insert(arn, provider);
    Ok(reply.into())
}

pub(super) fn get(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let provider = find(world, call)?;
    Ok(json!({
        "Url": provider.url,
        "ClientIDList": provider.clients,
        "ThumbprintList": provider.thumbprints,
        "CreateDate": iso(provider.created),
        "Tags": tags::upper(&provider.tags),
    })
    .into())
}

/// Documented as succeeding when there is none.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    world.iam.providers.remove(&missing(call, "OpenIDConnectProviderArn")?);
    Ok(Value::Null.into())
}

pub(super) fn tag(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let tags = read_tags(&call.input["Tags"])?;
    find(world, call)?.tags.extend(tags);
    Ok(Value::Null.into())
}

pub(super) fn untag(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let provider = find(world, call)?;
    call.strings("TagKeys").iter().for_each(|key| drop(provider.tags.remove(key)));
    Ok(Value::Null.into())
}

pub(super) fn list_tags(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let tags = tags::upper(&find(world, call)?.tags);
    Ok(page(call, "Tags", tags.as_array().cloned().unwrap_or_default()).into())
}

pub(super) fn list(world: &World) -> Result<Reply, Fault> {
    let arns: Vec<Value> = world.iam.providers.keys().map(|arn| json!({ "Arn": arn })).collect();
    Ok(json!({ "OpenIDConnectProviderList": arns }).into())
}

pub(super) fn add_client(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let client = missing(call, "ClientID")?;
    let provider = find(world, call)?;
    if !provider.clients.contains(&client) {
        provider.clients.push(client);
    }
    Ok(Value::Null.into())
}

pub(super) fn remove_client(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let client = missing(call, "ClientID")?;
    find(world, call)?.clients.retain(|other| *other != client);
    Ok(Value::Null.into())
}

pub(super) fn thumbprints(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let thumbprints = checked_thumbprints(call.strings("ThumbprintList"))?;
    find(world, call)?.thumbprints = thumbprints;
    Ok(Value::Null.into())
}

fn checked_thumbprints(list: Vec<String>) -> Result<Vec<String>, Fault> {
    if list.len() > 5 || list.iter().any(|print| print.len() != 40) {
        return Err(Fault::new("ValidationError", "Thumbprint must be exactly 40 characters long"));
    }
    Ok(list)
}
