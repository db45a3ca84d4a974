//! Objects: single-part writes and reads, conditions of section 11.4, versions.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::bucket::Bucket;
use super::settings::many;
use super::{address, body, find};
use crate::call::{Call, flag, text};
use crate::clock::{Millis, http_date};
use crate::fault::Fault;
use crate::wire::Reply;
use crate::world::World;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Version {
    /// `null` when it was written while versioning was not enabled.
    pub(crate) id: String,
    pub(crate) modified: Millis,
    /// A delete marker has neither body nor ETag.
    pub(crate) marker: bool,
    /// With its quotes.
    pub(crate) etag: String,
    pub(crate) size: usize,
    /// Base64.
    pub(crate) body: String,
    /// Content-Type, Cache-Control and the like, and `x-amz-meta-…`, names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
}

const KEPT_HEADERS: &[&str] = &["content-type", "cache-control", "content-disposition", "content-language", "expires"];

fn failed_precondition() -> Fault {
    Fault::new("PreconditionFailed", "At least one of the pre-conditions you specified did not hold").status(412)
}

fn no_such_key() -> Fault {
    Fault::new("NoSuchKey", "The specified key does not exist.").status(404)
}

fn current<'b>(bucket: &'b Bucket, key: &str) -> Option<&'b Version> {
    bucket.objects.get(key)?.first().filter(|version| !version.marker)
}

type Headers = Vec<(String, String)>;

/// Headers and bytes of a key's current version, as whoever may read it gets them.
pub(crate) fn current_object(world: &World, bucket: &str, key: &str) -> Option<(Headers, Vec<u8>)> {
    let version = current(world.s3.buckets.get(bucket)?, key)?;
    let mut headers: Headers = version.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    headers.push(("etag".to_owned(), version.etag.clone()));
    Some((headers, STANDARD.decode(&version.body).unwrap_or_default()))
}

pub(super) fn put(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let (_, key) = address(call);
    let bytes = body::plain(call)?;
    if call.header("x-amz-acl").is_some_and(|acl| acl != "bucket-owner-full-control") {
        return Err(Fault::new("AccessControlListNotSupported", "The bucket does not allow ACLs"));
    }
    if call.header("content-md5").is_some_and(|sent| STANDARD.encode(Md5::digest(&bytes)) != sent) {
        return Err(Fault::new("BadDigest", "The Content-MD5 you specified did not match what we received."));
    }
    let (now, serial) = (world.now, world.hex());
    let bucket = find(world, call)?;
    let existing = current(bucket, &key);
    match call.header("if-none-match") {
        Some("*") if existing.is_some() => return Err(failed_precondition()),
        Some("*") | None => {}
        Some(_) => {
            let message = "A header you provided implies functionality that is not implemented";
            return Err(Fault::new("NotImplemented", message).status(501));
        }
    }
    if let Some(wanted) = call.header("if-match") {
        let existing = existing.ok_or_else(no_such_key)?;
        if !same_etag(wanted, &existing.etag) {
            return Err(failed_precondition());
        }
    }
    let digest = Md5::digest(&bytes);
    let etag = format!("\"{}\"", digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    let mut headers: BTreeMap<String, String> = call
        .headers
        .iter()
        .map(|(name, value)| (name.to_lowercase(), value.clone()))
        .filter(|(name, _)| KEPT_HEADERS.contains(&name.as_str()) || name.starts_with("x-amz-meta-"))
        .collect();
    let own = headers.iter().filter(|(name, _)| name.starts_with("x-amz-meta-"));
    if own.map(|(name, value)| name.len() - "x-amz-meta-".len() + value.len()).sum::<usize>() > 2048 {
        let message = "Your metadata headers exceed the maximum allowed metadata size";
        return Err(Fault::new("MetadataTooLarge", message));
    }
    headers.entry("content-type".into()).or_insert_with(|| "binary/octet-stream".into());
    let encoding = call.header("content-encoding").unwrap_or_default().split(',').map(str::trim);
    let encoding: Vec<&str> = encoding.filter(|part| !part.is_empty() && *part != "aws-chunked").collect();
    if !encoding.is_empty() {
        headers.insert("content-encoding".into(), encoding.join(","));
    }
    let version = Version {
        id: String::new(),
        modified: now,
        marker: false,
        etag: etag.clone(),
        size: bytes.len(),
        body: STANDARD.encode(&bytes),
        headers,
    };
    let id = push(bucket, &key, version, serial);
    let encryption = text(&bucket.encryption["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]).unwrap_or_default();
    let reply = Reply::empty(200).header("etag", etag).header("x-amz-server-side-encryption", encryption);
    Ok(if bucket.versioning.is_some() { reply.header("x-amz-version-id", id) } else { reply })
}

/// Clients send ETags with or without quotes; `*` is any.
fn same_etag(wanted: &str, etag: &str) -> bool {
    wanted == "*" || wanted.trim_matches('"') == etag.trim_matches('"')
}

/// Makes `version` the current one: beside the others when versioning is enabled, else in place of the `null` version.
fn push(bucket: &mut Bucket, key: &str, mut version: Version, serial: String) -> String {
    let enabled = bucket.versioning.as_deref() == Some("Enabled");
    version.id = if enabled { serial } else { "null".into() };
    let id = version.id.clone();
    let versions = bucket.objects.entry(key.to_owned()).or_default();
    versions.retain(|other| other.id != id);
    versions.insert(0, version);
    id
}

pub(super) fn get(world: &mut World, call: &Call, whole: bool) -> Result<Reply, Fault> {
    let (_, key) = address(call);
    let bucket = find(world, call)?;
    let versioned = bucket.versioning.is_some();
    let version = match call.query("versionId") {
        None => match bucket.objects.get(&key).and_then(|versions| versions.first()) {
            Some(version) if !version.marker => version,
            _ => return Err(no_such_key()),
        },
        Some(id) => {
            let versions = bucket.objects.get(&key).ok_or_else(no_such_key)?;
            let version = versions.iter().find(|version| version.id == id);
            version.ok_or_else(|| Fault::new("NoSuchVersion", "The specified version does not exist.").status(404))?
        }
    };
    if version.marker {
        return Err(Fault::new("MethodNotAllowed", "The specified method is not allowed against this resource.").status(405));
    }
    if call.header("if-match").is_some_and(|wanted| !same_etag(wanted, &version.etag)) {
        return Err(failed_precondition());
    }
    if call.header("if-none-match").is_some_and(|known| same_etag(known, &version.etag)) {
        return Ok(Reply::empty(304).header("etag", version.etag.clone()));
    }
    let bytes = STANDARD.decode(&version.body).unwrap_or_default();
    let range = call.header("range").and_then(|range| slice(range, bytes.len()));
    let mut reply = Reply::empty(if range.is_some() { 206 } else { 200 })
        .header("etag", version.etag.clone())
        .header("last-modified", http_date(version.modified))
        .header("accept-ranges", "bytes");
    if versioned {
        reply = reply.header("x-amz-version-id", version.id.clone());
    }
    for (name, value) in &version.headers {
        reply = reply.header(name, value.clone());
    }
    let (start, end) = range.unwrap_or((0, bytes.len()));
    if range.is_some() {
        reply = reply.header("content-range", format!("bytes {start}-{}/{}", end.saturating_sub(1), bytes.len()));
    }
    if !whole {
        return Ok(reply.header("content-length", (end - start).to_string()));
    }
    reply.raw = Some(bytes[start..end].to_vec());
    Ok(reply)
}

/// `bytes=a-b`, `bytes=a-` as a half-open range.
fn slice(range: &str, len: usize) -> Option<(usize, usize)> {
    let (start, end) = range.strip_prefix("bytes=")?.split_once('-')?;
    let start: usize = start.parse().ok()?;
    let end = end.parse::<usize>().map_or(len, |end| (end + 1).min(len));
    (start < end).then_some((start, end))
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let (_, key) = address(call);
    let (now, serial) = (world.now, world.hex());
    let bucket = find(world, call)?;
    if let Some(wanted) = call.header("if-match") {
        let existing = current(bucket, &key).ok_or_else(no_such_key)?;
        if !same_etag(wanted, &existing.etag) {
            return Err(failed_precondition());
        }
    }
    let gone = remove(bucket, &key, call.query("versionId"), now, serial);
    let mut reply = Reply::empty(204);
    if let Some(id) = text(&gone["VersionId"]).or_else(|| text(&gone["DeleteMarkerVersionId"])) {
        reply = reply.header("x-amz-version-id", id);
    }
    if gone["DeleteMarker"] == true {
        reply = reply.header("x-amz-delete-marker", "true");
    }
    Ok(reply)
}

/// At most 1000 keys; what is not there counts as deleted.
pub(super) fn delete_many(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let (now, serial) = (world.now, world.hex());
    let input = crate::wire::xml::read(&String::from_utf8_lossy(&body::plain(call)?));
    let bucket = find(world, call)?;
    let objects = many(&input["Object"]);
    if objects.is_empty() || objects.len() > 1000 {
        return Err(Fault::new(
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published schema",
        ));
    }
    let (mut deleted, mut errors) = (Vec::new(), Vec::new());
    for (index, object) in objects.into_iter().enumerate() {
        let key = text(&object["Key"]).unwrap_or_default();
        let stale = text(&object["ETag"]).filter(|wanted| current(bucket, &key).is_none_or(|now| !same_etag(wanted, &now.etag)));
        if stale.is_some() {
            let fault = failed_precondition();
            errors.push(json!({ "Key": key, "Code": fault.code, "Message": fault.message }));
            continue;
        }
        let version = text(&object["VersionId"]);
        deleted.push(remove(bucket, &key, version.as_deref(), now, format!("{serial}{index:04}")));
    }
    let quiet = flag(&input["Quiet"]).unwrap_or(false);
    let deleted = if quiet { Vec::new() } else { deleted };
    Ok(Reply::xml("DeleteResult", json!({ "Deleted[]": deleted, "Error[]": errors })))
}

/// Without a version id a versioned bucket only gets a delete marker.
fn remove(bucket: &mut Bucket, key: &str, version: Option<&str>, now: Millis, serial: String) -> Value {
    let mut out = json!({ "Key": key });
    if let Some(id) = version {
        if let Some(versions) = bucket.objects.get_mut(key) {
            if versions.iter().any(|version| version.id == id && version.marker) {
                out["DeleteMarker"] = json!(true);
                out["DeleteMarkerVersionId"] = json!(id);
            }
            versions.retain(|version| version.id != id);
            if versions.is_empty() {
                bucket.objects.remove(key);
            }
        }
        out["VersionId"] = json!(id);
    } else if bucket.versioning.is_some() {
        let marker = Version {
            id: String::new(),
            modified: now,
            marker: true,
            etag: String::new(),
            size: 0,
            body: String::new(),
            headers: BTreeMap::new(),
        };
        out["DeleteMarkerVersionId"] = json!(push(bucket, key, marker, serial));
        out["DeleteMarker"] = json!(true);
    } else {
        bucket.objects.remove(key);
    }
    out
}
