//! Site: the files of a single-page application in its bucket, and what CloudFront's edges keep of them.
//!
//! A node of its own, and not a field of the bucket, because its edges are those of the distribution that names the bucket. It is known by the bucket, whose
//! node's name it bears, and is what that holds: a file that nobody asks for is taken out. Its files go with the bucket, by that one's own delete.
//!
//! **Broken off and gone on.** Files are compared one by one, so those that are up are not sent again. That the edges have been told is seen by a marker beside
//! them ([`super::publication`]), which is written when all the rest is done.
//! Source: S3 API Reference, `PutObject`, `ListObjectsV2`; CloudFront API Reference, `CreateInvalidation`; `aws-behaviours` 11.3, 12.5.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::try_join_all;
use landing_engine::{CallError, Changed, Door, Gone, Kind, Live, NodeName, Ready, Ref, Scan, Stack, Tags, Traits};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::publication::{Standing, UNFINISHED};
use super::{publish, readings};
use crate::{Aws, BucketName};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Site {
    pub bucket: Ref<BucketName>,
    /// The id of the distribution whose edges keep copies. Nothing of it can be read from the bucket.
    pub distribution: Ref<String>,
    /// Key to the MD5 of its content in hex, which is the ETag that S3 gives to what was put in one part.
    pub files: BTreeMap<String, String>,
    /// The marker's ETag: the files as they were when the edges had been told.
    pub published: String,
}

impl Kind for Site {
    type Cx = Aws;
    const NAME: &'static str = "s3.site";
    const TRAITS: Traits = Traits {
        fixed: &["bucket"],
        tagged: false,
        typical_ready: Duration::from_secs(5),
        typical_gone: Duration::ZERO,
        ..Traits::DEFAULT
    };

    async fn scan(cx: &Aws, scan: &Scan) -> Result<Vec<Live<Self>>, CallError> {
        let beside = readings::beside::<Self>(cx, scan).await?;
        let reads = beside.iter().map(|(node, bucket)| live(cx, node.clone(), bucket));
        Ok(try_join_all(reads).await?.into_iter().flatten().collect())
    }

    async fn read(cx: &Aws, _: &Stack, node: &NodeName, id: &str) -> Result<Option<Live<Self>>, CallError> {
        live(cx, node.clone(), id).await
    }

    /// Only that there is one, and that it is unfinished: the files come with the update, which is also how a half-made site is finished.
    async fn create(&self, cx: &Aws, door: &Door<'_>) -> Result<Live<Self>, CallError> {
        let bucket = self.bucket.get().as_str();
        publish::mark(cx, door, bucket, UNFINISHED).await?;
        Ok(of(door.node().clone(), bucket, Standing::begun()))
    }

    async fn update(&self, cx: &Aws, door: &Door<'_>, live: &Live<Self>, _: &Changed) -> Result<Live<Self>, CallError> {
        publish::publish(self, cx, door).await?;
        Ok(live.with(self))
    }

    /// Emptying the bucket is the bucket's, which goes next.
    async fn delete(_: &Aws, _: &Door<'_>, _: &Live<Self>) -> Result<Gone, CallError> {
        Ok(Gone::Yes)
    }

    fn preflight(&self, cx: &Aws, _: &Changed) -> Result<(), String> {
        match cx.site_folder.get() {
            Some(_) => Ok(()),
            None => Err("the files of the site are not on this machine".to_owned()),
        }
    }

    /// A new distribution has no copies of anything, so another one alone changes nothing here.
    fn same(field: &str, desired: &Value, live: &Value) -> bool {
        field == "distribution" || desired == live
    }
}

async fn live(cx: &Aws, node: NodeName, bucket: &str) -> Result<Option<Live<Site>>, CallError> {
    let standing = publish::standing(cx, bucket).await?;
    Ok((!standing.is_nothing()).then(|| of(node, bucket, standing)))
}

fn of(node: NodeName, bucket: &str, standing: Standing) -> Live<Site> {
    let published = standing.published().to_owned();
    Live {
        id: bucket.to_owned(),
        node,
        shape: Site {
            bucket: Ref::value(bucket.into()),
            distribution: Ref::value(String::new()),
            files: standing.files,
            published,
        },
        outputs: BTreeMap::new(),
        ready: Ready::Yes,
        tags: Tags::new(),
        owned: true,
        untold: Vec::new(),
    }
}
