//! A bucket's sub-resources (catalogue, section 11.2): every Put overwrites.

use serde_json::{Value, json};

use super::{address, find};
use crate::call::{Call, flag, strings, text};
use crate::fault::Fault;
use crate::services::iam;
use crate::tags::Tags;
use crate::wire::Reply;
use crate::world::World;

fn none(code: &str, message: &str) -> Fault {
    Fault::new(code, message).status(404)
}

fn malformed() -> Fault {
    Fault::new("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
}

/// XML gives one element alone or several as a list.
pub(super) fn many(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Object(_) => vec![value],
        Value::String(text) if !text.is_empty() => vec![value],
        _ => Vec::new(),
    }
}

/// `{"Tag": …}` as a tag set.
pub(super) fn read_tags(set: &Value) -> Result<Tags, Fault> {
    let list = many(&set["Tag"]);
    let tags: Tags = list.iter().filter_map(|tag| Some((text(&tag["Key"])?, text(&tag["Value"]).unwrap_or_default()))).collect();
    if tags.len() != list.len() {
        return Err(Fault::new("InvalidTag", "Cannot provide multiple Tags with the same key"));
    }
    if tags.len() > 50 || tags.keys().any(|key| key.to_lowercase().starts_with("aws:")) {
        return Err(Fault::new(
            "InvalidTag",
            "System tags cannot be added/updated by requester, and at most 50 tags are allowed",
        ));
    }
    Ok(tags)
}

pub(super) fn put_tagging(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let bucket = find(world, call)?;
    bucket.tags = read_tags(&call.input["TagSet"])?;
    Ok(Reply::empty(204))
}

pub(super) fn get_tagging(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let bucket = find(world, call)?;
    if bucket.tags.is_empty() {
        return Err(none("NoSuchTagSet", "The TagSet does not exist"));
    }
    let tags = crate::tags::upper(&bucket.tags);
    Ok(Reply::xml("Tagging", json!({ "TagSet": { "Tag[]": tags } })))
}

pub(super) fn delete_tagging(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    find(world, call)?.tags.clear();
    Ok(Reply::empty(204))
}

/// Omitted members are off.
pub(super) fn put_block(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let on = |key: &str| flag(&call.input[key]).unwrap_or(false);
    let keys = ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"];
    let block = keys.iter().map(|key| ((*key).to_owned(), json!(on(key)))).collect::<serde_json::Map<_, _>>();
    find(world, call)?.block = Some(block.into());
    Ok(Reply::empty(200))
}

pub(super) fn get_block(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let block = find(world, call)?.block.clone();
    let block = block
        .ok_or_else(|| none("NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found"))?;
    Ok(Reply::xml("PublicAccessBlockConfiguration", block))
}

pub(super) fn delete_block(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    find(world, call)?.block = None;
    Ok(Reply::empty(204))
}

pub(super) fn put_policy(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let (name, _) = address(call);
    let blocked = find(world, call)?.block.as_ref().is_some_and(|block| block["BlockPublicPolicy"] == true);
    let malformed = |message: String| Fault::new("MalformedPolicy", message);
    let text = super::body::plain(call)?;
    if text.len() > 20 * 1024 {
        return Err(Fault::new("PolicyTooLarge", "Policy exceeds the maximum allowed document size."));
    }
    let policy: Value = serde_json::from_slice(&text)
        .map_err(|_| malformed("Policies must be valid JSON and the first byte must be '{'".into()))?;
    let statements = iam::statements(&policy);
    if statements.is_empty() {
        return Err(malformed("Missing required field Statement".into()));
    }
    for statement in statements {
        checked_statement(world, &name, statement).map_err(malformed)?;
    }
    if blocked && is_public(&policy) {
        return Err(Fault::new("AccessDenied", format!("User: arn:aws:iam::{}:user/sandbox is not authorized to perform: s3:PutBucketPolicy on resource: \"arn:aws:s3:::{name}\" because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.", world.account)).status(403));
    }
    find(world, call)?.policy = Some(policy);
    Ok(Reply::empty(204))
}

fn checked_statement(world: &World, bucket: &str, statement: &Value) -> Result<(), String> {
    if !matches!(statement["Effect"].as_str(), Some("Allow" | "Deny")) {
        return Err("Invalid effect".into());
    }
    let actions = strings(&statement["Action"]);
    if actions.is_empty() || actions.iter().any(|action| action != "*" && !action.starts_with("s3:")) {
        return Err("Policy has invalid action".into());
    }
    let arn = format!("arn:aws:s3:::{bucket}");
    let ours = |resource: &String| *resource == arn || resource.starts_with(&format!("{arn}/"));
    let resources = strings(&statement["Resource"]);
    if resources.is_empty() || !resources.iter().all(ours) {
        return Err("Policy has invalid resource".into());
    }
    let principals = match &statement["Principal"] {
        Value::Object(map) => {
            map.iter().flat_map(|(kind, names)| strings(names).into_iter().map(move |name| (kind.clone(), name))).collect()
        }
        Value::String(all) if all == "*" => Vec::new(),
        _ => return Err("Missing required field Principal".into()),
    };
    let known = |(kind, name): &(String, String)| match kind.as_str() {
        "Service" => name.ends_with(".amazonaws.com"),
        "AWS" => iam::aws_principal_exists(world, name),
        _ => true,
    };
    if principals.iter().all(known) { Ok(()) } else { Err("Invalid principal in policy".into()) }
}

/// Allowed to everybody without a condition that narrows it; a service principal is public too unless a source is named, so that
/// the policy for CloudFront's origin access control (with `AWS:SourceArn`) is not.
fn is_public(policy: &Value) -> bool {
    let narrowing = [
        "aws:sourcearn",
        "aws:sourceaccount",
        "aws:sourceip",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:principalorgid",
        "aws:principalarn",
    ];
    iam::statements(policy).into_iter().filter(|statement| statement["Effect"] == "Allow").any(|statement| {
        let everybody = match &statement["Principal"] {
            Value::Object(map) => {
                map.get("AWS").is_some_and(|names| strings(names).iter().any(|name| name == "*")) || map.contains_key("Service")
            }
            other => other == "*",
        };
        let conditions = statement["Condition"].as_object().into_iter().flatten().filter_map(|(_, keys)| keys.as_object());
        let narrowed = conditions.flatten().any(|(key, _)| narrowing.contains(&key.to_lowercase().as_str()));
        everybody && !narrowed
    })
}

pub(super) fn get_policy(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let policy = stored_policy(world, call)?;
    let mut reply = Reply::empty(200).header("content-type", "application/json");
    reply.raw = Some(policy.to_string().into_bytes());
    Ok(reply)
}

fn stored_policy(world: &mut World, call: &Call) -> Result<Value, Fault> {
    find(world, call)?.policy.clone().ok_or_else(|| none("NoSuchBucketPolicy", "The bucket policy does not exist"))
}

pub(super) fn delete_policy(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    find(world, call)?.policy = None;
    Ok(Reply::empty(204))
}

pub(super) fn policy_status(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let public = is_public(&stored_policy(world, call)?);
    Ok(Reply::xml("PolicyStatus", json!({ "IsPublic": public })))
}

pub(super) fn put_encryption(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let rule = call.input["Rule"].clone();
    let algorithm = rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"].as_str();
    if !matches!(algorithm, Some("AES256" | "aws:kms" | "aws:kms:dsse")) {
        return Err(malformed());
    }
    let bucket = find(world, call)?;
    bucket.encryption = rule;
    if bucket.encryption["BucketKeyEnabled"].is_null() {
        bucket.encryption["BucketKeyEnabled"] = json!(false);
    }
    Ok(Reply::empty(200))
}

pub(super) fn get_encryption(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let rule = find(world, call)?.encryption.clone();
    Ok(Reply::xml("ServerSideEncryptionConfiguration", json!({ "Rule": rule })))
}

pub(super) fn put_versioning(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let status = text(&call.input["Status"]).filter(|status| status == "Enabled" || status == "Suspended");
    let status = status
        .ok_or_else(|| Fault::new("IllegalVersioningConfigurationException", "The Versioning element must be specified"))?;
    find(world, call)?.versioning = Some(status);
    Ok(Reply::empty(200))
}

pub(super) fn get_versioning(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    Ok(Reply::xml("VersioningConfiguration", json!({ "Status": find(world, call)?.versioning })))
}

pub(super) fn put_ownership(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let ownership = text(&call.input["Rule"]["ObjectOwnership"]).ok_or_else(malformed)?;
    if !["BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"].contains(&ownership.as_str()) {
        return Err(malformed());
    }
    find(world, call)?.ownership = ownership;
    Ok(Reply::empty(200))
}

pub(super) fn get_ownership(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let rule = json!({ "ObjectOwnership": find(world, call)?.ownership });
    Ok(Reply::xml("OwnershipControls", json!({ "Rule": rule })))
}
