//! Load balancers, target groups, listeners, rules and CloudFront.

use serde_json::{Value, json};

use super::Sees::{Missing, Never, Replace, Update};
use super::{Entry, Hand, lose_tags};

const ALB: &str = "elbv2.load-balancer.alb";
const GROUP: &str = "elbv2.target-group.keycloak";
const LISTENER: &str = "elbv2.listener.http";
const RULE: &str = "elbv2.rule.keycloak-auth";
const CONTROL: &str = "cloudfront.origin-access-control.spa";
const FUNCTION: &str = "cloudfront.function.spa";
const SITE: &str = "cloudfront.distribution.spa";

fn forward_elsewhere(hand: &mut Hand<'_>) -> Value {
    let other = hand.id("elbv2.target-group.provision_api");
    json!([{ "Type": "forward", "TargetGroupArn": other, "ForwardConfig": { "TargetGroups": [{ "TargetGroupArn": other, "Weight": 1 }], "TargetGroupStickinessConfig": { "Enabled": false } } }])
}

fn behaviours<'a>(hand: &'a mut Hand<'_>) -> &'a mut Vec<Value> {
    hand.list("/config/CacheBehaviors/Items/CacheBehavior[]")
}

pub(super) fn table() -> Vec<Entry> {
    vec![
        Entry { node: ALB, field: "name", sees: Replace, change: |h| h.set("/name", json!("other")) },
        Entry { node: ALB, field: "kind", sees: Never("the type is part of a load balancer's ARN"), change: |_| {} },
        Entry { node: ALB, field: "scheme", sees: Replace, change: |h| h.set("/scheme", json!("internal")) },
        Entry {
            node: ALB,
            field: "subnets",
            sees: Update,
            change: |h| {
                let other = h.id("ec2.subnet.private-b");
                h.set("/subnets/1", json!([other, "us-west-2b"]));
            },
        },
        Entry {
            node: ALB,
            field: "groups",
            sees: Update,
            change: |h| {
                let other = h.id("ec2.security-group.mqtt");
                h.list("/groups").push(json!(other));
            },
        },
        Entry {
            node: ALB,
            field: "attributes",
            sees: Update,
            change: |h| h.set("/attributes/routing.http.drop_invalid_header_fields.enabled", json!("false")),
        },
        Entry { node: ALB, field: "tags", sees: Update, change: lose_tags },
        Entry { node: GROUP, field: "name", sees: Replace, change: |h| h.set("/name", json!("other")) },
        // Nobody can change these of a group, and the blueprint's name for another protocol or port is another one: see `changes`.
        Entry {
            node: GROUP,
            field: "protocol",
            sees: Never("it is fixed, and part of the group's name as a hash"),
            change: |_| {},
        },
        Entry { node: GROUP, field: "port", sees: Never("it is fixed, and part of the group's name as a hash"), change: |_| {} },
        Entry {
            node: GROUP,
            field: "vpc",
            sees: Never("it is fixed, and the name is taken while the group stands"),
            change: |_| {},
        },
        Entry { node: GROUP, field: "health_protocol", sees: Update, change: |h| h.set("/check/protocol", json!("HTTPS")) },
        Entry { node: GROUP, field: "health_path", sees: Update, change: |h| h.set("/check/path", json!("/other")) },
        Entry { node: GROUP, field: "health_port", sees: Update, change: |h| h.set("/check/port", json!("1234")) },
        Entry { node: GROUP, field: "health_codes", sees: Update, change: |h| h.set("/check/matcher", json!("200-499")) },
        Entry { node: GROUP, field: "interval", sees: Update, change: |h| h.set("/check/interval", json!(77)) },
        Entry { node: GROUP, field: "timeout", sees: Update, change: |h| h.set("/check/timeout", json!(9)) },
        Entry { node: GROUP, field: "healthy", sees: Update, change: |h| h.set("/check/healthy", json!(7)) },
        Entry { node: GROUP, field: "unhealthy", sees: Update, change: |h| h.set("/check/unhealthy", json!(7)) },
        Entry {
            node: GROUP,
            field: "deregistration_delay",
            sees: Update,
            change: |h| h.set("/attributes/deregistration_delay.timeout_seconds", json!("300")),
        },
        Entry { node: GROUP, field: "tags", sees: Update, change: lose_tags },
        Entry {
            node: LISTENER,
            field: "load_balancer",
            sees: Never("the load balancer is part of a listener's ARN"),
            change: |_| {},
        },
        Entry { node: LISTENER, field: "port", sees: Replace, change: |h| h.set("/port", json!(8080)) },
        Entry { node: "elbv2.listener.tcp-1883", field: "protocol", sees: Update, change: |h| h.set("/protocol", json!("TLS")) },
        Entry {
            node: LISTENER,
            field: "default",
            sees: Update,
            change: |h| {
                let other = forward_elsewhere(h);
                h.set("/actions", other);
            },
        },
        Entry { node: LISTENER, field: "tags", sees: Update, change: lose_tags },
        Entry { node: RULE, field: "listener", sees: Never("the listener is part of a rule's ARN"), change: |_| {} },
        Entry { node: RULE, field: "priority", sees: Update, change: |h| h.set("/priority", json!(7)) },
        Entry {
            node: RULE,
            field: "paths",
            sees: Update,
            change: |h| {
                h.set("/conditions/0/PathPatternConfig/Values", json!(["/other"]));
                h.set("/conditions/0/Values", json!(["/other"]));
            },
        },
        Entry {
            node: RULE,
            field: "target",
            sees: Update,
            change: |h| {
                let other = forward_elsewhere(h);
                h.set("/actions", other);
            },
        },
        Entry { node: RULE, field: "tags", sees: Update, change: lose_tags },
        Entry {
            node: CONTROL,
            field: "name",
            sees: Never("what a distribution uses cannot be deleted, and its name is how it is found"),
            change: |_| {},
        },
        Entry { node: CONTROL, field: "description", sees: Update, change: |h| h.set("/config/Description", json!("other")) },
        Entry { node: CONTROL, field: "signing", sees: Update, change: |h| h.set("/config/SigningBehavior", json!("never")) },
        Entry { node: CONTROL, field: "protocol", sees: Never("sigv4 is the only one that CloudFront has"), change: |_| {} },
        Entry {
            node: CONTROL,
            field: "origin_type",
            sees: Update,
            change: |h| h.set("/config/OriginAccessControlOriginType", json!("mediastore")),
        },
        Entry { node: FUNCTION, field: "name", sees: Missing, change: |h| h.remove() },
        Entry {
            node: FUNCTION,
            field: "comment",
            sees: Update,
            change: |h| {
                h.set("/development/config/Comment", json!("other"));
                h.set("/live/config/Comment", json!("other"));
            },
        },
        Entry {
            node: FUNCTION,
            field: "runtime",
            sees: Update,
            change: |h| {
                h.set("/development/config/Runtime", json!("cloudfront-js-1.0"));
                h.set("/live/config/Runtime", json!("cloudfront-js-1.0"));
            },
        },
        Entry {
            node: FUNCTION,
            field: "code",
            sees: Update,
            change: |h| {
                h.set("/development/code", json!("Ly8gb3RoZXIK"));
                h.set("/live/code", json!("Ly8gb3RoZXIK"));
            },
        },
        Entry { node: FUNCTION, field: "published", sees: Update, change: |h| h.set("/live", json!(null)) },
        Entry { node: SITE, field: "comment", sees: Update, change: |h| h.set("/config/Comment", json!("other")) },
        Entry { node: SITE, field: "enabled", sees: Update, change: |h| h.set("/config/Enabled", json!("false")) },
        Entry { node: SITE, field: "root_object", sees: Update, change: |h| h.set("/config/DefaultRootObject", json!("x.html")) },
        Entry {
            node: SITE,
            field: "price_class",
            sees: Update,
            change: |h| h.set("/config/PriceClass", json!("PriceClass_All")),
        },
        Entry { node: SITE, field: "http_version", sees: Update, change: |h| h.set("/config/HttpVersion", json!("http1.1")) },
        Entry { node: SITE, field: "ipv6", sees: Update, change: |h| h.set("/config/IsIPV6Enabled", json!("false")) },
        Entry {
            node: SITE,
            field: "bucket",
            sees: Update,
            change: |h| h.set("/config/Origins/Items/Origin[]/0/DomainName", json!("other.s3.us-west-2.amazonaws.com")),
        },
        Entry {
            node: SITE,
            field: "api",
            sees: Update,
            change: |h| h.set("/config/Origins/Items/Origin[]/1/CustomOriginConfig/OriginReadTimeout", json!("7")),
        },
        Entry {
            node: SITE,
            field: "api_paths",
            sees: Update,
            change: |h| {
                behaviours(h).pop();
                let left = behaviours(h).len().to_string();
                h.set("/config/CacheBehaviors/Quantity", json!(left));
            },
        },
        Entry {
            node: SITE,
            field: "function",
            sees: Update,
            change: |h| h.set("/config/DefaultCacheBehavior/FunctionAssociations", json!({ "Quantity": "0" })),
        },
        Entry {
            node: SITE,
            field: "default_cache_policy",
            sees: Update,
            change: |h| {
                h.set("/config/DefaultCacheBehavior/CachePolicyId", json!("4135ea2d-6df8-44a3-9df3-4b5a84be39ad"));
            },
        },
        Entry {
            node: SITE,
            field: "api_cache_policy",
            sees: Update,
            change: |h| {
                for behaviour in behaviours(h) {
                    behaviour["CachePolicyId"] = json!("658327ea-f89d-4fab-a63d-7e88639e58f6");
                }
            },
        },
        Entry {
            node: SITE,
            field: "api_origin_request_policy",
            sees: Update,
            change: |h| {
                for behaviour in behaviours(h) {
                    behaviour["OriginRequestPolicyId"] = json!("b689b0a8-53d0-40ab-baf2-68738e2966ac");
                }
            },
        },
        Entry {
            node: SITE,
            field: "viewer_protocol",
            sees: Update,
            change: |h| {
                h.set("/config/DefaultCacheBehavior/ViewerProtocolPolicy", json!("allow-all"));
                for behaviour in behaviours(h) {
                    behaviour["ViewerProtocolPolicy"] = json!("allow-all");
                }
            },
        },
        Entry { node: SITE, field: "tags", sees: Update, change: lose_tags },
    ]
}
