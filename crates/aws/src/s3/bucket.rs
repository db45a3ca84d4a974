//! Bucket: where files live. Its settings are sub-resources with a call each; here they are its fields.
//!
//! Known by its name, which is unique in the world. Everything but the name can be changed; versioning can be suspended but never taken away again.
//! Source: S3 API Reference, `CreateBucket`, `PutBucketTagging`, `PutPublicAccessBlock`, …; `aws-behaviours` 11.

use std::collections::BTreeMap;

use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use futures_util::future::try_join_all;
use landing_engine::{CallError, Changed, Class, Door, Gone, Kind, Live, NodeName, Output, Ready, Scan, Stack, Tags, Traits};
use serde::{Deserialize, Serialize};

use super::empty::empty;
use super::{readings, settings};
use crate::errors::names_an_action;
use crate::{Aws, BucketName, IntoCallError, ownership, tags};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    pub name: String,
    /// All four blocks of public access at once.
    pub block_public: bool,
    /// `AES256`, or `aws:kms`.
    pub encryption: String,
    pub versioning: bool,
    /// `BucketOwnerEnforced` is without ACLs.
    pub object_ownership: String,
}

impl Bucket {
    pub const NAME: Output<BucketName> = Output::held("name");
    pub const ARN: Output<String> = Output::known("arn");
    /// Regional: the global one answers with redirects for hours after a bucket was made outside us-east-1.
    pub const DOMAIN: Output<String> = Output::known("domain");
}

impl Kind for Bucket {
    type Cx = Aws;
    const NAME: &'static str = "s3.bucket";
    const TRAITS: Traits = Traits { fixed: &["name"], holds_data: true, ..Traits::DEFAULT };

    async fn scan(cx: &Aws, scan: &Scan) -> Result<Vec<Live<Self>>, CallError> {
        let listed = readings::buckets(cx, scan).await?;
        let mut mine: Vec<(NodeName, String, Tags)> = Vec::new();
        for bucket in listed.iter() {
            let node = ownership::node_of::<Self>(scan, &bucket.name, &bucket.tags);
            mine.extend(node.map(|node| (node, bucket.name.clone(), bucket.tags.clone())));
        }
        // Names that do not begin like the stack's are asked for one by one.
        let mut others: Vec<&str> = ownership::wanted(scan, "name").chain(scan.known.values().map(String::as_str)).collect();
        others.retain(|name| !name.starts_with(&scan.stack.prefix()));
        others.sort_unstable();
        others.dedup();
        for name in others {
            // Somebody else's bucket of that name answers "denied": it is not ours, and the create will say so.
            let tags = match readings::own_tags(cx, name).await {
                Err(error) if error.class == Class::Denied => None,
                tags => tags?,
            };
            let Some(tags) = tags else { continue };
            mine.extend(ownership::node_of::<Self>(scan, name, &tags).map(|node| (node, name.to_owned(), tags)));
        }
        let lives = mine.into_iter().map(|(node, name, tags)| settings::live(cx, node, name, tags));
        Ok(try_join_all(lives).await?.into_iter().flatten().collect())
    }

    async fn read(cx: &Aws, stack: &Stack, node: &NodeName, id: &str) -> Result<Option<Live<Self>>, CallError> {
        Ok(ownership::still_ours(stack, node, get(cx, node, id).await?))
    }

    async fn create(&self, cx: &Aws, door: &Door<'_>) -> Result<Live<Self>, CallError> {
        let operation = "s3:CreateBucket";
        let send = || async {
            // In us-east-1 a create on a bucket of the same account answers as if it had made it, so we look first.
            if self.find(cx, door).await?.is_some() {
                return Err(CallError::new(Class::AlreadyExists, operation, format!("{} is there", self.name)));
            }
            // us-east-1 must not be named, every other region must.
            let region = Some(cx.region.as_str()).filter(|region| *region != "us-east-1").map(BucketLocationConstraint::from);
            let born = CreateBucketConfiguration::builder()
                .set_location_constraint(region)
                .set_tags(Some(tags::list(&door.tags())))
                .build();
            cx.s3.create_bucket().bucket(&self.name).create_bucket_configuration(born).send().await.call(operation)?;
            // Read back rather than assumed: emulators differ in what they give a new bucket, and some do not keep the tags.
            let made = get(cx, door.node(), &self.name).await?;
            Ok(made.unwrap_or_else(|| of(cx, door.node().clone(), Self::newborn(&self.name), door.tags())))
        };
        ownership::create(door, operation, &format!("the bucket {}", self.name), send, || self.find(cx, door)).await
    }

    async fn update(&self, cx: &Aws, door: &Door<'_>, live: &Live<Self>, changed: &Changed) -> Result<Live<Self>, CallError> {
        // One after the other: S3 refuses parallel changes of one bucket with `OperationAborted`.
        if changed.has("block_public") {
            self.put_public_access(cx, door).await?;
        }
        if changed.has("encryption") {
            self.put_encryption(cx, door).await?;
        }
        if changed.has("versioning") {
            self.put_versioning(cx, door).await?;
        }
        if changed.has("object_ownership") {
            self.put_ownership(cx, door).await?;
        }
        if changed.tags() {
            settings::put_tags(cx, door, &live.id).await?;
        }
        Ok(live.with(self))
    }

    async fn delete(cx: &Aws, door: &Door<'_>, live: &Live<Self>) -> Result<Gone, CallError> {
        empty(cx, door, &live.id).await?;
        let operation = "s3:DeleteBucket";
        let call = || async {
            match cx.s3.delete_bucket().bucket(&live.id).send().await.call(operation) {
                // Somebody still writes, or the listing lagged: empty it again.
                Err(error) if error.has_code(&["BucketNotEmpty"]) => Ok(Gone::NotYet("not empty yet".to_owned())),
                answer => answer.map(|_| Gone::Yes),
            }
        };
        Ok(ownership::found(door.call(operation, call).await)?.unwrap_or(Gone::Absent))
    }
}

impl Bucket {
    /// What AWS gives a bucket at birth, since 2023.
    fn newborn(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            block_public: true,
            encryption: "AES256".into(),
            versioning: false,
            object_ownership: "BucketOwnerEnforced".into(),
        }
    }

    async fn find(&self, cx: &Aws, door: &Door<'_>) -> Result<Option<Live<Self>>, CallError> {
        get(cx, door.node(), &self.name).await.map_err(|error| match error.class {
            Class::Denied if !names_an_action(&error) => CallError {
                class: Class::Invalid,
                message: format!("the bucket {} belongs to another AWS account, or its tags may not be read", self.name),
                ..error
            }
            .help("bucket names are unique in the world: choose another project name, or allow s3:GetBucketTagging"),
            _ => error,
        })
    }
}

async fn get(cx: &Aws, node: &NodeName, name: &str) -> Result<Option<Live<Bucket>>, CallError> {
    let Some(tags) = readings::own_tags(cx, name).await? else { return Ok(None) };
    settings::live(cx, node.clone(), name.to_owned(), tags).await
}

pub(super) fn of(cx: &Aws, node: NodeName, shape: Bucket, tags: Tags) -> Live<Bucket> {
    let name = shape.name.clone();
    // The China partition has its own domain.
    let suffix = if cx.partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
    Live {
        node,
        outputs: BTreeMap::from([
            ("name".to_owned(), name.clone()),
            ("arn".to_owned(), readings::arn(cx, &name)),
            ("domain".to_owned(), format!("{name}.s3.{}.{suffix}", cx.region)),
        ]),
        id: name,
        shape,
        ready: Ready::Yes,
        tags,
        owned: true,
        untold: Vec::new(),
    }
}
