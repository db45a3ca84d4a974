//! Listeners (catalogue, section 10.3).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::load_balancers::{self, LoadBalancer};
use super::{Elbv2, actions, need, paged, tagging, validation};
use crate::call::{Call, text};
use crate::fault::Fault;
use crate::services::quotas;
use crate::tags::Tags;
use crate::wire::Reply;
use crate::world::World;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Listener {
    pub(crate) arn: String,
    pub(crate) balancer: String,
    pub(crate) protocol: String,
    pub(crate) port: i64,
    /// As AWS gives them back.
    pub(crate) actions: Vec<Value>,
    pub(crate) certificates: Vec<String>,
    pub(crate) ssl_policy: Option<String>,
    /// The default rule has an ARN of its own.
    pub(crate) default_rule: String,
    pub(crate) tags: Tags,
}

pub(super) fn not_found(arn: &str) -> Fault {
    Fault::new("ListenerNotFound", format!("Listener '{arn}' not found"))
}

pub(super) fn of<'a>(elb: &'a Elbv2, arn: &str) -> Result<&'a Listener, Fault> {
    if !arn.contains(":listener/") {
        return Err(validation(format!("'{arn}' is not a valid listener ARN")));
    }
    elb.listeners.get(arn).ok_or_else(|| not_found(arn))
}

pub(super) fn balancer_of<'a>(world: &'a World, listener: &Listener) -> Result<&'a LoadBalancer, Fault> {
    world.elbv2.load_balancers.get(&listener.balancer).ok_or_else(|| load_balancers::not_found(&listener.balancer))
}

const POLICIES: [&str; 5] = [
    "ELBSecurityPolicy-2016-08",
    "ELBSecurityPolicy-TLS13-1-2-2021-06",
    "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
    "ELBSecurityPolicy-TLS-1-2-2017-01",
    "ELBSecurityPolicy-FS-1-2-Res-2020-10",
];

/// The given parameters over `base`, checked. Whether a certificate exists cannot be told: ACM is not modelled.
fn settings(call: &Call, balancer: &LoadBalancer, mut base: Listener) -> Result<Listener, Fault> {
    base.protocol = call.opt("Protocol").unwrap_or(base.protocol);
    base.port = call.number("Port").unwrap_or(base.port);
    let allowed: &[&str] = if balancer.is_application() { &["HTTP", "HTTPS"] } else { &["TCP", "TLS", "UDP", "TCP_UDP"] };
    if !allowed.contains(&base.protocol.as_str()) {
        return Err(validation(format!("Listener protocol '{}' must be one of '{}'", base.protocol, allowed.join(", "))));
    }
    if !(1..=65_535).contains(&base.port) {
        return Err(validation(format!("Port '{}' must be between '1' and '65535'", base.port)));
    }
    let secure = matches!(base.protocol.as_str(), "HTTPS" | "TLS");
    let given: Vec<String> =
        call.list("Certificates").iter().filter_map(|certificate| text(&certificate["CertificateArn"])).collect();
    if !given.is_empty() {
        base.certificates = given;
    }
    base.ssl_policy = call.opt("SslPolicy").or(base.ssl_policy);
    if !secure {
        (base.certificates, base.ssl_policy) = (Vec::new(), None);
        return Ok(base);
    }
    let policy = base.ssl_policy.get_or_insert_with(|| POLICIES[0].into());
    if !POLICIES.contains(&policy.as_str()) {
        return Err(Fault::new("SSLPolicyNotFound", format!("SSL policy '{policy}' not found")));
    }
    match base.certificates.as_slice() {
        [arn] if arn.starts_with("arn:aws:acm:") || arn.starts_with("arn:aws:iam:") => Ok(base),
        [arn] => Err(Fault::new("CertificateNotFound", format!("Certificate ARN '{arn}' not found"))),
        [] => Err(validation(format!("A certificate must be specified for {} listeners", base.protocol))),
        _ => Err(validation("Exactly one certificate must be specified")),
    }
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let arn = need(call, "LoadBalancerArn")?;
    let balancer = load_balancers::of(&mut world.elbv2, &arn)?.clone();
    for key in ["Protocol", "Port"] {
        need(call, key)?;
    }
    let actions = actions::normalise(world, &balancer, call.list("DefaultActions"))?;
    let tags = tagging::read(call)?;
    let hex = world.hex();
    let (path, own) = (balancer.path(), &hex[..16]);
    let base = Listener {
        arn: world.arn("elasticloadbalancing", &format!("listener/{path}/{own}")),
        balancer: arn,
        protocol: String::new(),
        port: 0,
        actions,
        certificates: Vec::new(),
        ssl_policy: None,
        default_rule: world.arn("elasticloadbalancing", &format!("listener-rule/{path}/{own}/{}", &hex[16..])),
        tags,
    };
    let listener = settings(call, &balancer, base)?;
    if let Some(old) = on_port(&world.elbv2, &listener) {
        let settings = |l: &Listener| (l.protocol.clone(), l.actions.clone(), l.certificates.clone(), l.ssl_policy.clone());
        return if settings(old) == settings(&listener) {
            Ok(json!({ "Listeners": [shape(old)] }).into())
        } else {
            Err(Fault::new(
                "DuplicateListener",
                format!("A listener already exists on this port for this load balancer '{}'", old.balancer),
            ))
        };
    }
    let there = world.elbv2.listeners.values().filter(|old| old.balancer == listener.balancer).count();
    quotas::LISTENERS.one_more(world, there)?;
    actions::check_quota(world, &balancer, &listener.actions)?;
    let body = json!({ "Listeners": [shape(&listener)] });
    world.elbv2.listeners.insert(listener.arn.clone(), listener);
    Ok(body.into())
}

fn on_port<'a>(elb: &'a Elbv2, listener: &Listener) -> Option<&'a Listener> {
    elb.listeners.values().find(|old| old.balancer == listener.balancer && old.port == listener.port && old.arn != listener.arn)
}

fn shape(listener: &Listener) -> Value {
    let mut body = json!({
        "ListenerArn": listener.arn,
        "LoadBalancerArn": listener.balancer,
        "Port": listener.port,
        "Protocol": listener.protocol,
        "SslPolicy": listener.ssl_policy,
        "DefaultActions": listener.actions,
    });
    if !listener.certificates.is_empty() {
        body["Certificates"] = listener.certificates.iter().map(|arn| json!({ "CertificateArn": arn })).collect();
    }
    body
}

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let arns = call.strings("ListenerArns");
    let balancer = call.opt("LoadBalancerArn");
    match (&balancer, arns.is_empty()) {
        (Some(_), false) => {
            return Err(validation("Listener ARNs and a load balancer ARN cannot be specified at the same time"));
        }
        (None, true) => {
            return Err(validation("You must specify either listener ARNs or a load balancer ARN"));
        }
        (Some(arn), true) => {
            load_balancers::of(&mut world.elbv2, arn)?;
        }
        (None, false) => {
            for arn in &arns {
                of(&world.elbv2, arn)?;
            }
        }
    }
    let all = world.elbv2.listeners.values();
    let found =
        all.filter(|l| balancer.as_ref().is_none_or(|arn| *arn == l.balancer) && (arns.is_empty() || arns.contains(&l.arn)));
    paged(call, "Listeners", found.map(shape).collect())
}

pub(super) fn modify(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let old = of(&world.elbv2, &need(call, "ListenerArn")?)?.clone();
    let balancer = balancer_of(world, &old)?.clone();
    let mut listener = settings(call, &balancer, old)?;
    if !call.list("DefaultActions").is_empty() {
        listener.actions = actions::normalise(world, &balancer, call.list("DefaultActions"))?;
    }
    if on_port(&world.elbv2, &listener).is_some() {
        return Err(Fault::new(
            "DuplicateListener",
            format!("A listener already exists on this port for this load balancer '{}'", listener.balancer),
        ));
    }
    let body = json!({ "Listeners": [shape(&listener)] });
    world.elbv2.listeners.insert(listener.arn.clone(), listener);
    Ok(body.into())
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let arn = need(call, "ListenerArn")?;
    of(&world.elbv2, &arn)?;
    world.elbv2.listeners.remove(&arn);
    world.elbv2.rules.retain(|_, rule| rule.listener != arn);
    Ok(json!({}).into())
}
