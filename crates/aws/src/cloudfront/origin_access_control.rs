//! Origin access control: how a distribution signs its requests to a bucket.
//!
//! It has no tags: known by its name, its id in the state, or the mark in its description.
//! Source: CloudFront API Reference, `CreateOriginAccessControl`; `aws-behaviours` 12.1.

use std::collections::BTreeMap;

use aws_sdk_cloudfront::types::{
    OriginAccessControlConfig, OriginAccessControlOriginTypes, OriginAccessControlSigningBehaviors,
    OriginAccessControlSigningProtocols, OriginAccessControlSummary,
};
use landing_engine::{CallError, Changed, Class, Door, Gone, Kind, Live, NodeName, Output, Ready, Scan, Stack, Tags, Traits};
use serde::{Deserialize, Serialize};

use crate::{Aws, IntoCallError, OriginAccessControlId, ownership};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OriginAccessControl {
    /// 64 characters at most, unique in the account.
    pub name: String,
    pub description: String,
    /// `always`, `never` or `no-override`.
    pub signing: String,
    /// `sigv4`.
    pub protocol: String,
    /// `s3`.
    pub origin_type: String,
}

impl OriginAccessControl {
    pub const ID: Output<OriginAccessControlId> = Output::held("id");
}

impl Kind for OriginAccessControl {
    type Cx = Aws;
    const NAME: &'static str = "cloudfront.origin-access-control";
    const TRAITS: Traits = Traits { fixed: &["name"], tagged: false, ..Traits::DEFAULT };

    async fn scan(cx: &Aws, scan: &Scan) -> Result<Vec<Live<Self>>, CallError> {
        let node = |found: &OriginAccessControlSummary| super::node_of(scan, found.id(), found.name(), found.description());
        Ok(list(cx).await?.iter().filter_map(|found| Some(Live { node: node(found)?, ..of(found.id(), shape(found)) })).collect())
    }

    async fn read(cx: &Aws, _: &Stack, node: &NodeName, id: &str) -> Result<Option<Live<Self>>, CallError> {
        let reply = cx.cloudfront.get_origin_access_control().id(id).send().await.call("cloudfront:GetOriginAccessControl");
        let control = ownership::found(reply)?.and_then(|reply| reply.origin_access_control);
        let config = control.and_then(|control| control.origin_access_control_config);
        Ok(config.map(|config| Live { node: node.clone(), ..of(id, configured(&config)) }))
    }

    async fn create(&self, cx: &Aws, door: &Door<'_>) -> Result<Live<Self>, CallError> {
        let operation = "cloudfront:CreateOriginAccessControl";
        door.call(operation, || async {
            let call = cx.cloudfront.create_origin_access_control().origin_access_control_config(self.config());
            let made = match call.send().await.call(operation) {
                Ok(reply) => of(reply.origin_access_control().map_or("", |control| control.id()), self.clone()),
                // Without tags the deterministic name is all the proof there is.
                Err(error) if error.class == Class::AlreadyExists => {
                    let found = list(cx).await?.into_iter().find(|found| found.name() == self.name);
                    let found = found.ok_or(CallError { class: Class::NotVisibleYet, ..error })?;
                    of(found.id(), shape(&found))
                }
                Err(error) => return Err(error),
            };
            Ok(Live { node: door.node().clone(), ..made })
        })
        .await
    }

    async fn update(&self, cx: &Aws, door: &Door<'_>, live: &Live<Self>, _: &Changed) -> Result<Live<Self>, CallError> {
        let operation = "cloudfront:UpdateOriginAccessControl";
        door.call(operation, || async {
            let call = cx.cloudfront.update_origin_access_control().id(&live.id).set_if_match(etag(cx, &live.id).await?);
            call.origin_access_control_config(self.config()).send().await.call(operation)
        })
        .await?;
        Ok(live.with(self))
    }

    async fn delete(cx: &Aws, door: &Door<'_>, live: &Live<Self>) -> Result<Gone, CallError> {
        let operation = "cloudfront:DeleteOriginAccessControl";
        let call = || async {
            let call = cx.cloudfront.delete_origin_access_control().id(&live.id).set_if_match(etag(cx, &live.id).await?);
            call.send().await.call(operation)
        };
        ownership::gone(door.call(operation, call).await)
    }
}

impl OriginAccessControl {
    fn config(&self) -> OriginAccessControlConfig {
        OriginAccessControlConfig::builder()
            .name(&self.name)
            .description(&self.description)
            .signing_behavior(OriginAccessControlSigningBehaviors::from(self.signing.as_str()))
            .signing_protocol(OriginAccessControlSigningProtocols::from(self.protocol.as_str()))
            .origin_access_control_origin_type(OriginAccessControlOriginTypes::from(self.origin_type.as_str()))
            .build()
            .expect("all members are set")
    }
}

/// Read anew for every attempt, because a stale one is refused.
async fn etag(cx: &Aws, id: &str) -> Result<Option<String>, CallError> {
    let reply = cx.cloudfront.get_origin_access_control().id(id).send().await;
    reply.call("cloudfront:GetOriginAccessControl").map(|reply| reply.e_tag)
}

pub(crate) async fn list(cx: &Aws) -> Result<Vec<OriginAccessControlSummary>, CallError> {
    let mut pages = cx.cloudfront.list_origin_access_controls().into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let list = page.call("cloudfront:ListOriginAccessControls")?.origin_access_control_list;
        found.extend(list.and_then(|list| list.items).unwrap_or_default());
    }
    Ok(found)
}

fn shape(found: &OriginAccessControlSummary) -> OriginAccessControl {
    OriginAccessControl {
        name: found.name().to_owned(),
        description: found.description().to_owned(),
        signing: found.signing_behavior().as_str().to_owned(),
        protocol: found.signing_protocol().as_str().to_owned(),
        origin_type: found.origin_access_control_origin_type().as_str().to_owned(),
    }
}

fn configured(config: &OriginAccessControlConfig) -> OriginAccessControl {
    OriginAccessControl {
        name: config.name().to_owned(),
        description: config.description().unwrap_or_default().to_owned(),
        signing: config.signing_behavior().as_str().to_owned(),
        protocol: config.signing_protocol().as_str().to_owned(),
        origin_type: config.origin_access_control_origin_type().as_str().to_owned(),
    }
}

/// The node's name is put in by the caller.
fn of(id: &str, shape: OriginAccessControl) -> Live<OriginAccessControl> {
    Live {
        node: NodeName::new(OriginAccessControl::NAME, &shape.name),
        outputs: BTreeMap::from([("id".to_owned(), id.to_owned())]),
        id: id.to_owned(),
        shape,
        ready: Ready::Yes,
        tags: Tags::new(),
        owned: true,
        untold: Vec::new(),
    }
}
