//! VPC, subnets, routes, groups and rules.

use serde_json::json;

use super::Sees::{Missing, Never, Replace, Update};
use super::{Entry, Hand, lose_tags};

const ENDPOINT: &str = "ec2.vpc-endpoint.s3";
const RULE: &str = "ec2.security-group-rule.alb-443-from-internet";

/// The default VPC, which every account has.
fn other_vpc(hand: &Hand<'_>) -> String {
    let vpcs = hand.world["ec2"]["vpcs"].as_object().expect("there are VPCs");
    vpcs.iter().find(|(_, vpc)| vpc["default"] == true).map(|(id, _)| id.clone()).expect("there is a default VPC")
}

pub(super) fn table() -> Vec<Entry> {
    // Fixed fields: AWS cannot change them in place, so the change stands for somebody who made the object anew with our tags.
    vec![
        Entry { node: "ec2.vpc.main", field: "cidr", sees: Replace, change: |h| h.set("/cidr", json!("10.9.0.0/16")) },
        Entry { node: "ec2.vpc.main", field: "dns_support", sees: Update, change: |h| h.set("/dns_support", json!(false)) },
        Entry { node: "ec2.vpc.main", field: "dns_hostnames", sees: Update, change: |h| h.set("/dns_hostnames", json!(false)) },
        Entry { node: "ec2.vpc.main", field: "tags", sees: Update, change: lose_tags },
        Entry { node: "ec2.internet-gateway.main", field: "vpc", sees: Update, change: |h| h.set("/vpc", json!(null)) },
        Entry { node: "ec2.internet-gateway.main", field: "tags", sees: Update, change: lose_tags },
        Entry {
            node: "ec2.subnet.private-a",
            field: "vpc",
            sees: Replace,
            change: |h| {
                let vpc = other_vpc(h);
                h.set("/vpc", json!(vpc));
            },
        },
        Entry { node: "ec2.subnet.private-a", field: "cidr", sees: Replace, change: |h| h.set("/cidr", json!("10.0.99.0/24")) },
        Entry { node: "ec2.subnet.private-a", field: "zone", sees: Replace, change: |h| h.set("/zone", json!("us-west-2c")) },
        Entry {
            node: "ec2.subnet.private-a",
            field: "public_ip",
            sees: Update,
            change: |h| h.set("/map_public_ip", json!(true)),
        },
        Entry { node: "ec2.subnet.private-a", field: "tags", sees: Update, change: lose_tags },
        Entry {
            node: "ec2.elastic-ip.nat-a",
            field: "domain",
            sees: Never("every address has been of the domain vpc since AWS retired EC2-Classic"),
            change: |_| {},
        },
        Entry { node: "ec2.elastic-ip.nat-a", field: "tags", sees: Update, change: lose_tags },
        Entry {
            node: "ec2.nat-gateway.a",
            field: "subnet",
            sees: Replace,
            change: |h| {
                let other = h.id("ec2.subnet.public-b");
                h.set("/subnet", json!(other));
            },
        },
        Entry {
            node: "ec2.nat-gateway.a",
            field: "allocation",
            sees: Replace,
            change: |h| {
                // An address of somebody's own, so that the stack's own one is free.
                let own = h.id("ec2.elastic-ip.nat-a");
                let mut address = h.world["ec2"]["addresses"][&own].clone();
                h.world["ec2"]["addresses"][&own]["association"] = json!(null);
                address["id"] = json!("eipalloc-0123456789abcdef0");
                address["ip"] = json!("54.1.2.3");
                address["tags"] = json!({});
                h.world["ec2"]["addresses"]["eipalloc-0123456789abcdef0"] = address;
                h.set("/allocation", json!("eipalloc-0123456789abcdef0"));
            },
        },
        Entry { node: "ec2.nat-gateway.a", field: "tags", sees: Update, change: lose_tags },
        Entry {
            node: "ec2.route-table.private",
            field: "vpc",
            sees: Replace,
            change: |h| {
                let vpc = other_vpc(h);
                h.set("/vpc", json!(vpc));
            },
        },
        Entry {
            node: "ec2.route-table.private",
            field: "routes",
            sees: Update,
            change: |h| {
                h.map("/routes").clear();
            },
        },
        Entry {
            node: "ec2.route-table.private",
            field: "subnets",
            sees: Update,
            change: |h| {
                let first = h.map("/associations").keys().next().cloned().expect("there is an association");
                h.map("/associations").shift_remove(&first);
            },
        },
        Entry { node: "ec2.route-table.private", field: "tags", sees: Update, change: lose_tags },
        Entry {
            node: "ec2.security-group.ops_worker",
            field: "vpc",
            sees: Replace,
            change: |h| {
                let vpc = other_vpc(h);
                h.set("/vpc", json!(vpc));
            },
        },
        Entry { node: "ec2.security-group.ops_worker", field: "name", sees: Replace, change: |h| h.set("/name", json!("other")) },
        Entry {
            node: "ec2.security-group.ops_worker",
            field: "description",
            sees: Replace,
            change: |h| h.set("/description", json!("other")),
        },
        Entry {
            node: "ec2.security-group.ops_worker",
            field: "egress",
            sees: Update,
            change: |h| {
                let group = h.id("ec2.security-group.ops_worker");
                let rules = h.world["ec2"]["rules"].as_object_mut().expect("there are rules");
                let out = rules.values_mut().find(|rule| rule["group"] == group && rule["egress"] == true);
                out.expect("it has a way out")["permission"]["source"] = json!({ "Ipv4": "192.0.2.0/24" });
            },
        },
        Entry { node: "ec2.security-group.ops_worker", field: "tags", sees: Update, change: lose_tags },
        Entry {
            node: RULE,
            field: "group",
            sees: Replace,
            change: |h| {
                let other = h.id("ec2.security-group.nlb");
                h.set("/group", json!(other));
            },
        },
        Entry { node: RULE, field: "protocol", sees: Replace, change: |h| h.set("/permission/protocol", json!("udp")) },
        Entry { node: RULE, field: "from_port", sees: Replace, change: |h| h.set("/permission/from", json!(442)) },
        Entry { node: RULE, field: "to_port", sees: Replace, change: |h| h.set("/permission/to", json!(444)) },
        Entry {
            node: RULE,
            field: "source",
            sees: Replace,
            change: |h| h.set("/permission/source", json!({ "Ipv4": "192.0.2.0/24" })),
        },
        Entry { node: RULE, field: "description", sees: Update, change: |h| h.set("/permission/description", json!("x")) },
        Entry { node: RULE, field: "tags", sees: Update, change: lose_tags },
        Entry {
            node: ENDPOINT,
            field: "vpc",
            sees: Replace,
            change: |h| {
                let vpc = other_vpc(h);
                h.set("/vpc", json!(vpc));
            },
        },
        Entry {
            node: ENDPOINT,
            field: "service",
            sees: Replace,
            change: |h| h.set("/service", json!("com.amazonaws.us-west-2.dynamodb")),
        },
        Entry { node: ENDPOINT, field: "route_tables", sees: Update, change: |h| h.list("/route_tables").clear() },
        Entry { node: ENDPOINT, field: "tags", sees: Update, change: lose_tags },
        Entry { node: "servicediscovery.namespace.main", field: "name", sees: Missing, change: |h| h.remove() },
        Entry {
            node: "servicediscovery.namespace.main",
            field: "description",
            sees: Update,
            change: |h| h.set("/description", json!("other")),
        },
        Entry { node: "servicediscovery.namespace.main", field: "tags", sees: Update, change: lose_tags },
    ]
}
