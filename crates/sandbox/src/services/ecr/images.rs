//! Images: a manifest, its digest, the tags that point to it.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Image, Repository, bad_token, invalid, limit, no_repository, repository};
use crate::answer::{epoch, page};
use crate::call::{Call, text};
use crate::fault::Fault;
use crate::services::quotas;
use crate::wire::Reply;
use crate::world::World;

const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

pub(super) fn put(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let manifest = call.need("imageManifest", "InvalidParameterException")?;
    let digest = digest_of(manifest.as_bytes());
    if call.opt("imageDigest").is_some_and(|given| given != digest) {
        return Err(Fault::new(
            "ImageDigestDoesNotMatchException",
            "The specified image digest does not match the digest of the manifest",
        ));
    }
    let name = repository(world, call)?.name.clone();
    let tag = call.opt("imageTag");
    store(world, &name, manifest, call.opt("imageManifestMediaType"), tag.as_deref())?;
    let image = &repository(world, call)?.images[&digest];
    let mut body = json!({
        "repositoryName": name,
        "imageId": { "imageDigest": digest },
        "imageManifest": image.manifest,
        "imageManifestMediaType": image.media_type,
    });
    if let Some(tag) = tag {
        body["imageId"]["imageTag"] = tag.into();
    }
    body["registryId"] = world.account.clone().into();
    Ok(json!({ "image": body }).into())
}

pub(crate) fn digest_of(bytes: &[u8]) -> String {
    let hash: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hash}")
}

/// One more image, or one more tag of an image that is there; by the API or by a push.
pub(crate) fn store(
    world: &mut World,
    name: &str,
    manifest: String,
    media_type: Option<String>,
    tag: Option<&str>,
) -> Result<String, Fault> {
    let (now, account) = (world.now, world.account.clone());
    let parsed: Value = serde_json::from_str(&manifest)
        .map_err(|_| invalid("Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Invalid JSON syntax'"))?;
    let media_type = media_type.or_else(|| text(&parsed["mediaType"])).unwrap_or_else(|| DOCKER_MANIFEST.into());
    let digest = digest_of(manifest.as_bytes());
    let missing = no_repository(world, name);
    let found = world.ecr.repositories.get(name).ok_or_else(|| missing.clone())?;
    let has = |image: &Image, tag: &str| image.tags.iter().any(|other| other == tag);
    let holder = tag.and_then(|tag| found.images.iter().find(|(_, image)| has(image, tag)).map(|(digest, _)| digest.clone()));
    let known = found.images.contains_key(&digest);
    if known && (tag.is_none() || holder.as_ref() == Some(&digest)) {
        let message = format!(
            "Image with digest '{digest}' and tag '{}' already exists in the repository with name '{name}' in registry with id '{account}'",
            tag.unwrap_or_default()
        );
        return Err(Fault::new("ImageAlreadyExistsException", message));
    }
    if let (Some(tag), Some(_)) = (tag, &holder)
        && found.mutability == "IMMUTABLE"
    {
        let message = format!(
            "The image tag '{tag}' already exists in the '{name}' repository and cannot be overwritten because the repository is immutable."
        );
        return Err(Fault::new("ImageTagAlreadyExistsException", message));
    }
    let new = usize::from(!known);
    let have = found.images.len();
    quotas::IMAGES.at_most(world, (have + new) as u64)?;
    let found = world.ecr.repositories.get_mut(name).ok_or(missing)?;
    let size = |layer: &Value| layer["size"].as_i64().unwrap_or(0);
    let size = size(&parsed["config"]) + parsed["layers"].as_array().into_iter().flatten().map(size).sum::<i64>();
    // The tag moves: an image that loses its last one stays, untagged.
    for image in found.images.values_mut() {
        image.tags.retain(|other| Some(other.as_str()) != tag);
    }
    let image =
        found.images.entry(digest.clone()).or_insert_with(|| Image { manifest, media_type, tags: Vec::new(), pushed: now, size });
    image.tags.extend(tag.map(str::to_owned));
    Ok(digest)
}

/// What an image id points to, or why it points to nothing.
fn resolve<'a>(repository: &'a Repository, id: &Value) -> Result<(&'a String, &'a Image), (&'static str, &'static str)> {
    let (digest, tag) = (text(&id["imageDigest"]), text(&id["imageTag"]));
    let found = match (&digest, &tag) {
        (None, None) => {
            return Err(("MissingDigestAndTag", "Invalid request parameters: both tag and digest cannot be null"));
        }
        (Some(digest), _) if !digest.starts_with("sha256:") => {
            return Err((
                "InvalidImageDigest",
                "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'",
            ));
        }
        (Some(digest), _) => repository.images.get_key_value(digest),
        (None, Some(tag)) => repository.images.iter().find(|(_, image)| image.tags.contains(tag)),
    };
    let (digest, image) = found.ok_or(("ImageNotFound", "Requested image not found"))?;
    if tag.is_some_and(|tag| !image.tags.contains(&tag)) {
        return Err(("ImageTagDoesNotMatchDigest", "Tag does not match the digest"));
    }
    Ok((digest, image))
}

/// Never fails for missing images: they come in `failures`.
pub(super) fn batch_get(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let account = world.account.clone();
    let ids = ids(call)?;
    let found = repository(world, call)?;
    let (mut images, mut failures) = (Vec::new(), Vec::new());
    for id in ids {
        match resolve(found, id) {
            Ok((digest, image)) => {
                let mut image_id = json!({ "imageDigest": digest });
                if let Some(tag) = text(&id["imageTag"]) {
                    image_id["imageTag"] = tag.into();
                }
                images.push(json!({
                    "registryId": account,
                    "repositoryName": found.name,
                    "imageId": image_id,
                    "imageManifest": image.manifest,
                    "imageManifestMediaType": image.media_type,
                }));
            }
            Err((code, reason)) => failures.push(json!({ "imageId": id, "failureCode": code, "failureReason": reason })),
        }
    }
    Ok(json!({ "images": images, "failures": failures }).into())
}

fn ids(call: &Call) -> Result<&[Value], Fault> {
    let ids = call.list("imageIds");
    if ids.is_empty() || ids.len() > 100 {
        return Err(invalid("Invalid parameter at 'imageIds': 1 to 100 image ids must be given"));
    }
    Ok(ids)
}

fn wanted(call: &Call, image: &Image) -> bool {
    match text(&call.input["filter"]["tagStatus"]).as_deref() {
        Some("TAGGED") => !image.tags.is_empty(),
        Some("UNTAGGED") => image.tags.is_empty(),
        _ => true,
    }
}

/// By ids the call fails as a whole when one is missing.
pub(super) fn describe(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let account = world.account.clone();
    let ids = call.list("imageIds");
    let found = repository(world, call)?;
    let mut images: Vec<(&String, &Image)> = Vec::new();
    for id in ids {
        let image = resolve(found, id).map_err(|_| {
            let name = &found.name;
            let message = format!("The image with imageId {id} does not exist within the repository with name '{name}' in the registry with id '{account}'");
            Fault::new("ImageNotFoundException", message)
        })?;
        images.push(image);
    }
    if ids.is_empty() {
        images = found.images.iter().filter(|(_, image)| wanted(call, image)).collect();
    }
    let token = call.opt("nextToken");
    let (images, next) = page(images, limit(call)?, token.as_deref()).ok_or_else(bad_token)?;
    let details: Vec<Value> = images
        .into_iter()
        .map(|(digest, image)| {
            let mut body = json!({
                "registryId": account,
                "repositoryName": found.name,
                "imageDigest": digest,
                "imageSizeInBytes": image.size,
                "imagePushedAt": epoch(image.pushed),
                "imageManifestMediaType": image.media_type,
            });
            if !image.tags.is_empty() {
                body["imageTags"] = json!(image.tags);
            }
            body
        })
        .collect();
    let mut body = json!({ "imageDetails": details });
    if let Some(next) = next {
        body["nextToken"] = next.into();
    }
    Ok(body.into())
}

/// One line a tag, and one for an image without any.
pub(super) fn list(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let found = repository(world, call)?;
    let mut ids = Vec::new();
    for (digest, image) in found.images.iter().filter(|(_, image)| wanted(call, image)) {
        if image.tags.is_empty() {
            ids.push(json!({ "imageDigest": digest }));
        }
        ids.extend(image.tags.iter().map(|tag| json!({ "imageDigest": digest, "imageTag": tag })));
    }
    let token = call.opt("nextToken");
    let (ids, next) = page(ids, limit(call)?, token.as_deref()).ok_or_else(bad_token)?;
    let mut body = json!({ "imageIds": ids });
    if let Some(next) = next {
        body["nextToken"] = next.into();
    }
    Ok(body.into())
}

/// By tag only the tag goes, unless it was the last one; by digest everything goes.
pub(super) fn batch_delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let ids = ids(call)?;
    let found = repository(world, call)?;
    let (mut gone, mut failures) = (Vec::new(), Vec::new());
    for id in ids {
        let digest = match resolve(found, id) {
            Ok((digest, _)) => digest.clone(),
            Err((code, reason)) => {
                failures.push(json!({ "imageId": id, "failureCode": code, "failureReason": reason }));
                continue;
            }
        };
        let Some(image) = found.images.get_mut(&digest) else {
            continue;
        };
        let tags = match text(&id["imageTag"]) {
            Some(tag) => {
                image.tags.retain(|t| *t != tag);
                vec![tag]
            }
            None => std::mem::take(&mut image.tags),
        };
        if image.tags.is_empty() {
            found.images.remove(&digest);
        }
        if tags.is_empty() {
            gone.push(json!({ "imageDigest": digest }));
        }
        gone.extend(tags.iter().map(|tag| json!({ "imageDigest": digest, "imageTag": tag })));
    }
    Ok(json!({ "imageIds": gone, "failures": failures }).into())
}
