//! Stories of visitors, to what somebody has built by hand.

use serde_json::{Value, json};

use crate::wire::{Request, Response};
use crate::{Closed, Sandbox, World};

const ALB: &str = "shop-1.us-west-2.elb.amazonaws.com";
const SITE: &str = "d1.cloudfront.net";

/// A load balancer with a redirect and nothing else, and a distribution with a bucket and that load balancer behind it.
fn built() -> Sandbox {
    let mut world = World::new("us-west-2");
    let balancer = json!({
        "name": "shop", "arn": "alb", "kind": "application", "scheme": "internet-facing", "vpc": "vpc-1", "subnets": [], "groups": [],
        "ip_type": "ipv4", "dns": ALB, "attributes": {}, "tags": {}, "created": 0, "ready_at": 0, "gone_at": null,
    });
    let fixed = json!({ "Type": "fixed-response", "FixedResponseConfig": { "StatusCode": "404", "ContentType": "text/plain", "MessageBody": "nothing here" } });
    let listener = json!({
        "arn": "http", "balancer": "alb", "protocol": "HTTP", "port": 80, "actions": [fixed], "certificates": [], "ssl_policy": null,
        "default_rule": "", "tags": {},
    });
    let redirect = json!({ "Protocol": "HTTPS", "Port": "443", "Host": "#{host}", "Path": "/new/#{path}", "Query": "#{query}", "StatusCode": "HTTP_301" });
    let rule = json!({
        "arn": "old", "listener": "http", "priority": 5, "tags": {}, "actions": [{ "Type": "redirect", "RedirectConfig": redirect }],
        "conditions": [{ "Field": "path-pattern", "PathPatternConfig": { "Values": ["/old/*"] } }],
    });
    world.elbv2.load_balancers.insert("alb".into(), read(balancer));
    world.elbv2.listeners.insert("http".into(), read(listener));
    world.elbv2.rules.insert("old".into(), read(rule));
    let behavior = |origin: &str| json!({ "TargetOriginId": origin, "ViewerProtocolPolicy": "redirect-to-https", "FunctionAssociations": { "Quantity": "0" } });
    let mut api = behavior("api");
    api["PathPattern"] = "/old/*".into();
    let config = json!({
        "Enabled": "true", "DefaultRootObject": "index.html", "DefaultCacheBehavior": behavior("bucket"),
        "CacheBehaviors": { "Quantity": "1", "Items": { "CacheBehavior": api } },
        "CustomErrorResponses": { "Quantity": "0" },
        "Origins": { "Quantity": "2", "Items": { "Origin[]": [
            { "Id": "bucket", "DomainName": "site.s3.us-west-2.amazonaws.com", "OriginAccessControlId": "E1" },
            { "Id": "api", "DomainName": ALB, "CustomOriginConfig": { "OriginProtocolPolicy": "http-only" } },
        ] } },
    });
    let distribution = json!({ "id": "D1", "arn": "site", "domain": SITE, "etag": "", "modified": 0, "deployed_at": 0, "config": config, "tags": {} });
    world.cloudfront.distributions.insert("D1".into(), read(distribution));
    Sandbox::new(world, 1.0)
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap_or_else(|error| panic!("{error}"))
}

async fn visit(sandbox: &Sandbox, url: &str) -> Result<Response, Closed> {
    let (scheme, rest) = url.split_once("://").expect("a scheme");
    let (host, path) = rest.split_once('/').expect("a path");
    let headers = [("host", host), ("x-forwarded-proto", scheme)].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let request = Request { method: "GET".into(), target: format!("/{path}"), headers: headers.into(), body: Vec::new() };
    sandbox.answer(request).await
}

fn header<'r>(response: &'r Response, name: &str) -> &'r str {
    response.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
}

#[tokio::test(start_paused = true)]
async fn a_load_balancer_answers_by_its_rules_and_signs_what_is_its_own() {
    let sandbox = built();
    let nothing = visit(&sandbox, &format!("http://{ALB}/x")).await.unwrap();
    assert_eq!((nothing.status, header(&nothing, "server"), nothing.body.as_slice()), (404, "awselb/2.0", &b"nothing here"[..]));
    let moved = visit(&sandbox, &format!("http://{ALB}/old/a?b=c")).await.unwrap();
    assert_eq!((moved.status, header(&moved, "location")), (301, &*format!("https://{ALB}:443/new/old/a?b=c")));
    assert!(visit(&sandbox, &format!("https://{ALB}/x")).await.is_err(), "nothing listens on 443");
    assert!(visit(&sandbox, "http://other-1.us-west-2.elb.amazonaws.com/").await.is_err(), "no such host");
    assert!(sandbox.with_world(|world| world.calls.is_empty()), "a visit is no call");
}

#[tokio::test(start_paused = true)]
async fn cloudfront_wants_https_and_goes_to_the_origin_of_the_path() {
    let sandbox = built();
    let plain = visit(&sandbox, &format!("http://{SITE}/a?b=c")).await.unwrap();
    assert_eq!((plain.status, header(&plain, "location")), (301, &*format!("https://{SITE}/a?b=c")));
    // There is no such bucket, or it lets nobody read: S3 says the same.
    let page = visit(&sandbox, &format!("https://{SITE}/")).await.unwrap();
    assert_eq!((page.status, header(&page, "server")), (403, "AmazonS3"));
    let api = visit(&sandbox, &format!("https://{SITE}/old/a")).await.unwrap();
    assert_eq!((api.status, header(&api, "server")), (301, "awselb/2.0"));
}

#[tokio::test(start_paused = true)]
async fn an_error_page_takes_the_place_of_an_origin_s_error_and_an_unknown_function_is_said_to_be_unknown() {
    let sandbox = built();
    sandbox.with_world(|world| {
        let config = &mut world.cloudfront.distributions.get_mut("D1").unwrap().config;
        config["CustomErrorResponses"] = json!({ "Quantity": "1", "Items": { "CustomErrorResponse": { "ErrorCode": "403", "ResponsePagePath": "/old/page", "ResponseCode": "200" } } });
        config["DefaultCacheBehavior"]["FunctionAssociations"] = json!({ "Quantity": "1", "Items": { "FunctionAssociation": { "EventType": "viewer-request", "FunctionARN": "f" } } });
    });
    let unknown = visit(&sandbox, &format!("https://{SITE}/")).await.unwrap();
    assert_eq!((unknown.status, header(&unknown, "server")), (503, "CloudFront"));
    sandbox.with_world(|world| {
        let config = &mut world.cloudfront.distributions.get_mut("D1").unwrap().config;
        config["DefaultCacheBehavior"]["FunctionAssociations"] = json!({ "Quantity": "0" });
        config["CacheBehaviors"]["Items"]["CacheBehavior"]["TargetOriginId"] = "bucket".into();
    });
    let page = visit(&sandbox, &format!("https://{SITE}/")).await.unwrap();
    assert_eq!(page.status, 403, "a page that is missing too leaves the error as it is");
}
