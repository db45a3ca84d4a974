//! Attributes of load balancers and target groups: the defaults as AWS returns them, and what may be set.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{load_balancers, need, target_groups, validation};
use crate::call::{Call, text};
use crate::fault::Fault;
use crate::wire::Reply;
use crate::world::World;

pub(crate) type Attributes = BTreeMap<String, String>;

const APPLICATION: &[(&str, &str)] = &[
    ("access_logs.s3.enabled", "false"),
    ("access_logs.s3.bucket", ""),
    ("access_logs.s3.prefix", ""),
    ("idle_timeout.timeout_seconds", "60"),
    ("deletion_protection.enabled", "false"),
    ("routing.http2.enabled", "true"),
    ("routing.http.drop_invalid_header_fields.enabled", "false"),
    ("routing.http.xff_client_port.enabled", "false"),
    ("routing.http.preserve_host_header.enabled", "false"),
    ("routing.http.xff_header_processing.mode", "append"),
    ("load_balancing.cross_zone.enabled", "true"),
    ("routing.http.desync_mitigation_mode", "defensive"),
    ("client_keep_alive.seconds", "3600"),
    ("waf.fail_open.enabled", "false"),
    ("routing.http.x_amzn_tls_version_and_cipher_suite.enabled", "false"),
    ("zonal_shift.config.enabled", "false"),
    ("connection_logs.s3.enabled", "false"),
    ("connection_logs.s3.bucket", ""),
    ("connection_logs.s3.prefix", ""),
];
const NETWORK: &[(&str, &str)] = &[
    ("access_logs.s3.enabled", "false"),
    ("access_logs.s3.bucket", ""),
    ("access_logs.s3.prefix", ""),
    ("deletion_protection.enabled", "false"),
    ("load_balancing.cross_zone.enabled", "false"),
    ("dns_record.client_routing_policy", "any_availability_zone"),
    ("zonal_shift.config.enabled", "false"),
];
const HTTP_GROUP: &[(&str, &str)] = &[
    ("stickiness.enabled", "false"),
    ("deregistration_delay.timeout_seconds", "300"),
    ("stickiness.type", "lb_cookie"),
    ("stickiness.lb_cookie.duration_seconds", "86400"),
    ("stickiness.app_cookie.cookie_name", ""),
    ("stickiness.app_cookie.duration_seconds", "86400"),
    ("slow_start.duration_seconds", "0"),
    ("load_balancing.algorithm.type", "round_robin"),
    ("load_balancing.algorithm.anomaly_mitigation", "off"),
    ("load_balancing.cross_zone.enabled", "use_load_balancer_configuration"),
    ("target_group_health.dns_failover.minimum_healthy_targets.count", "1"),
    ("target_group_health.dns_failover.minimum_healthy_targets.percentage", "off"),
    ("target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "1"),
    ("target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage", "off"),
];
const TCP_GROUP: &[(&str, &str)] = &[
    ("stickiness.enabled", "false"),
    ("deregistration_delay.timeout_seconds", "300"),
    ("deregistration_delay.connection_termination.enabled", "false"),
    ("stickiness.type", "source_ip"),
    ("proxy_protocol_v2.enabled", "false"),
    ("preserve_client_ip.enabled", "false"),
    ("load_balancing.cross_zone.enabled", "use_load_balancer_configuration"),
    ("target_group_health.dns_failover.minimum_healthy_targets.count", "1"),
    ("target_group_health.dns_failover.minimum_healthy_targets.percentage", "off"),
    ("target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "1"),
    ("target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage", "off"),
    ("target_health_state.unhealthy.connection_termination.enabled", "true"),
    ("target_health_state.unhealthy.draining_interval_seconds", "0"),
];

/// Numbers have a range; switches are true or false.
fn check(defaults: &[(&str, &str)], key: &str, value: &str, what: &str) -> Result<(), Fault> {
    let Some((_, default)) = defaults.iter().find(|(known, _)| *known == key) else {
        return Err(validation(format!("{what} attribute key '{key}' is not recognized")));
    };
    let range = match key {
        "idle_timeout.timeout_seconds" => Some(1..=4000),
        "client_keep_alive.seconds" => Some(60..=604_800),
        "deregistration_delay.timeout_seconds" => Some(0..=3600),
        "stickiness.lb_cookie.duration_seconds" | "stickiness.app_cookie.duration_seconds" => Some(1..=604_800),
        // 0 turns it off.
        "slow_start.duration_seconds" if value != "0" => Some(30..=900),
        _ => None,
    };
    let fits = match range {
        Some(range) => value.parse().is_ok_and(|number: u32| range.contains(&number)),
        None => !matches!(*default, "true" | "false") || matches!(value, "true" | "false"),
    };
    if fits { Ok(()) } else { Err(validation(format!("{what} attribute value '{value}' for '{key}' is not valid"))) }
}

fn merged(defaults: &[(&str, &str)], set: &Attributes) -> Reply {
    let value = |key: &str, default: &str| set.get(key).cloned().unwrap_or_else(|| default.to_owned());
    let list: Value = defaults.iter().map(|(key, default)| json!({ "Key": key, "Value": value(key, default) })).collect();
    json!({ "Attributes": list }).into()
}

fn change(call: &Call, defaults: &[(&str, &str)], set: &mut Attributes, what: &str) -> Result<Reply, Fault> {
    let mut changed = set.clone();
    if call.list("Attributes").is_empty() {
        return Err(validation("The request must contain the parameter Attributes"));
    }
    for attribute in call.list("Attributes") {
        let key = text(&attribute["Key"]).unwrap_or_default();
        let value = text(&attribute["Value"]).unwrap_or_default();
        check(defaults, &key, &value, what)?;
        changed.insert(key, value);
    }
    *set = changed;
    Ok(merged(defaults, set))
}

pub(super) fn describe_load_balancer(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let balancer = load_balancers::of(&mut world.elbv2, &need(call, "LoadBalancerArn")?)?;
    Ok(merged(if balancer.is_application() { APPLICATION } else { NETWORK }, &balancer.attributes))
}

pub(super) fn modify_load_balancer(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let balancer = load_balancers::of(&mut world.elbv2, &need(call, "LoadBalancerArn")?)?;
    let defaults = if balancer.is_application() { APPLICATION } else { NETWORK };
    change(call, defaults, &mut balancer.attributes, "Load balancer")
}

pub(super) fn describe_target_group(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let group = target_groups::of(&mut world.elbv2, &need(call, "TargetGroupArn")?)?;
    Ok(merged(if group.is_http() { HTTP_GROUP } else { TCP_GROUP }, &group.attributes))
}

pub(super) fn modify_target_group(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let group = target_groups::of(&mut world.elbv2, &need(call, "TargetGroupArn")?)?;
    let defaults = if group.is_http() { HTTP_GROUP } else { TCP_GROUP };
    change(call, defaults, &mut group.attributes, "Target group")
}
