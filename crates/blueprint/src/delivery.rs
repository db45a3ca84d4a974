//! The single-page application: bucket, its files, CloudFront, and the API behind the same origin.

use std::collections::BTreeMap;

use landing_aws::cloudfront::{ApiOrigin, Distribution, Function, OriginAccessControl, S3Origin, mark};
use landing_aws::s3::{self, Bucket, BucketPolicy, Publication};
use landing_engine::{Kind, NodeName, Ref, Stack};
use landing_project::{Project, Spa};
use serde_json::json;

use crate::edge::Edge;
use crate::names::fit;
use crate::{Draft, SITE, policy};

pub(crate) struct Site {
    pub(crate) bucket: NodeName,
    pub(crate) distribution: NodeName,
}

/// What is known of the application's files before the graph is drawn.
#[derive(Clone, Debug, Default)]
pub struct SiteFacts {
    /// Key to MD5; `None` when there is no folder with built files.
    pub files: Option<BTreeMap<String, String>>,
    /// What stands in the bucket; looked up only without a folder.
    pub standing: Option<Publication>,
}

/// AWS's managed cache and origin-request policies. Source: `aws-behaviours` 12.2.
const CACHING_OPTIMIZED: &str = "658327ea-f89d-4fab-a63d-7e88639e58f6";
const CACHING_DISABLED: &str = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";
const ALL_VIEWER: &str = "216adef6-5c7f-47e4-b989-5492eafa07d3";

fn site_name(stack: &Stack) -> String {
    format!("{}-spa", stack.prefix())
}

/// Bucket names are unique in the whole world; the account's number makes ours so.
fn bucket_name(stack: &Stack, account: &str) -> String {
    fit(&format!("{}-{account}", site_name(stack)), 63)
}

/// The name of the bucket for the project's single-page application, if it has one.
pub fn site_bucket(project: &Project, account: &str) -> Option<String> {
    project.spa.as_ref().map(|_| bucket_name(&Stack::new(&project.name, &project.env), account))
}

pub(crate) fn draw(draft: &mut Draft<'_>, edge: &Edge) -> Option<Site> {
    let spa = draft.project.spa.as_ref()?;
    draft.notices.extend(draft.project.warnings());
    let name = site_name(&draft.stack);
    let bucket = Bucket {
        name: bucket_name(&draft.stack, &draft.facts.account),
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
    publish(draft, spa, &bucket, &distribution);
    draft.output("bucket", Bucket::NAME.of(&bucket).text());
    draft.output("distribution", Distribution::ID.of(&distribution).text());
    draft.output("url", Ref::join(vec!["https://".into(), Distribution::DOMAIN.of(&distribution).text()]));
    Some(Site { bucket, distribution })
}

fn publish(draft: &mut Draft<'_>, spa: &Spa, bucket: &NodeName, distribution: &NodeName) {
    let Some(facts) = &draft.facts.site else { return };
    let publication = match (&facts.files, &facts.standing) {
        (Some(files), _) => Publication::of(files.clone()),
        (None, standing) => {
            let notice = without_files(spa, standing.as_ref());
            draft.notices.push(notice);
            // What is published stays: nothing is taken away because this machine has not built it.
            let Some(standing) = standing else { return };
            standing.clone()
        }
    };
    let site = s3::Site {
        // Nothing is put into a bucket whose settings are not made yet.
        bucket: Bucket::NAME.of(bucket).when_usable(),
        distribution: Distribution::ID.of(distribution),
        files: publication.files,
        published: publication.published,
    };
    let site = draft.graph.add("spa", &site);
    draft.graph.set_service(&site, SITE);
}

fn without_files(spa: &Spa, standing: Option<&Publication>) -> String {
    let dist = spa.dist.display();
    let stands = match standing {
        Some(standing) => format!("what was published last stays ({} files)", standing.files.len()),
        None => "nothing is published yet".to_owned(),
    };
    let next = match &spa.build {
        Some(build) => format!("`landing up` makes it with `{}`", build.command),
        None => "build the application and run `landing up`, or give its command as `build` under [spa]".to_owned(),
    };
    format!("there is no folder {dist}: {stands}; {next}")
}
