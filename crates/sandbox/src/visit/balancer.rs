//! A load balancer as a visitor sees it: listener, rules by priority, a target that answers. Source: Elastic Load Balancing User Guide, "Listener rules", "Target
//! groups", "Troubleshoot your Application Load Balancers".

use serde_json::Value;

use super::{Visit, pattern, text};
use crate::Closed;
use crate::call::{number, strings};
use crate::services::ec2::{Permission, Source};
use crate::services::ecs;
use crate::services::elbv2::{Listener, LoadBalancer, Target, TargetGroup};
use crate::wire::Response;
use crate::world::World;

/// What it calls itself in the answers that are its own.
const SERVER: &str = "awselb/2.0";

/// Who connects to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    Internet,
    CloudFront,
}

/// # Errors
/// When nobody is there, or lets such a visitor in.
pub(super) fn answer(world: &World, visit: &Visit<'_>, from: From) -> Result<Response, Closed> {
    let balancer = find(world, &visit.host).filter(|balancer| balancer.is_application()).ok_or(Closed)?;
    let port = if visit.secure { 443 } else { 80 };
    if !lets_in(world, balancer, port, from) {
        return Err(Closed);
    }
    let listener = listener(world, balancer, port).ok_or(Closed)?;
    let mut rules: Vec<_> = world.elbv2.rules.values().filter(|rule| rule.listener == listener.arn).collect();
    rules.sort_by_key(|rule| rule.priority);
    let rule = rules.into_iter().find(|rule| rule.conditions.iter().all(|condition| holds(condition, visit)));
    let actions = rule.map_or(&listener.actions, |rule| &rule.actions);
    let Some(action) = actions.first() else { return Err(Closed) };
    Ok(match action["Type"].as_str() {
        Some("forward") => forward(world, action, visit),
        Some("fixed-response") => fixed(&action["FixedResponseConfig"]),
        Some("redirect") => redirect(&action["RedirectConfig"], visit),
        _ => own(500, "Internal Server Error"),
    })
}

/// Whether a port can be connected to.
///
/// # Errors
/// What a client hears when it cannot.
pub(super) fn connects(world: &World, host: &str, port: i64) -> Result<(), &'static str> {
    let balancer = find(world, host).ok_or("no such host is known")?;
    if !lets_in(world, balancer, port, From::Internet) {
        return Err("nobody answers");
    }
    let listener = listener(world, balancer, port).ok_or("connection refused")?;
    let groups = listener.actions.iter().filter_map(group_of);
    let mut targets = groups.filter_map(|arn| world.elbv2.target_groups.get(&arn)).flat_map(registered);
    if balancer.is_application() || targets.any(|target| target.failing.is_none()) { Ok(()) } else { Err("connection refused") }
}

/// One that works; before, its name is not known.
fn find<'w>(world: &'w World, host: &str) -> Option<&'w LoadBalancer> {
    let works = |balancer: &&LoadBalancer| {
        balancer.gone_at.is_none()
            && balancer.failure.is_none()
            && balancer.ready_at <= world.now
            && balancer.scheme == "internet-facing"
    };
    world.elbv2.load_balancers.values().filter(works).find(|balancer| balancer.dns.eq_ignore_ascii_case(host))
}

fn listener<'w>(world: &'w World, balancer: &LoadBalancer, port: i64) -> Option<&'w Listener> {
    world.elbv2.listeners.values().find(|listener| listener.balancer == balancer.arn && listener.port == port)
}

/// Security groups of the load balancer; without any everybody comes in.
fn lets_in(world: &World, balancer: &LoadBalancer, port: i64, from: From) -> bool {
    let admits = |permission: &Permission| {
        let ports =
            permission.protocol == "-1" || (permission.protocol == "tcp" && (permission.from..=permission.to).contains(&port));
        ports
            && match &permission.source {
                Source::Ipv4(cidr) => cidr == "0.0.0.0/0",
                Source::PrefixList(_) => from == From::CloudFront,
                Source::Ipv6(_) | Source::Group(_) => false,
            }
    };
    let mut rules = world.ec2.rules.values().filter(|rule| !rule.egress && balancer.groups.contains(&rule.group));
    balancer.groups.is_empty() || rules.any(|rule| admits(&rule.permission))
}

fn holds(condition: &Value, visit: &Visit<'_>) -> bool {
    let any = |config: &str, of: &str| {
        strings(&condition[config]["Values"]).iter().any(|value| pattern::matches(value.as_bytes(), of.as_bytes()))
    };
    match condition["Field"].as_str() {
        Some("path-pattern") => any("PathPatternConfig", visit.path),
        Some("host-header") => any("HostHeaderConfig", &visit.host),
        Some("http-request-method") => {
            strings(&condition["HttpRequestMethodConfig"]["Values"]).iter().any(|method| method == visit.method)
        }
        // What a visitor's address or other headers decide is not modelled: such a rule takes nobody.
        _ => false,
    }
}

/// The first of the groups; weights are not played.
fn group_of(action: &Value) -> Option<String> {
    action["ForwardConfig"]["TargetGroups"][0]["TargetGroupArn"].as_str().or(action["TargetGroupArn"].as_str()).map(str::to_owned)
}

/// Registered targets that are not on their way out.
fn registered(group: &TargetGroup) -> Vec<&Target> {
    group.targets.values().filter(|target| target.drained_at.is_none()).collect()
}

fn forward(world: &World, action: &Value, visit: &Visit<'_>) -> Response {
    let group = group_of(action).and_then(|arn| world.elbv2.target_groups.get(&arn));
    let Some(group) = group else { return own(503, "Service Temporarily Unavailable") };
    let registered = registered(group);
    let healthy = registered.iter().find(|target| target.is_healthy(world.now, &group.check));
    // When none is healthy it tries all of them.
    let Some(target) = healthy.or(registered.first()) else { return own(503, "Service Temporarily Unavailable") };
    match ecs::answer_of(world, group, target, visit.path) {
        Some(answer) => answer,
        None if target.failing.as_deref() == Some("Target.Timeout") => own(504, "Gateway Time-out"),
        None => own(502, "Bad Gateway"),
    }
}

fn fixed(config: &Value) -> Response {
    let status = number(&config["StatusCode"]).and_then(|status| u16::try_from(status).ok()).unwrap_or(503);
    let kind = config["ContentType"].as_str().unwrap_or("text/plain; charset=utf-8");
    let headers = vec![("server".to_owned(), SERVER.to_owned()), ("content-type".to_owned(), kind.to_owned())];
    Response { status, headers, body: config["MessageBody"].as_str().unwrap_or_default().into() }
}

fn redirect(config: &Value, visit: &Visit<'_>) -> Response {
    let scheme = if visit.secure { "https" } else { "http" };
    let (path, query) = visit.target.split_once('?').unwrap_or((visit.target, ""));
    let filled = |key: &str| {
        let text = config[key].as_str().unwrap_or_default();
        let port = if visit.secure { "443" } else { "80" };
        text.replace("#{protocol}", scheme)
            .replace("#{host}", &visit.host)
            .replace("#{port}", port)
            .replace("#{path}", path.trim_start_matches('/'))
            .replace("#{query}", query)
    };
    let (protocol, query) = (filled("Protocol").to_lowercase(), filled("Query"));
    let query = if query.is_empty() { query } else { format!("?{query}") };
    let to = format!("{protocol}://{}:{}{}{query}", filled("Host"), filled("Port"), filled("Path"));
    let status = if config["StatusCode"] == "HTTP_301" { 301 } else { 302 };
    let mut response = own(status, "");
    response.headers.push(("location".to_owned(), to));
    response
}

/// An answer of the load balancer itself.
fn own(status: u16, title: &str) -> Response {
    let body = format!(
        "<html>\r\n<head><title>{status} {title}</title></head>\r\n<body>\r\n<center><h1>{status} {title}</h1></center>\r\n</body>\r\n</html>\r\n"
    );
    let mut response = text(status, &body);
    response.headers = vec![("server".to_owned(), SERVER.to_owned()), ("content-type".to_owned(), "text/html".to_owned())];
    response
}
