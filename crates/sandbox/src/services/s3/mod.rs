//! S3: buckets with their settings, objects with versions, conditional writes (catalogue, section 11). Addressed by path: `/bucket/key`.
//! Multipart uploads, ACLs, lifecycle, replication and account-level settings are left out.

mod body;
mod bucket;
mod object;
mod settings;
mod versions;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::fault::Fault;
use crate::tags::Tags;
use crate::wire::Reply;
use crate::world::World;

pub(crate) use bucket::{Bucket, elsewhere};
pub(crate) use object::current_object;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct S3 {
    pub(crate) buckets: BTreeMap<String, Bucket>,
}

/// Sub-resources of a bucket by their query word, and the noun in the operation's name.
const SUBRESOURCES: &[(&str, &str)] = &[
    ("tagging", "BucketTagging"),
    ("publicAccessBlock", "PublicAccessBlock"),
    ("policyStatus", "BucketPolicyStatus"),
    ("policy", "BucketPolicy"),
    ("encryption", "BucketEncryption"),
    ("versioning", "BucketVersioning"),
    ("ownershipControls", "BucketOwnershipControls"),
    ("location", "BucketLocation"),
    ("acl", "BucketAcl"),
    ("cors", "BucketCors"),
    ("lifecycle", "BucketLifecycleConfiguration"),
    ("website", "BucketWebsite"),
    ("logging", "BucketLogging"),
    ("object-lock", "ObjectLockConfiguration"),
];

pub(crate) fn operation(method: &str, call: &Call) -> String {
    let (bucket, key) = address(call);
    let verb = match method {
        "PUT" => "Put",
        "DELETE" => "Delete",
        "HEAD" => "Head",
        "POST" => "Post",
        _ => "Get",
    };
    if bucket.is_empty() {
        return "ListBuckets".into();
    }
    if !key.is_empty() {
        let special = ["uploads", "uploadId", "tagging", "acl", "attributes", "retention"];
        return match special.iter().find(|word| call.query(word).is_some()) {
            Some(word) => format!("{verb}Object?{word}"),
            None if call.header("x-amz-copy-source").is_some() => "CopyObject".into(),
            None => format!("{verb}Object"),
        };
    }
    if let Some((_, noun)) = SUBRESOURCES.iter().find(|(word, _)| call.query(word).is_some()) {
        return format!("{verb}{noun}");
    }
    match method {
        "PUT" => "CreateBucket".into(),
        "GET" if call.query("versions").is_some() => "ListObjectVersions".into(),
        "GET" if call.query("list-type") == Some("2") => "ListObjectsV2".into(),
        "GET" => "ListObjects".into(),
        "POST" if call.query("delete").is_some() => "DeleteObjects".into(),
        _ => format!("{verb}Bucket"),
    }
}

/// Bucket and key of the path.
fn address(call: &Call) -> (String, String) {
    let bucket = call.path.first().cloned().unwrap_or_default();
    (bucket, call.path.get(1..).unwrap_or_default().join("/"))
}

fn find<'w>(world: &'w mut World, call: &Call) -> Result<&'w mut Bucket, Fault> {
    let (name, _) = address(call);
    let expected = call.header("x-amz-expected-bucket-owner");
    let own = world.account.clone();
    let bucket = world.s3.buckets.get_mut(&name);
    let bucket = bucket.ok_or_else(|| Fault::new("NoSuchBucket", "The specified bucket does not exist").status(404))?;
    let owner = bucket.owner.as_ref().unwrap_or(&own);
    if expected.is_some_and(|expected| expected != owner) {
        return Err(Fault::new("AccessDenied", "Access Denied").status(403));
    }
    Ok(bucket)
}

pub(crate) fn handle(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    match call.operation.as_str() {
        "ListBuckets" => bucket::list(world, call),
        "CreateBucket" => bucket::create(world, call),
        "HeadBucket" => bucket::head(world, call),
        "DeleteBucket" => bucket::delete(world, call),
        "GetBucketLocation" => bucket::location(world, call),
        "PutBucketTagging" => settings::put_tagging(world, call),
        "GetBucketTagging" => settings::get_tagging(world, call),
        "DeleteBucketTagging" => settings::delete_tagging(world, call),
        "PutPublicAccessBlock" => settings::put_block(world, call),
        "GetPublicAccessBlock" => settings::get_block(world, call),
        "DeletePublicAccessBlock" => settings::delete_block(world, call),
        "PutBucketPolicy" => settings::put_policy(world, call),
        "GetBucketPolicy" => settings::get_policy(world, call),
        "DeleteBucketPolicy" => settings::delete_policy(world, call),
        "GetBucketPolicyStatus" => settings::policy_status(world, call),
        "PutBucketEncryption" => settings::put_encryption(world, call),
        "GetBucketEncryption" => settings::get_encryption(world, call),
        "PutBucketVersioning" => settings::put_versioning(world, call),
        "GetBucketVersioning" => settings::get_versioning(world, call),
        "PutBucketOwnershipControls" => settings::put_ownership(world, call),
        "GetBucketOwnershipControls" => settings::get_ownership(world, call),
        "PutObject" => object::put(world, call),
        "GetObject" => object::get(world, call, true),
        "HeadObject" => object::get(world, call, false),
        "DeleteObject" => object::delete(world, call),
        "DeleteObjects" => object::delete_many(world, call),
        "ListObjectsV2" => versions::list_objects(world, call),
        "ListObjectVersions" => versions::list_versions(world, call),
        other => Err(Fault::new("NotImplemented", format!("the sandbox does not model s3:{other}")).status(501)),
    }
}

/// The policies of all buckets.
pub(crate) fn policies_mut(world: &mut World) -> impl Iterator<Item = &mut serde_json::Value> {
    world.s3.buckets.values_mut().filter_map(|bucket| bucket.policy.as_mut())
}

/// Buckets of the account itself.
fn own(world: &World) -> impl Iterator<Item = (&String, &Bucket)> {
    world.s3.buckets.iter().filter(|(_, bucket)| bucket.owner.is_none())
}

pub(crate) fn objects(world: &World) -> Vec<String> {
    own(world).map(|(name, _)| format!("s3:bucket {name}")).collect()
}

pub(crate) fn tagged(world: &World) -> Vec<(String, Tags)> {
    own(world).map(|(name, bucket)| (format!("arn:aws:s3:::{name}"), bucket.tags.clone())).collect()
}
