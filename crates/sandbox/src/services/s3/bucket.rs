//! Buckets.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::object::Version;
use super::{address, find, settings};
use crate::call::{Call, text};
use crate::clock::{Millis, iso};
use crate::fault::Fault;
use crate::services::quotas;
use crate::tags::Tags;
use crate::wire::Reply;
use crate::world::World;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Bucket {
    /// Another account, which lets everybody in; `None`: the account of the world.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) owner: Option<String>,
    pub(crate) region: String,
    pub(crate) created: Millis,
    pub(crate) tags: Tags,
    /// The four public-access blocks; all on since 2023.
    pub(crate) block: Option<Value>,
    pub(crate) policy: Option<Value>,
    /// The one rule of the encryption configuration; always there.
    pub(crate) encryption: Value,
    /// `Enabled` or `Suspended`; absent until first set.
    pub(crate) versioning: Option<String>,
    pub(crate) ownership: String,
    /// Versions of each key, the current one first.
    pub(crate) objects: BTreeMap<String, Vec<Version>>,
}

pub(super) fn list(world: &World, call: &Call) -> Result<Reply, Fault> {
    let prefix = call.query("prefix").unwrap_or_default();
    let buckets = super::own(world).filter(|(name, _)| name.starts_with(prefix));
    let buckets: Vec<Value> = buckets
        .map(|(name, bucket)| json!({ "Name": name, "CreationDate": iso(bucket.created), "BucketRegion": bucket.region }))
        .collect();
    let owner = json!({ "ID": "sandbox", "DisplayName": "sandbox" });
    Ok(Reply::xml("ListAllMyBucketsResult", json!({ "Owner": owner, "Buckets": { "Bucket[]": buckets } })))
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let (name, _) = address(call);
    valid_name(&name)?;
    if call.header("x-amz-acl").is_some_and(|acl| acl != "private") {
        return Err(Fault::new(
            "InvalidBucketAclWithObjectOwnership",
            "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
        ));
    }
    let region = call.region.clone();
    match text(&call.input["LocationConstraint"]).filter(|place| !place.is_empty()) {
        None if region != "us-east-1" => {
            return Err(Fault::new(
                "IllegalLocationConstraintException",
                format!(
                    "The unspecified location constraint is incompatible for the region specific endpoint this request was sent to ({region})."
                ),
            ));
        }
        Some(place) if region == "us-east-1" && place == "us-east-1" => {
            return Err(Fault::new("InvalidLocationConstraint", "The specified location-constraint is not valid"));
        }
        Some(place) if place != region => {
            return Err(Fault::new(
                "IllegalLocationConstraintException",
                format!(
                    "The {place} location constraint is incompatible for the region specific endpoint this request was sent to."
                ),
            ));
        }
        _ => {}
    }
    let tags = settings::read_tags(&call.input["Tags"])?;
    let created =
        Reply::empty(200).header("location", format!("/{name}")).header("x-amz-bucket-arn", format!("arn:aws:s3:::{name}"));
    if let Some(there) = world.s3.buckets.get(&name) {
        if there.owner.is_some() {
            let message = "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.";
            return Err(Fault::new("BucketAlreadyExists", message).status(409));
        }
        if region == "us-east-1" {
            return Ok(created);
        }
        return Err(Fault::new(
            "BucketAlreadyOwnedByYou",
            "Your previous request to create the named bucket succeeded and you already own it.",
        )
        .status(409));
    }
    quotas::BUCKETS.one_more(world, super::own(world).count())?;
    let ownership = call.header("x-amz-object-ownership").unwrap_or("BucketOwnerEnforced");
    let bucket = Bucket { tags, ownership: ownership.to_owned(), ..newborn(region, world.now) };
    world.s3.buckets.insert(name, bucket);
    Ok(created)
}

/// What AWS gives every bucket since 2023.
fn newborn(region: String, now: Millis) -> Bucket {
    let on =
        json!({ "BlockPublicAcls": true, "IgnorePublicAcls": true, "BlockPublicPolicy": true, "RestrictPublicBuckets": true });
    Bucket {
        owner: None,
        region,
        created: now,
        tags: Tags::new(),
        block: Some(on),
        policy: None,
        encryption: json!({ "ApplyServerSideEncryptionByDefault": { "SSEAlgorithm": "AES256" }, "BucketKeyEnabled": false }),
        versioning: None,
        ownership: "BucketOwnerEnforced".to_owned(),
        objects: BTreeMap::new(),
    }
}

/// A bucket of that name in another account, which lets everybody in: who does not ask whose it is takes it for his own.
pub(crate) fn elsewhere(world: &mut World, name: &str) {
    let bucket = Bucket { owner: Some("999988887777".to_owned()), ..newborn(world.region.clone(), world.now) };
    world.s3.buckets.insert(name.to_owned(), bucket);
}

pub(super) fn head(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let asked = call.region.clone();
    let bucket = find(world, call)?;
    let status = if asked == bucket.region { 200 } else { 301 };
    Ok(Reply::empty(status).header("x-amz-bucket-region", bucket.region.clone()))
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    if !find(world, call)?.objects.is_empty() {
        return Err(Fault::new(
            "BucketNotEmpty",
            "The bucket you tried to delete is not empty. You must delete all versions in the bucket.",
        )
        .status(409));
    }
    world.s3.buckets.remove(&address(call).0);
    Ok(Reply::empty(204))
}

/// The answer's text sits in the root element itself; us-east-1 is empty.
pub(super) fn location(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let region = find(world, call)?.region.clone();
    Ok(Reply::xml("LocationConstraint", if region == "us-east-1" { Value::Null } else { json!(region) }))
}

fn valid_name(name: &str) -> Result<(), Fault> {
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let refused_starts = ["xn--", "sthree-", "amzn-s3-demo-"];
    let refused_ends = ["-s3alias", "--ol-s3", ".mrap", "--x-s3"];
    let ok = (3..=63).contains(&name.len())
        && name.chars().all(|c| edge(c) || c == '.' || c == '-')
        && name.starts_with(edge)
        && name.ends_with(edge)
        && !name.contains("..")
        && name.parse::<std::net::Ipv4Addr>().is_err()
        && !refused_starts.iter().any(|start| name.starts_with(start))
        && !refused_ends.iter().any(|end| name.ends_with(end));
    if ok { Ok(()) } else { Err(Fault::new("InvalidBucketName", "The specified bucket is not valid.")) }
}
