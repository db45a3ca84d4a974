//! Target groups (catalogue, section 10.2).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::targets::Target;
use super::{Elbv2, attributes, balancers_of, name, need, paged, tagging, target_group_has_listener, validation};
use crate::call::{Call, text};
use crate::fault::Fault;
use crate::services::{network, quotas};
use crate::tags::Tags;
use crate::wire::Reply;
use crate::world::World;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TargetGroup {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) protocol: String,
    pub(crate) version: Option<String>,
    pub(crate) port: i64,
    pub(crate) vpc: String,
    pub(crate) target_type: String,
    pub(crate) ip_type: String,
    pub(crate) check: Check,
    pub(crate) attributes: attributes::Attributes,
    pub(crate) tags: Tags,
    /// By `<id>:<port>`.
    pub(crate) targets: BTreeMap<String, Target>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Check {
    pub(crate) protocol: String,
    pub(crate) port: String,
    pub(crate) path: Option<String>,
    pub(crate) interval: i64,
    pub(crate) timeout: i64,
    pub(crate) healthy: i64,
    pub(crate) unhealthy: i64,
    pub(crate) matcher: Option<String>,
}

impl TargetGroup {
    pub(crate) fn is_http(&self) -> bool {
        is_http(&self.protocol)
    }
}

fn is_http(protocol: &str) -> bool {
    matches!(protocol, "HTTP" | "HTTPS")
}

pub(super) fn not_found(arn: &str) -> Fault {
    Fault::new("TargetGroupNotFound", format!("Target group '{arn}' not found"))
}

pub(super) fn of<'a>(elb: &'a mut Elbv2, arn: &str) -> Result<&'a mut TargetGroup, Fault> {
    if !arn.contains(":targetgroup/") {
        return Err(validation(format!("'{arn}' is not a valid target group ARN")));
    }
    elb.target_groups.get_mut(arn).ok_or_else(|| not_found(arn))
}

/// The given parameters over `base`, checked.
fn check(call: &Call, base: Check) -> Result<Check, Fault> {
    let ranged = |key: &str, range: std::ops::RangeInclusive<i64>, old: i64| match call.number(key) {
        Some(value) if !range.contains(&value) => {
            Err(validation(format!("{key} '{value}' must be between '{}' and '{}'", range.start(), range.end())))
        }
        given => Ok(given.unwrap_or(old)),
    };
    let protocol = call.opt("HealthCheckProtocol").unwrap_or(base.protocol);
    if !matches!(protocol.as_str(), "HTTP" | "HTTPS" | "TCP") {
        return Err(validation(format!("Health check protocol '{protocol}' is not valid")));
    }
    let http = is_http(&protocol);
    let path = call.opt("HealthCheckPath");
    if !http && path.is_some() {
        return Err(validation(format!("Health check path is not supported for health checks with protocol {protocol}")));
    }
    let path = path.or(base.path).or_else(|| Some("/".into()));
    if path.as_ref().is_some_and(|path| !path.starts_with('/') || path.len() > 1024) {
        return Err(validation("Health check path must begin with '/' and have at most 1024 characters"));
    }
    let matcher = text(&call.input["Matcher"]["HttpCode"]).or_else(|| text(&call.input["Matcher"]["GrpcCode"])).or(base.matcher);
    let port = call.opt("HealthCheckPort").unwrap_or(base.port);
    if port != "traffic-port" && !port.parse().is_ok_and(|port: u16| port > 0) {
        return Err(validation(format!("Health check port '{port}' must be 'traffic-port' or a number")));
    }
    let made = Check {
        port,
        interval: ranged("HealthCheckIntervalSeconds", 5..=300, base.interval)?,
        timeout: ranged("HealthCheckTimeoutSeconds", 2..=120, base.timeout)?,
        healthy: ranged("HealthyThresholdCount", 2..=10, base.healthy)?,
        unhealthy: ranged("UnhealthyThresholdCount", 2..=10, base.unhealthy)?,
        path: path.filter(|_| http),
        matcher: http.then(|| matcher.unwrap_or_else(|| "200-399".into())),
        protocol,
    };
    if made.timeout > made.interval || (made.timeout == made.interval && http) {
        return Err(validation(format!(
            "Health check interval must be greater than the timeout: {} and {}",
            made.interval, made.timeout
        )));
    }
    Ok(made)
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let name = name(call, "Target group")?;
    let target_type = call.opt("TargetType").unwrap_or_else(|| "instance".into());
    if !matches!(target_type.as_str(), "ip" | "instance") {
        return Err(validation(format!("Target type '{target_type}' is not valid, or not modelled by the sandbox")));
    }
    let protocol = call.opt("Protocol").ok_or_else(|| validation("A protocol must be specified"))?;
    if !matches!(protocol.as_str(), "HTTP" | "HTTPS" | "TCP" | "TLS" | "UDP" | "TCP_UDP") {
        return Err(validation(format!("Protocol '{protocol}' is not valid, or not modelled by the sandbox")));
    }
    let http = is_http(&protocol);
    let port = call.number("Port").ok_or_else(|| validation("A port must be specified"))?;
    if !(1..=65_535).contains(&port) {
        return Err(validation(format!("Port '{port}' must be between '1' and '65535'")));
    }
    let vpc = call.opt("VpcId").ok_or_else(|| validation("A VPC ID must be specified"))?;
    if !network::vpc_exists(world, &vpc) {
        return Err(validation(format!("The VPC ID '{vpc}' is not found")));
    }
    let version = call.opt("ProtocolVersion");
    let version = if http { version.or_else(|| Some("HTTP1".into())) } else { version };
    match version.as_deref() {
        Some("HTTP1" | "HTTP2" | "GRPC") if http => {}
        None => {}
        Some(other) => {
            return Err(validation(format!("Protocol version '{other}' is not valid for protocol {protocol}")));
        }
    }
    let base = Check {
        protocol: if http { "HTTP" } else { "TCP" }.into(),
        port: "traffic-port".into(),
        path: None,
        interval: 30,
        timeout: match (http, call.opt("HealthCheckProtocol").as_deref()) {
            (true, _) => 5,
            (false, Some("HTTP" | "HTTPS")) => 6,
            (false, _) => 10,
        },
        healthy: 5,
        unhealthy: 2,
        matcher: http.then(|| if version.as_deref() == Some("GRPC") { "12" } else { "200" }.into()),
    };
    let check = check(call, base)?;
    let tags = tagging::read(call)?;
    let hex = world.hex();
    let arn = world.arn("elasticloadbalancing", &format!("targetgroup/{name}/{}", &hex[..16]));
    let ip_type = call.opt("IpAddressType").unwrap_or_else(|| "ipv4".into());
    let group = TargetGroup {
        name,
        arn: arn.clone(),
        protocol,
        version,
        port,
        vpc,
        target_type,
        ip_type,
        check,
        attributes: Default::default(),
        tags,
        targets: BTreeMap::new(),
    };
    if let Some(old) = world.elbv2.target_groups.values().find(|old| old.name == group.name) {
        let settings = |g: &TargetGroup| {
            (
                g.protocol.clone(),
                g.version.clone(),
                g.port,
                g.vpc.clone(),
                g.target_type.clone(),
                g.ip_type.clone(),
                g.check.clone(),
            )
        };
        return if settings(old) == settings(&group) {
            Ok(json!({ "TargetGroups": [shape(world, old)] }).into())
        } else {
            Err(Fault::new(
                "DuplicateTargetGroupName",
                format!("A target group with the same name '{}' exists, but with different settings", group.name),
            ))
        };
    }
    quotas::TARGET_GROUPS.one_more(world, world.elbv2.target_groups.len())?;
    let body = json!({ "TargetGroups": [shape(world, &group)] });
    world.elbv2.target_groups.insert(arn, group);
    Ok(body.into())
}

fn shape(world: &World, group: &TargetGroup) -> Value {
    let check = &group.check;
    let mut body = json!({
        "TargetGroupArn": group.arn,
        "TargetGroupName": group.name,
        "Protocol": group.protocol,
        "Port": group.port,
        "VpcId": group.vpc,
        "HealthCheckProtocol": check.protocol,
        "HealthCheckPort": check.port,
        "HealthCheckEnabled": true,
        "HealthCheckIntervalSeconds": check.interval,
        "HealthCheckTimeoutSeconds": check.timeout,
        "HealthyThresholdCount": check.healthy,
        "UnhealthyThresholdCount": check.unhealthy,
        "HealthCheckPath": check.path,
        "LoadBalancerArns": balancers_of(world, &group.arn),
        "TargetType": group.target_type,
        "ProtocolVersion": group.version,
        "IpAddressType": group.ip_type,
    });
    if let Some(matcher) = &check.matcher {
        let key = if group.version.as_deref() == Some("GRPC") { "GrpcCode" } else { "HttpCode" };
        body["Matcher"] = json!({ key: matcher });
    }
    body
}

pub(super) fn describe(world: &World, call: &Call) -> Result<Reply, Fault> {
    let (arns, names, balancer) = (call.strings("TargetGroupArns"), call.strings("Names"), call.opt("LoadBalancerArn"));
    if [!arns.is_empty(), !names.is_empty(), balancer.is_some()].iter().filter(|given| **given).count() > 1 {
        return Err(validation(
            "Target group ARNs, target group names and a load balancer ARN cannot be specified at the same time",
        ));
    }
    let all = &world.elbv2.target_groups;
    if let Some(arn) = arns.iter().find(|arn| !all.contains_key(*arn)) {
        return Err(not_found(arn));
    }
    if names.iter().any(|name| !all.values().any(|group| group.name == *name)) {
        return Err(Fault::new("TargetGroupNotFound", "One or more target groups not found"));
    }
    if let Some(arn) = &balancer
        && !world.elbv2.load_balancers.contains_key(arn)
    {
        return Err(super::load_balancers::not_found(arn));
    }
    let found = all
        .values()
        .filter(|group| arns.is_empty() || arns.contains(&group.arn))
        .filter(|group| names.is_empty() || names.contains(&group.name))
        .filter(|group| balancer.as_ref().is_none_or(|arn| balancers_of(world, &group.arn).contains(arn)));
    paged(call, "TargetGroups", found.map(|group| shape(world, group)).collect())
}

/// Health checks only: everything else is fixed at birth.
pub(super) fn modify(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let arn = need(call, "TargetGroupArn")?;
    let group = of(&mut world.elbv2, &arn)?;
    group.check = check(call, group.check.clone())?;
    let group = group.clone();
    Ok(json!({ "TargetGroups": [shape(world, &group)] }).into())
}

/// Succeeds when there is nothing.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let arn = need(call, "TargetGroupArn")?;
    if target_group_has_listener(world, &arn) {
        return Err(Fault::new("ResourceInUse", format!("Target group '{arn}' is currently in use by a listener or a rule")));
    }
    match of(&mut world.elbv2, &arn) {
        Err(fault) if fault.code != "TargetGroupNotFound" => return Err(fault),
        _ => world.elbv2.target_groups.remove(&arn),
    };
    Ok(json!({}).into())
}
