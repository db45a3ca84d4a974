//! Load balancers (catalogue, section 10.1).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Elbv2, attributes, name, need, paged, tagging, validation};
use crate::answer::iso;
use crate::call::{Call, text};
use crate::clock::Millis;
use crate::fault::Fault;
use crate::faults::FailureKind;
use crate::latency::{ALB_INTERFACES_GONE, LOAD_BALANCER_LISTED, LOAD_BALANCER_READY, NLB_INTERFACES_GONE, Span};
use crate::services::failures::{self, Made};
use crate::services::{ec2, network, quotas};
use crate::tags::Tags;
use crate::wire::Reply;
use crate::world::World;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LoadBalancer {
    pub(crate) name: String,
    pub(crate) arn: String,
    /// `application` or `network`.
    pub(crate) kind: String,
    pub(crate) scheme: String,
    pub(crate) vpc: String,
    /// Ids and zones.
    pub(crate) subnets: Vec<(String, String)>,
    pub(crate) groups: Vec<String>,
    pub(crate) ip_type: String,
    pub(crate) dns: String,
    /// What was set; the rest are defaults.
    pub(crate) attributes: attributes::Attributes,
    pub(crate) tags: Tags,
    pub(crate) created: Millis,
    pub(crate) ready_at: Millis,
    /// Why it is `failed` from then on, and for good.
    #[serde(default)]
    pub(crate) failure: Option<String>,
    /// A deleted one stays listed for some seconds.
    pub(crate) gone_at: Option<Millis>,
}

impl LoadBalancer {
    pub(crate) fn is_application(&self) -> bool {
        self.kind == "application"
    }

    /// `app/<name>/<id>`: the part of the ARN that its interfaces, listeners and rules share.
    pub(super) fn path(&self) -> &str {
        self.arn.split_once("loadbalancer/").map_or("", |(_, path)| path)
    }

    fn interfaces_gone(&self) -> Span {
        if self.is_application() { ALB_INTERFACES_GONE } else { NLB_INTERFACES_GONE }
    }
}

pub(super) fn not_found(arn: &str) -> Fault {
    Fault::new("LoadBalancerNotFound", format!("Load balancer '{arn}' not found"))
}

/// The living load balancer of an ARN.
pub(super) fn of<'a>(elb: &'a mut Elbv2, arn: &str) -> Result<&'a mut LoadBalancer, Fault> {
    if !arn.contains(":loadbalancer/") {
        return Err(validation(format!("'{arn}' is not a valid load balancer ARN")));
    }
    elb.load_balancers.get_mut(arn).filter(|balancer| balancer.gone_at.is_none()).ok_or_else(|| not_found(arn))
}

fn configuration(message: impl Into<String>) -> Fault {
    Fault::new("InvalidConfigurationRequest", message)
}

/// The VPC and the subnets with their zones, when they are fit for such a load balancer.
fn subnets(world: &World, call: &Call, application: bool, public: bool) -> Result<(String, Vec<(String, String)>), Fault> {
    let (plain, mappings) = (call.strings("Subnets"), call.list("SubnetMappings"));
    if !plain.is_empty() && !mappings.is_empty() {
        return Err(validation("You must specify either subnets or subnet mappings, not both"));
    }
    for key in ["AllocationId", "PrivateIPv4Address", "IPv6Address", "SourceNatIpv6Prefix"] {
        if mappings.iter().any(|mapping| !mapping[key].is_null()) {
            return Err(configuration(format!("the sandbox does not model {key} in subnet mappings")));
        }
    }
    let ids = if plain.is_empty() { mappings.iter().filter_map(|mapping| text(&mapping["SubnetId"])).collect() } else { plain };
    if ids.is_empty() {
        return Err(validation("You must specify subnets"));
    }
    if application && ids.len() < 2 {
        return Err(validation("At least two subnets in two different Availability Zones must be specified"));
    }
    let (mut found, mut vpcs, mut zones) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for id in ids {
        let place = network::subnet(world, &id)
            .ok_or_else(|| Fault::new("SubnetNotFound", format!("The subnet ID '{id}' does not exist")))?;
        if application && !network::fits_load_balancer(world, &id) {
            let message =
                format!("Not enough IP space available in {id}. ELB requires at least 8 free IP addresses in each subnet.");
            return Err(Fault::new("InvalidSubnet", message));
        }
        if !zones.insert(place.zone.clone()) {
            return Err(configuration("A load balancer cannot be attached to multiple subnets in the same Availability Zone"));
        }
        vpcs.insert(place.vpc);
        found.push((id, place.zone));
    }
    let vpc = match (vpcs.pop_first(), vpcs.is_empty()) {
        (Some(vpc), true) => vpc,
        _ => return Err(configuration("All subnets must belong to the same VPC")),
    };
    if public && !network::has_gateway(world, &vpc) {
        return Err(Fault::new("InvalidSubnet", format!("VPC {vpc} has no internet gateway")));
    }
    found.sort_by(|a, b| a.1.cmp(&b.1));
    Ok((vpc, found))
}

fn check_groups(world: &World, groups: &[String], vpc: &str) -> Result<(), Fault> {
    for group in groups {
        match network::group(world, group) {
            None => {
                return Err(Fault::new("InvalidSecurityGroup", format!("The security group '{group}' does not exist")));
            }
            Some(other) if other != vpc => {
                return Err(configuration(format!("One or more security groups are invalid: '{group}' is not in {vpc}")));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let name = name(call, "Load balancer")?;
    if name.starts_with("internal-") {
        return Err(validation(format!("Load balancer name '{name}' cannot begin with 'internal-'")));
    }
    let one_of = |key: &str, default: &str, allowed: &[&str]| {
        let value = call.opt(key).unwrap_or_else(|| default.into());
        if allowed.contains(&value.as_str()) {
            Ok(value)
        } else {
            Err(validation(format!("{key} '{value}' is not valid, or not modelled by the sandbox")))
        }
    };
    let kind = one_of("Type", "application", &["application", "network"])?;
    let scheme = one_of("Scheme", "internet-facing", &["internet-facing", "internal"])?;
    let ip_type = one_of("IpAddressType", "ipv4", &["ipv4", "dualstack"])?;
    let application = kind == "application";
    let public = scheme == "internet-facing";
    let tags = tagging::read(call)?;
    let (vpc, subnets) = subnets(world, call, application, public)?;
    let mut groups = call.strings("SecurityGroups");
    // An application load balancer without groups gets the VPC's default one, a network load balancer gets none and can never have any.
    if groups.is_empty() && application {
        groups.extend(network::default_group(world, &vpc));
    }
    check_groups(world, &groups, &vpc)?;
    if let Some(old) = world.elbv2.load_balancers.values().find(|b| b.gone_at.is_none() && b.name == name) {
        let sorted = |list: &[String]| list.iter().cloned().collect::<BTreeSet<_>>();
        let same = old.kind == kind
            && old.scheme == scheme
            && old.ip_type == ip_type
            && old.subnets == subnets
            && sorted(&old.groups) == sorted(&groups);
        return if same {
            Ok(json!({ "LoadBalancers": [shape(world, old)] }).into())
        } else {
            Err(Fault::new(
                "DuplicateLoadBalancerName",
                format!("A load balancer with the same name '{name}' exists, but with different settings"),
            ))
        };
    }
    let there = world.elbv2.load_balancers.values().filter(|b| b.gone_at.is_none()).count();
    quotas::LOAD_BALANCERS.one_more(world, there)?;
    world.elbv2.balancers_made += 1;
    let made = Made { kind: FailureKind::LoadBalancer, name: &name, tags: &tags, nth: world.elbv2.balancers_made };
    let failure = failures::asked(world, &made);
    let hex = world.hex();
    let prefix = if application { "app" } else { "net" };
    let arn = world.arn("elasticloadbalancing", &format!("loadbalancer/{prefix}/{name}/{}", &hex[..16]));
    let digits = u64::from_str_radix(&hex[16..24], 16).unwrap_or_default();
    let region = &world.region;
    let dns = match (application, public) {
        (true, true) => format!("{name}-{digits}.{region}.elb.amazonaws.com"),
        (true, false) => format!("internal-{name}-{digits}.{region}.elb.amazonaws.com"),
        (false, _) => format!("{name}-{}.elb.{region}.amazonaws.com", &hex[..16]),
    };
    let balancer = LoadBalancer {
        name,
        arn: arn.clone(),
        kind,
        scheme,
        vpc,
        subnets,
        groups,
        ip_type,
        dns,
        attributes: Default::default(),
        tags,
        created: world.now,
        ready_at: world.now + LOAD_BALANCER_READY.of(world, &arn),
        failure,
        gone_at: None,
    };
    let body = json!({ "LoadBalancers": [shape(world, &balancer)] });
    for (subnet, _) in &balancer.subnets {
        attach(world, &balancer, subnet);
    }
    world.elbv2.load_balancers.insert(arn, balancer);
    Ok(body.into())
}

fn attach(world: &mut World, balancer: &LoadBalancer, subnet: &str) {
    let description = format!("ELB {}", balancer.path());
    ec2::attach(world, &balancer.arn, &description, subnet, &balancer.groups, balancer.scheme == "internet-facing");
}

fn zones(balancer: &LoadBalancer) -> Value {
    balancer
        .subnets
        .iter()
        .map(|(subnet, zone)| json!({ "ZoneName": zone, "SubnetId": subnet, "LoadBalancerAddresses": [] }))
        .collect()
}

fn shape(world: &World, balancer: &LoadBalancer) -> Value {
    let state = match &balancer.failure {
        _ if world.now < balancer.ready_at => json!({ "Code": "provisioning" }),
        Some(reason) => json!({ "Code": "failed", "Reason": reason }),
        None => json!({ "Code": "active" }),
    };
    let mut body = json!({
        "LoadBalancerArn": balancer.arn,
        "DNSName": balancer.dns,
        // The zones of us-west-2.
        "CanonicalHostedZoneId": if balancer.is_application() { "Z1H1FL5HABSF5" } else { "Z18D5FSROUN65G" },
        "CreatedTime": iso(balancer.created),
        "LoadBalancerName": balancer.name,
        "Scheme": balancer.scheme,
        "VpcId": balancer.vpc,
        "State": state,
        "Type": balancer.kind,
        "AvailabilityZones": zones(balancer),
        "IpAddressType": balancer.ip_type,
    });
    if !balancer.groups.is_empty() {
        body["SecurityGroups"] = json!(balancer.groups);
    }
    body
}

/// By ARNs or names the call fails as a whole when one is missing.
pub(super) fn describe(world: &World, call: &Call) -> Result<Reply, Fault> {
    let (arns, names) = (call.strings("LoadBalancerArns"), call.strings("Names"));
    if !arns.is_empty() && !names.is_empty() {
        return Err(validation("Load balancer names and load balancer ARNs cannot be specified at the same time"));
    }
    if arns.len() > 20 || names.len() > 20 {
        return Err(validation("At most 20 load balancers can be described by name or ARN"));
    }
    let all = &world.elbv2.load_balancers;
    if let Some(arn) = arns.iter().find(|arn| !all.contains_key(*arn)) {
        return Err(not_found(arn));
    }
    if names.iter().any(|name| !all.values().any(|b| b.name == *name)) {
        return Err(Fault::new("LoadBalancerNotFound", "One or more load balancers not found"));
    }
    let found =
        all.values().filter(|b| (arns.is_empty() || arns.contains(&b.arn)) && (names.is_empty() || names.contains(&b.name)));
    paged(call, "LoadBalancers", found.map(|balancer| shape(world, balancer)).collect())
}

pub(super) fn set_subnets(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let arn = need(call, "LoadBalancerArn")?;
    let old = of(&mut world.elbv2, &arn)?.clone();
    let (vpc, subnets) = subnets(world, call, old.is_application(), old.scheme == "internet-facing")?;
    if vpc != old.vpc {
        return Err(configuration(format!("The subnets must belong to {}", old.vpc)));
    }
    let new = LoadBalancer { subnets, ip_type: call.opt("IpAddressType").unwrap_or_else(|| old.ip_type.clone()), ..old.clone() };
    let (had, has): (BTreeSet<&String>, BTreeSet<&String>) =
        (old.subnets.iter().map(|s| &s.0).collect(), new.subnets.iter().map(|s| &s.0).collect());
    for subnet in has.difference(&had) {
        attach(world, &new, subnet);
    }
    let free_at = world.now + old.interfaces_gone().of(world, &arn);
    for interface in world.ec2.interfaces.values_mut().filter(|i| i.owner == arn && !has.contains(&i.subnet)) {
        interface.free_at = Some(free_at);
    }
    let body = json!({ "AvailabilityZones": zones(&new), "IpAddressType": new.ip_type });
    world.elbv2.load_balancers.insert(arn, new);
    Ok(body.into())
}

pub(super) fn set_groups(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let arn = need(call, "LoadBalancerArn")?;
    let groups = call.strings("SecurityGroups");
    let balancer = of(&mut world.elbv2, &arn)?.clone();
    if groups.is_empty() {
        return Err(validation("You must specify security groups"));
    }
    if balancer.groups.is_empty() {
        return Err(configuration("You cannot set security groups on a network load balancer that was created without any"));
    }
    check_groups(world, &groups, &balancer.vpc)?;
    of(&mut world.elbv2, &arn)?.groups.clone_from(&groups);
    for interface in world.ec2.interfaces.values_mut().filter(|i| i.owner == arn && i.free_at.is_none()) {
        interface.groups.clone_from(&groups);
    }
    Ok(json!({ "SecurityGroupIds": groups }).into())
}

pub(super) fn set_ip_type(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let arn = need(call, "LoadBalancerArn")?;
    let ip_type = need(call, "IpAddressType")?;
    if !matches!(ip_type.as_str(), "ipv4" | "dualstack") {
        return Err(validation(format!("IpAddressType '{ip_type}' is not valid, or not modelled by the sandbox")));
    }
    of(&mut world.elbv2, &arn)?.ip_type.clone_from(&ip_type);
    Ok(json!({ "IpAddressType": ip_type }).into())
}

/// Takes listeners and rules with it; succeeds when there is nothing.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let arn = need(call, "LoadBalancerArn")?;
    let gone_at = world.now + LOAD_BALANCER_LISTED.of(world, &arn);
    let balancer = match of(&mut world.elbv2, &arn) {
        Ok(balancer) => balancer,
        Err(fault) if fault.code == "LoadBalancerNotFound" => return Ok(json!({}).into()),
        Err(fault) => return Err(fault),
    };
    if balancer.attributes.get("deletion_protection.enabled").is_some_and(|on| on == "true") {
        return Err(Fault::new(
            "OperationNotPermitted",
            format!("Load balancer '{arn}' cannot be deleted because deletion protection is enabled"),
        ));
    }
    balancer.gone_at = Some(gone_at);
    let linger = balancer.interfaces_gone();
    let elb = &mut world.elbv2;
    elb.listeners.retain(|_, listener| listener.balancer != arn);
    elb.rules.retain(|_, rule| elb.listeners.contains_key(&rule.listener));
    let linger = linger.of(world, &arn);
    ec2::release(world, &arn, linger);
    Ok(json!({}).into())
}
