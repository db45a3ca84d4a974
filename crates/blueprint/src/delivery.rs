//! The single-page application: bucket, CloudFront, and the API behind the same origin.

use landing_aws::cloudfront::{ApiOrigin, Distribution, Function, OriginAccessControl, S3Origin, mark};
use landing_aws::s3::{Bucket, BucketPolicy};
use landing_engine::{Kind, NodeName, Ref};
use serde_json::json;

use crate::edge::Edge;
use crate::names::fit;
use crate::{Draft, policy};

pub(crate) struct Site {
    pub(crate) bucket: NodeName,
    pub(crate) distribution: NodeName,
}

/// AWS's managed cache and origin-request policies. Source: `aws-behaviours` 12.2.
const CACHING_OPTIMIZED: &str = "658327ea-f89d-4fab-a63d-7e88639e58f6";
const CACHING_DISABLED: &str = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";
const ALL_VIEWER: &str = "216adef6-5c7f-47e4-b989-5492eafa07d3";

pub(crate) fn draw(draft: &mut Draft<'_>, edge: &Edge) -> Option<Site> {
    let spa = draft.project.spa.as_ref()?;
    let name = format!("{}-spa", draft.prefix);
    let bucket = Bucket {
        // Bucket names are unique in the whole world; the account's number makes ours so.
        name: fit(&format!("{name}-{}", draft.facts.account), 63),
        block_public: true,
        encryption: "AES256".into(),
        versioning: false,
        object_ownership: "BucketOwnerEnforced".into(),
    };
    let bucket = draft.graph.add("spa", &bucket);
    let access = OriginAccessControl {
        name: fit(&name, 64),
        // It can carry no tags: the mark is how a scan without a state file knows it.
        description: mark(&draft.stack, &NodeName::new(OriginAccessControl::NAME, "spa")),
        signing: "always".into(),
        protocol: "sigv4".into(),
        origin_type: "s3".into(),
    };
    let access = draft.graph.add("spa", &access);
    let function = Function {
        name: fit(&name, 64),
        comment: mark(&draft.stack, &NodeName::new(Function::NAME, "spa")),
        runtime: "cloudfront-js-2.0".into(),
        code: include_str!("assets/spa-routing.js").into(),
        published: true,
    };
    let function = draft.graph.add("spa", &function);
    let distribution = Distribution {
        comment: name,
        enabled: true,
        root_object: "index.html".into(),
        price_class: spa.price_class.clone(),
        http_version: "http2and3".into(),
        ipv6: true,
        bucket: S3Origin { domain: Bucket::DOMAIN.of(&bucket).text(), access_control: OriginAccessControl::ID.of(&access) },
        api: edge.alb_domain().filter(|_| !edge.paths.is_empty()).map(|domain| ApiOrigin { domain, read_timeout: 60 }),
        api_paths: edge.paths.clone(),
        // Only a published function may be named.
        function: Some(Function::ARN.of(&function).when_usable()),
        default_cache_policy: CACHING_OPTIMIZED.into(),
        api_cache_policy: CACHING_DISABLED.into(),
        api_origin_request_policy: ALL_VIEWER.into(),
        viewer_protocol: "redirect-to-https".into(),
    };
    let distribution = draft.graph.add("spa", &distribution);
    let read = json!({
        "Sid": "CloudFrontReads",
        "Effect": "Allow",
        "Principal": { "Service": "cloudfront.amazonaws.com" },
        "Action": "s3:GetObject",
        "Resource": policy::below(Bucket::ARN.of(&bucket).text(), "/*"),
        "Condition": { "StringEquals": { "AWS:SourceArn": Distribution::ARN.of(&distribution).text() } },
    });
    draft.graph.add("spa", &BucketPolicy { bucket: Bucket::NAME.of(&bucket), policy: policy::document(vec![read]) });
    draft.output("bucket", Bucket::NAME.of(&bucket).text());
    draft.output("distribution", Distribution::ID.of(&distribution).text());
    draft.output("url", Ref::join(vec!["https://".into(), Distribution::DOMAIN.of(&distribution).text()]));
    Some(Site { bucket, distribution })
}
