//! Manifests: what makes blobs an image, and the image a part of the world.

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::StatusCode;
use serde_json::{Value, json};

use super::{Registry, Request, Response, refused, reply};
use crate::services::ecr::images::{digest_of, store};
use crate::world::{Record, World};

impl Registry {
    /// Under a tag or, as a part of an index, by its digest alone. All that it names must be there.
    pub(super) async fn put_manifest(&self, name: &str, reference: &str, request: Request) -> std::io::Result<Response> {
        let header = request.headers().get("content-type").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = request.into_body().collect().await.map_err(std::io::Error::other)?.to_bytes();
        let invalid = |message: &str| Ok(refused(StatusCode::BAD_REQUEST, "MANIFEST_INVALID", message));
        let Ok(manifest) = String::from_utf8(body.to_vec()) else { return invalid("the manifest is not text") };
        let Ok(parsed) = serde_json::from_str::<Value>(&manifest) else { return invalid("the manifest is not JSON") };
        let digest = digest_of(manifest.as_bytes());
        let tag = (!reference.starts_with("sha256:")).then_some(reference);
        if tag.is_none() && reference != digest {
            return Ok(refused(StatusCode::BAD_REQUEST, "DIGEST_INVALID", "the digest is not that of the manifest"));
        }
        for blob in blobs_of(&parsed) {
            if !self.blobs.has(name, blob) {
                return Ok(refused(StatusCode::NOT_FOUND, "BLOB_UNKNOWN", &format!("blob unknown to registry: {blob}")));
            }
        }
        let stored = self.sandbox.with_world(|world| {
            let there = |digest: &str| world.ecr.repositories.get(name).is_some_and(|found| found.images.contains_key(digest));
            if let Some(missing) = parts_of(&parsed).find(|part| !there(part)) {
                return Err(refused(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN", &format!("manifest unknown: {missing}")));
            }
            let stored = store(world, name, manifest, header, tag);
            note(world, stored.as_ref().err().map(|fault| fault.code.clone()));
            match stored {
                Ok(_) => Ok(()),
                // The same image under the same tag once more.
                Err(fault) if fault.code == "ImageAlreadyExistsException" => Ok(()),
                Err(fault) => Err(refused(StatusCode::BAD_REQUEST, "TAG_INVALID", &fault.message)),
            }
        });
        if let Err(refusal) = stored {
            return Ok(refusal);
        }
        let place = format!("/v2/{name}/manifests/{digest}");
        Ok(reply(StatusCode::CREATED, &[("location", &place), ("docker-content-digest", &digest)], Bytes::new()))
    }

    pub(super) fn read_manifest(&self, name: &str, reference: &str, only_head: bool) -> Response {
        let found = self.sandbox.with_world(|world| {
            let mut images = world.ecr.repositories.get(name)?.images.iter();
            let found = images.find(|(digest, image)| *digest == reference || image.tags.iter().any(|tag| tag == reference));
            found.map(|(digest, image)| (digest.clone(), image.media_type.clone(), image.manifest.clone()))
        });
        let Some((digest, media_type, manifest)) = found else {
            return refused(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN", "Requested image not found");
        };
        let length = manifest.len().to_string();
        let headers = [("content-type", media_type.as_str()), ("docker-content-digest", &digest), ("content-length", &length)];
        reply(StatusCode::OK, &headers, if only_head { Bytes::new() } else { Bytes::from(manifest) })
    }

    pub(super) fn tags(&self, name: &str) -> Response {
        let mut tags: Vec<String> = self.sandbox.with_world(|world| {
            let found = world.ecr.repositories.get(name);
            found.into_iter().flat_map(|found| found.images.values()).flat_map(|image| image.tags.clone()).collect()
        });
        tags.sort();
        let body = json!({ "name": name, "tags": tags }).to_string();
        reply(StatusCode::OK, &[("content-type", "application/json")], Bytes::from(body))
    }
}

/// What an image is made of.
fn blobs_of(manifest: &Value) -> impl Iterator<Item = &str> {
    let layers = manifest["layers"].as_array().into_iter().flatten();
    layers.chain(manifest.get("config")).filter_map(|blob| blob["digest"].as_str())
}

/// The images of an index.
fn parts_of(manifest: &Value) -> impl Iterator<Item = &str> {
    manifest["manifests"].as_array().into_iter().flatten().filter_map(|part| part["digest"].as_str())
}

/// A push is one of ECR's calls, in CloudTrail as here.
fn note(world: &mut World, refused: Option<String>) {
    let at = world.now;
    world.calls.push(Record { at, service: "ecr".into(), operation: "PutImage".into(), refused, fault: None });
}
