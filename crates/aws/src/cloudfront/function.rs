//! Function: JavaScript that CloudFront runs on every request of a viewer, such as the routing of a single-page application.
//!
//! Made and changed in the stage DEVELOPMENT; a distribution runs what is published to LIVE, so whoever names it must wait until it is usable. Found
//! without tags: by its name, which is also its id, or the mark in its comment.
//! Source: CloudFront API Reference, `CreateFunction`, `PublishFunction`; `aws-behaviours` 12.3.

use std::collections::BTreeMap;

use aws_sdk_cloudfront::error::SdkError;
use aws_sdk_cloudfront::operation::get_function::GetFunctionError;
use aws_sdk_cloudfront::primitives::Blob;
use aws_sdk_cloudfront::types::{FunctionConfig, FunctionRuntime, FunctionStage, FunctionSummary};
use futures_util::future::try_join_all;
use landing_engine::{CallError, Changed, Class, Door, Gone, Kind, Live, NodeName, Output, Ready, Scan, Stack, Tags, Traits};
use serde::{Deserialize, Serialize};

use crate::{Aws, FunctionArn, IntoCallError, ownership};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Function {
    /// 64 characters at most, unique in the account.
    pub name: String,
    /// 128 characters at most.
    pub comment: String,
    /// `cloudfront-js-2.0`.
    pub runtime: String,
    /// 10 KB at most.
    pub code: String,
    /// Whether LIVE runs this very code. Cannot be taken back.
    pub published: bool,
}

impl Function {
    /// Known at once, but a distribution is refused while nothing is published: refer to it `when_usable`.
    pub const ARN: Output<FunctionArn> = Output::held("arn");
}

impl Kind for Function {
    type Cx = Aws;
    const NAME: &'static str = "cloudfront.function";
    const TRAITS: Traits = Traits { fixed: &["name"], tagged: false, ..Traits::DEFAULT };

    async fn scan(cx: &Aws, scan: &Scan) -> Result<Vec<Live<Self>>, CallError> {
        let mut found = Vec::new();
        let mut marker = None;
        loop {
            let call = cx.cloudfront.list_functions().stage(FunctionStage::Development).set_marker(marker);
            let Some(list) = call.send().await.call("cloudfront:ListFunctions")?.function_list else { break };
            for summary in list.items() {
                let node = super::node_of(scan, summary.name(), summary.name(), comment(summary));
                found.extend(node.map(|node| (node, summary.clone())));
            }
            marker = list.next_marker.filter(|marker| !marker.is_empty());
            if marker.is_none() {
                break;
            }
        }
        let lives = try_join_all(found.into_iter().map(|(node, summary)| live(cx, node, summary))).await?;
        Ok(lives.into_iter().flatten().collect())
    }

    async fn read(cx: &Aws, _: &Stack, node: &NodeName, id: &str) -> Result<Option<Live<Self>>, CallError> {
        let call = cx.cloudfront.describe_function().name(id).stage(FunctionStage::Development);
        let summary =
            ownership::found(call.send().await.call("cloudfront:DescribeFunction"))?.and_then(|reply| reply.function_summary);
        match summary {
            Some(summary) => live(cx, node.clone(), summary).await,
            None => Ok(None),
        }
    }

    async fn create(&self, cx: &Aws, door: &Door<'_>) -> Result<Live<Self>, CallError> {
        let operation = "cloudfront:CreateFunction";
        door.call(operation, || async {
            let call = cx.cloudfront.create_function().name(&self.name).function_config(self.config());
            match call.function_code(Blob::new(self.code.as_bytes())).send().await.call(operation) {
                Ok(reply) => {
                    let shape = Self { published: false, ..self.clone() };
                    Ok(of(door.node().clone(), arn(reply.function_summary()), shape))
                }
                // Without tags the deterministic name is all the proof there is.
                Err(error) if error.class == Class::AlreadyExists => {
                    let found = Self::read(cx, door.stack(), door.node(), &self.name).await?;
                    found.ok_or(CallError { class: Class::NotVisibleYet, ..error })
                }
                Err(error) => Err(error),
            }
        })
        .await
    }

    async fn update(&self, cx: &Aws, door: &Door<'_>, live: &Live<Self>, changed: &Changed) -> Result<Live<Self>, CallError> {
        if changed.any(&["comment", "runtime", "code"]) {
            let operation = "cloudfront:UpdateFunction";
            door.call(operation, || async {
                let call = cx.cloudfront.update_function().name(&self.name).set_if_match(etag(cx, &self.name).await?);
                let call = call.function_config(self.config()).function_code(Blob::new(self.code.as_bytes()));
                call.send().await.call(operation)
            })
            .await?;
        }
        // What changed in DEVELOPMENT is not in LIVE, whatever was published before.
        if self.published {
            let operation = "cloudfront:PublishFunction";
            let sent = door.call(operation, || async {
                let call = cx.cloudfront.publish_function().name(&self.name).set_if_match(etag(cx, &self.name).await?);
                call.send().await.call(operation)
            });
            match sent.await {
                // What has no stages takes the function as it is.
                Err(error) if error.class == Class::Unserved => {
                    return Ok(Live { untold: vec!["published"], ..live.with(self) });
                }
                sent => sent.map(|_| ())?,
            }
        }
        Ok(live.with(self))
    }

    async fn delete(cx: &Aws, door: &Door<'_>, live: &Live<Self>) -> Result<Gone, CallError> {
        let operation = "cloudfront:DeleteFunction";
        let call = || async {
            let call = cx.cloudfront.delete_function().name(&live.id).set_if_match(etag(cx, &live.id).await?);
            call.send().await.call(operation)
        };
        ownership::gone(door.call(operation, call).await)
    }
}

impl Function {
    fn config(&self) -> FunctionConfig {
        let runtime = FunctionRuntime::from(self.runtime.as_str());
        FunctionConfig::builder().comment(&self.comment).runtime(runtime).build().expect("comment and runtime are set")
    }
}

/// Of DEVELOPMENT, which every change wants; read anew for every attempt, because a stale one is refused.
async fn etag(cx: &Aws, name: &str) -> Result<Option<String>, CallError> {
    let call = cx.cloudfront.describe_function().name(name).stage(FunctionStage::Development);
    call.send().await.call("cloudfront:DescribeFunction").map(|reply| reply.e_tag)
}

/// The function with its code of both stages.
async fn live(cx: &Aws, node: NodeName, summary: FunctionSummary) -> Result<Option<Live<Function>>, CallError> {
    let code = |stage: FunctionStage| cx.cloudfront.get_function().name(summary.name()).stage(stage).send();
    let (development, published) = tokio::join!(code(FunctionStage::Development), code(FunctionStage::Live));
    let Some(development) = text(development)? else { return Ok(None) };
    let shape = Function {
        name: summary.name().to_owned(),
        comment: comment(&summary).to_owned(),
        runtime: summary.function_config().map_or("", |config| config.runtime().as_str()).to_owned(),
        published: text(published)?.is_some_and(|published| published == development),
        code: development,
    };
    Ok(Some(of(node, arn(Some(&summary)), shape)))
}

type Reply = aws_sdk_cloudfront::operation::get_function::GetFunctionOutput;

fn text(reply: Result<Reply, SdkError<GetFunctionError>>) -> Result<Option<String>, CallError> {
    let code = ownership::found(reply.call("cloudfront:GetFunction"))?.and_then(|reply| reply.function_code);
    Ok(code.map(|code| String::from_utf8_lossy(code.as_ref()).into_owned()))
}

fn comment(summary: &FunctionSummary) -> &str {
    summary.function_config().map_or("", |config| config.comment())
}

fn arn(summary: Option<&FunctionSummary>) -> String {
    summary.and_then(|summary| summary.function_metadata()).map_or("", |metadata| metadata.function_arn()).to_owned()
}

fn of(node: NodeName, arn: String, shape: Function) -> Live<Function> {
    Live {
        node,
        id: shape.name.clone(),
        outputs: BTreeMap::from([("arn".to_owned(), arn)]),
        shape,
        ready: Ready::Yes,
        tags: Tags::new(),
        owned: true,
        untold: Vec::new(),
    }
}
