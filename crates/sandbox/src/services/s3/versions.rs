//! Listings.

use std::collections::BTreeSet;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::find;
use super::object::Version;
use crate::call::Call;
use crate::clock::iso;
use crate::fault::Fault;
use crate::wire::Reply;
use crate::world::World;

/// What `encoding-type=url` leaves alone.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'*');

fn key_text(call: &Call, key: &str) -> String {
    if call.query("encoding-type") == Some("url") { utf8_percent_encode(key, PLAIN).to_string() } else { key.to_owned() }
}

fn limit(call: &Call) -> usize {
    call.query("max-keys").and_then(|text| text.parse().ok()).unwrap_or(1000).min(1000)
}

/// The part of `key` up to the delimiter after the prefix, when there is one.
fn folder<'k>(key: &'k str, prefix: &str, delimiter: Option<&str>) -> Option<&'k str> {
    let delimiter = delimiter.filter(|text| !text.is_empty())?;
    let at = key[prefix.len()..].find(delimiter)?;
    Some(&key[..prefix.len() + at + delimiter.len()])
}

fn shown(call: &Call, key: &str, version: &Version) -> Value {
    json!({
        "Key": key_text(call, key),
        "LastModified": iso(version.modified),
        "ETag": version.etag,
        "Size": version.size,
        "StorageClass": "STANDARD",
    })
}

pub(super) fn list_objects(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let prefix = call.query("prefix").unwrap_or_default();
    let after = call.query("continuation-token").or(call.query("start-after")).unwrap_or_default().to_owned();
    let bucket = find(world, call)?;
    let (mut contents, mut folders) = (Vec::new(), BTreeSet::new());
    let (mut truncated, mut last) = (false, String::new());
    for (key, versions) in bucket.objects.iter().filter(|(key, _)| key.starts_with(prefix) && **key > after) {
        let Some(version) = versions.first().filter(|version| !version.marker) else { continue };
        let folder = folder(key, prefix, call.query("delimiter"));
        if folder.is_some_and(|folder| folders.contains(folder)) {
            last.clone_from(key);
            continue;
        }
        if contents.len() + folders.len() >= limit(call) {
            truncated = true;
            break;
        }
        match folder {
            Some(folder) => drop(folders.insert(folder.to_owned())),
            None => contents.push(shown(call, key, version)),
        }
        last.clone_from(key);
    }
    let common: Vec<Value> = folders.iter().map(|folder| json!({ "Prefix": key_text(call, folder) })).collect();
    Ok(Reply::xml(
        "ListBucketResult",
        json!({
            "Name": call.path[0],
            "Prefix": key_text(call, prefix),
            "Delimiter": call.query("delimiter"),
            "EncodingType": call.query("encoding-type"),
            "MaxKeys": limit(call),
            "KeyCount": contents.len() + common.len(),
            "IsTruncated": truncated,
            "ContinuationToken": call.query("continuation-token"),
            "NextContinuationToken": truncated.then_some(last),
            "Contents[]": contents,
            "CommonPrefixes[]": common,
        }),
    ))
}

/// All versions and delete markers, newest first within a key; the markers page on from `key-marker` and `version-id-marker`.
pub(super) fn list_versions(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let prefix = call.query("prefix").unwrap_or_default();
    let (key_marker, version_marker) = (call.query("key-marker").unwrap_or_default(), call.query("version-id-marker"));
    let bucket = find(world, call)?;
    let all = bucket.objects.iter().filter(|(key, _)| key.starts_with(prefix)).flat_map(|(key, versions)| {
        let latest = |index: usize| index == 0;
        versions.iter().enumerate().map(move |(index, version)| (key.as_str(), version, latest(index)))
    });
    // A client that deletes while it pages has deleted the marker itself: then what is left of that key is next.
    let known = |id: &str| bucket.objects.get(key_marker).is_some_and(|versions| versions.iter().any(|v| v.id == id));
    let mut passed = key_marker.is_empty();
    let lost = version_marker.is_some_and(|id| !known(id));
    let mut rest = Vec::new();
    for (key, version, latest) in all {
        if passed || key > key_marker || (lost && key == key_marker) {
            passed = true;
            rest.push((key, version, latest));
        } else if key == key_marker && version_marker == Some(version.id.as_str()) {
            passed = true;
        }
    }
    let truncated = rest.len() > limit(call);
    rest.truncate(limit(call));
    let next = rest.last().filter(|_| truncated).map(|(key, version, _)| (key_text(call, key), version.id.clone()));
    let (mut versions, mut markers) = (Vec::new(), Vec::new());
    for (key, version, latest) in rest {
        let mut out = shown(call, key, version);
        out["VersionId"] = json!(version.id);
        out["IsLatest"] = json!(latest);
        if version.marker {
            for absent in ["ETag", "Size", "StorageClass"] {
                out[absent] = Value::Null;
            }
            markers.push(out);
        } else {
            versions.push(out);
        }
    }
    Ok(Reply::xml(
        "ListVersionsResult",
        json!({
            "Name": call.path[0],
            "Prefix": key_text(call, prefix),
            "EncodingType": call.query("encoding-type"),
            "MaxKeys": limit(call),
            "IsTruncated": truncated,
            "NextKeyMarker": next.as_ref().map(|(key, _)| key),
            "NextVersionIdMarker": next.as_ref().map(|(_, id)| id),
            "Version[]": versions,
            "DeleteMarker[]": markers,
        }),
    ))
}
