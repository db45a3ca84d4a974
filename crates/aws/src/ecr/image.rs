//! Image: the one that a service runs, in its repository, under the tag of its content.
//!
//! Known by the repository and the tag. Another tag is an update: it is built and pushed beside the old one, and its digest is new to whoever runs it. What stands
//! under the wanted tag already, whoever pushed it, is taken as it is. Images go with their repository, or by its lifecycle policy; none is deleted here.
//!
//! What an image is made from is no part of the shape: the tag says it (`landing_images`).
//! Source: ECR API Reference, `PutImage`, `DescribeImages`; `aws-behaviours` 5.3, 18.3.

use std::collections::BTreeMap;
use std::time::Duration;

use landing_engine::{CallError, Changed, Class, Door, Gone, Kind, Live, NodeName, Output, Ready, Scan, Stack, Tags, Traits};
use serde::{Deserialize, Serialize};

use super::standing::{self, Standing};
use crate::{Aws, ownership};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Image {
    /// The repository's name, as text: it is known before the repository stands, and what stands in it is looked up by it.
    pub repository: String,
    pub tag: String,
}

impl Image {
    /// `sha256:…`
    pub const DIGEST: Output<String> = Output::known("digest");
}

impl Kind for Image {
    type Cx = Aws;
    const NAME: &'static str = "ecr.image";
    const TRAITS: Traits = Traits {
        fixed: &["repository"],
        tagged: false,
        renews: &["digest"],
        // Build and push; most of it is the uplink. Source: `aws-behaviours` 5.3.
        typical_ready: Duration::from_secs(120),
        typical_gone: Duration::ZERO,
        ..Traits::DEFAULT
    };

    async fn scan(cx: &Aws, scan: &Scan) -> Result<Vec<Live<Self>>, CallError> {
        let mut nodes: BTreeMap<&str, (&NodeName, Option<&str>)> =
            scan.known.iter().map(|(node, repository)| (repository.as_str(), (node, None))).collect();
        nodes.extend(
            scan.wanted.iter().filter_map(|(node, shape)| Some((shape["repository"].as_str()?, (node, shape["tag"].as_str())))),
        );
        let found = nodes.into_iter().map(|(repository, (node, wanted))| async move {
            let images = standing::once(cx, repository).await?;
            Ok(Standing::best(&images, wanted).map(|image| of(node, repository, image)))
        });
        Ok(futures_util::future::try_join_all(found).await?.into_iter().flatten().collect())
    }

    async fn read(cx: &Aws, _: &Stack, node: &NodeName, id: &str) -> Result<Option<Live<Self>>, CallError> {
        Ok(Standing::best(&standing::read(cx, id).await?, None).map(|image| of(node, id, image)))
    }

    async fn create(&self, cx: &Aws, door: &Door<'_>) -> Result<Live<Self>, CallError> {
        self.make(cx, door).await
    }

    async fn update(&self, cx: &Aws, door: &Door<'_>, _: &Live<Self>, _: &Changed) -> Result<Live<Self>, CallError> {
        self.make(cx, door).await
    }

    async fn delete(_: &Aws, _: &Door<'_>, _: &Live<Self>) -> Result<Gone, CallError> {
        Ok(Gone::Yes)
    }

    fn preflight(&self, cx: &Aws, _: &Changed) -> Result<(), String> {
        match cx.bench.get() {
            None => Err(format!("no image stands under {}:{}, and there is no builder", self.repository, self.tag)),
            Some(bench) => bench.lacks(&self.tag).map_or(Ok(()), Err),
        }
    }
}

impl Image {
    async fn make(&self, cx: &Aws, door: &Door<'_>) -> Result<Live<Self>, CallError> {
        // Pushed since the scan: by a run that was killed, or by somebody else.
        if let Some(image) = self.find(cx).await? {
            return Ok(of(door.node(), &self.repository, &image));
        }
        let operation = "ecr:PutImage";
        let bench = cx.bench.get().ok_or_else(|| CallError::new(Class::Invalid, operation, "there is no builder"))?;
        let made = bench.build(door, &self.repository, &self.tag).await?;
        let image = door
            .call(operation, || async {
                // Looked at in every attempt: the one before may have arrived.
                if let Some(image) = self.find(cx).await? {
                    return Ok(image);
                }
                bench.push(cx, door, &made, &self.repository, &self.tag).await?;
                let late = || CallError::new(Class::NotVisibleYet, operation, "ECR does not show what was pushed");
                self.find(cx).await?.ok_or_else(late)
            })
            .await?;
        Ok(of(door.node(), &self.repository, &image))
    }

    async fn find(&self, cx: &Aws) -> Result<Option<Standing>, CallError> {
        let images = ownership::found(standing::read(cx, &self.repository).await)?.unwrap_or_default();
        Ok(images.into_iter().find(|image| image.tag == self.tag))
    }
}

fn of(node: &NodeName, repository: &str, image: &Standing) -> Live<Image> {
    Live {
        id: repository.to_owned(),
        node: node.clone(),
        shape: Image { repository: repository.to_owned(), tag: image.tag.clone() },
        outputs: BTreeMap::from([("digest".to_owned(), image.digest.clone())]),
        ready: Ready::Yes,
        tags: Tags::default(),
        owned: true,
        untold: Vec::new(),
    }
}
