//! A publication, call by call. Each may be repeated: what is up is not sent again, what is gone is not removed again, and the marker is last.

use std::future::Future;

use aws_sdk_cloudfront::types::{InvalidationBatch, Paths};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ObjectIdentifier;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::stream::{FuturesUnordered, StreamExt};
use landing_engine::{CallError, Class, Door};
use md5::{Digest, Md5};

use super::empty::delete;
use super::headers::{cache_control, content_type};
use super::publication::{MARKER, Marker, Publication, Standing, UNFINISHED, Work, marker, md5_hex};
use super::site::Site;
use crate::{Aws, IntoCallError, ownership};

/// Files on their way at once. Each is whole in memory, and they share the line.
const AT_ONCE: usize = 4;
/// S3's own limit for one `DeleteObjects`.
const DELETED_AT_ONCE: usize = 1000;
const PUT: &str = "s3:PutObject";

impl Aws {
    /// Where the files of the site lie: keys are paths below it.
    pub fn publish_from(&self, folder: std::path::PathBuf) {
        // Asked for once, before the first plan.
        let _ = self.site_folder.set(folder);
    }

    /// What stands in a bucket, for a run that has no files to compare it with; `None` when there is nothing, or no bucket.
    ///
    /// # Errors
    /// When the bucket cannot be read.
    pub async fn standing_site(&self, bucket: &str) -> Result<Option<Publication>, CallError> {
        let standing = standing(self, bucket).await?;
        let published = standing.published().to_owned();
        Ok((!standing.is_nothing()).then_some(Publication { files: standing.files, published }))
    }
}

/// Every object of a bucket, a thousand a call; a bucket that is not there has none.
pub(super) async fn standing(cx: &Aws, bucket: &str) -> Result<Standing, CallError> {
    let mut pages = cx.s3.list_objects_v2().bucket(bucket).into_paginator().send();
    let mut standing = Standing::default();
    while let Some(page) = pages.next().await {
        let Some(page) = ownership::found(page.call("s3:ListBucket"))? else { return Ok(Standing::default()) };
        for object in page.contents() {
            let etag = object.e_tag().unwrap_or_default().trim_matches('"').to_owned();
            match object.key().unwrap_or_default() {
                MARKER => {
                    let written = object.last_modified().map_or(0, |at| at.secs());
                    standing.marker = Some(Marker { etag, written });
                }
                key => drop(standing.files.insert(key.to_owned(), etag)),
            }
        }
    }
    Ok(standing)
}

pub(super) async fn publish(site: &Site, cx: &Aws, door: &Door<'_>) -> Result<(), CallError> {
    let bucket = site.bucket.get().as_str();
    // Read anew: since the scan, a run that was killed may have gone on, and the site may only just have been begun.
    let standing = standing(cx, bucket).await?;
    let work = Work::between(&standing, &site.files, &site.published);
    if work.reopens {
        mark(cx, door, bucket, UNFINISHED).await?;
    }
    for group in [&work.assets, &work.pages] {
        several(group.iter().copied().map(|key| upload(cx, door, bucket, key, &site.files[key])).collect()).await?;
    }
    // Before the edges are told: they would fetch what is still there.
    let object = |key: &str| ObjectIdentifier::builder().key(key).build().expect("the key is set");
    let removed: Vec<ObjectIdentifier> = work.removed.iter().copied().map(object).collect();
    for some in removed.chunks(DELETED_AT_ONCE) {
        delete(cx, door, bucket, some.to_vec()).await?;
    }
    if !work.invalidated.is_empty() {
        invalidate(cx, door, site, &standing, work.invalidated).await?;
    }
    mark(cx, door, bucket, &marker(&site.files)).await
}

/// Runs them a few at a time. After the first that fails none is begun, and those under way are let finish: each is in the journal.
async fn several<T: Future<Output = Result<(), CallError>>>(work: Vec<T>) -> Result<(), CallError> {
    let (mut waiting, mut running) = (work.into_iter(), FuturesUnordered::new());
    let mut ends = Ok(());
    loop {
        while ends.is_ok() && running.len() < AT_ONCE {
            let Some(next) = waiting.next() else { break };
            running.push(next);
        }
        match running.next().await {
            Some(end) => ends = ends.and(end),
            None => return ends,
        }
    }
}

async fn upload(cx: &Aws, door: &Door<'_>, bucket: &str, key: &str, md5: &str) -> Result<(), CallError> {
    let failed = |what: String| CallError::new(Class::Invalid, PUT, format!("{key} {what}"));
    let folder = cx.site_folder.get().ok_or_else(|| failed("is not on this machine".to_owned()))?;
    let content = std::fs::read(folder.join(key)).map_err(|error| failed(format!("cannot be read any more: {error}")))?;
    if md5_hex(&content) != md5 {
        let help = "let nothing write into that folder, and run again";
        return Err(failed("has changed since the plan was made".to_owned()).help(help));
    }
    door.tell(&format!("uploading {key}"));
    put(cx, door, bucket, key, content.into()).await
}

/// Writes the marker.
pub(super) async fn mark(cx: &Aws, door: &Door<'_>, bucket: &str, text: &str) -> Result<(), CallError> {
    put(cx, door, bucket, MARKER, text.to_owned().into()).await
}

async fn put(cx: &Aws, door: &Door<'_>, bucket: &str, key: &str, content: Bytes) -> Result<(), CallError> {
    let kind = if key == MARKER { "text/plain; charset=utf-8".to_owned() } else { content_type(key) };
    door.call(PUT, || async {
        let call = cx.s3.put_object().bucket(bucket).key(key).content_type(&kind).cache_control(cache_control(key));
        let call = call.content_md5(STANDARD.encode(Md5::digest(&content)));
        call.body(ByteStream::from(content.clone())).send().await.call(PUT)
    })
    .await
    .map(|_| ())
}

async fn invalidate(cx: &Aws, door: &Door<'_>, site: &Site, before: &Standing, paths: Vec<String>) -> Result<(), CallError> {
    let operation = "cloudfront:CreateInvalidation";
    let count = i32::try_from(paths.len()).expect("an invalidation has few paths");
    let written = before.marker.as_ref().map_or(0, |marker| marker.written);
    // The same for the attempts of one publication, and another one for the next, even when a site goes back and forth between two: AWS takes a reference
    // that it knows for the same request, and does nothing. The marker of the publication before was written once.
    let reference = format!("{} {written} {} {}", door.token(), site.published, paths.join(" "));
    let paths = Paths::builder().quantity(count).set_items(Some(paths)).build().expect("quantity and items are set");
    let batch = InvalidationBatch::builder().paths(paths).caller_reference(md5_hex(reference.as_bytes()));
    let batch = batch.build().expect("paths and reference are set");
    door.call(operation, || async {
        let call = cx.cloudfront.create_invalidation().distribution_id(site.distribution.get());
        call.invalidation_batch(batch.clone()).send().await.call(operation)
    })
    .await
    .map(|_| ())
}
