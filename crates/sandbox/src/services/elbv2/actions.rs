//! Actions of listeners and rules: checked, and completed as AWS gives them back.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::load_balancers::LoadBalancer;
use super::target_groups::not_found;
use super::{balancers_of, validation};
use crate::call::{flag, number, text};
use crate::fault::Fault;
use crate::services::quotas;
use crate::world::World;

/// ARNs of the target groups that normalised actions forward to.
pub(super) fn groups(actions: &[Value]) -> Vec<String> {
    let lists = actions.iter().filter_map(|action| action["ForwardConfig"]["TargetGroups"].as_array());
    lists.flatten().filter_map(|tuple| text(&tuple["TargetGroupArn"])).collect()
}

/// A load balancer sends traffic to so many groups at most.
pub(super) fn check_quota(world: &World, balancer: &LoadBalancer, new: &[Value]) -> Result<(), Fault> {
    let elb = &world.elbv2;
    let of_listeners = elb.listeners.values().filter(|it| it.balancer == balancer.arn);
    let of_rules = elb.rules.values().filter(|rule| of_listeners.clone().any(|it| it.arn == rule.listener));
    let mut all: BTreeSet<String> = of_listeners.clone().flat_map(|it| groups(&it.actions)).collect();
    all.extend(of_rules.flat_map(|rule| groups(&rule.actions)));
    all.extend(groups(new));
    quotas::GROUPS_OF_BALANCER.at_most(world, all.len() as u64)
}

/// One action that ends the request, and nothing else (authentication, which may come before it, is not modelled).
pub(super) fn normalise(world: &World, balancer: &LoadBalancer, given: &[Value]) -> Result<Vec<Value>, Fault> {
    let [action] = given else {
        let message = if given.is_empty() {
            "You must specify at least one action"
        } else {
            "the sandbox models one action a listener or rule"
        };
        return Err(validation(message));
    };
    let kind = text(&action["Type"]).unwrap_or_default();
    if !balancer.is_application() && kind != "forward" {
        return Err(Fault::new(
            "InvalidLoadBalancerAction",
            format!("The action type '{kind}' is not valid for network load balancers"),
        ));
    }
    let mut out = match kind.as_str() {
        "forward" => forward(world, balancer, action)?,
        "fixed-response" => fixed(action)?,
        "redirect" => redirect(action)?,
        other => {
            return Err(Fault::new(
                "InvalidLoadBalancerAction",
                format!("The action type '{other}' is not valid, or not modelled by the sandbox"),
            ));
        }
    };
    if let Some(order) = number(&action["Order"]) {
        out["Order"] = order.into();
    }
    Ok(vec![out])
}

fn forward(world: &World, balancer: &LoadBalancer, action: &Value) -> Result<Value, Fault> {
    let single = text(&action["TargetGroupArn"]);
    let config = &action["ForwardConfig"];
    let mut tuples: Vec<(String, i64)> = Vec::new();
    for tuple in config["TargetGroups"].as_array().into_iter().flatten() {
        let arn = text(&tuple["TargetGroupArn"]).ok_or_else(|| validation("A target group ARN must be specified"))?;
        let weight = number(&tuple["Weight"]).unwrap_or(1);
        if !(0..=999).contains(&weight) {
            return Err(validation(format!("The weight '{weight}' must be between '0' and '999'")));
        }
        tuples.push((arn, weight));
    }
    match (&single, tuples.as_slice()) {
        (None, []) => {
            return Err(validation("A target group ARN must be specified for forward actions"));
        }
        (Some(arn), []) => tuples.push((arn.clone(), 1)),
        (Some(arn), [(same, _)]) if arn == same => {}
        (Some(_), _) => {
            return Err(validation("You cannot specify both a target group ARN and a different forward configuration"));
        }
        (None, _) => {}
    }
    if tuples.len() > 5 {
        return Err(Fault::new("TooManyTargetGroups", "A forward action has at most 5 target groups"));
    }
    for (arn, _) in &tuples {
        let group = world.elbv2.target_groups.get(arn).ok_or_else(|| not_found(arn))?;
        if group.is_http() != balancer.is_application() {
            return Err(Fault::new(
                "IncompatibleProtocols",
                format!("The protocol {} of target group '{arn}' does not fit the load balancer", group.protocol),
            ));
        }
        if group.vpc != balancer.vpc {
            return Err(validation(format!("Target group '{arn}' and the load balancer are in different VPCs")));
        }
        if balancers_of(world, arn).iter().any(|other| *other != balancer.arn) {
            return Err(Fault::new(
                "TargetGroupAssociationLimit",
                format!("The following target groups cannot be associated with more than one load balancer: {arn}"),
            ));
        }
    }
    let sticky = &config["TargetGroupStickinessConfig"];
    let mut stickiness = json!({ "Enabled": flag(&sticky["Enabled"]).unwrap_or(false) });
    if let Some(seconds) = number(&sticky["DurationSeconds"]) {
        stickiness["DurationSeconds"] = seconds.into();
    }
    let list: Vec<Value> = tuples.iter().map(|(arn, weight)| json!({ "TargetGroupArn": arn, "Weight": weight })).collect();
    let mut out =
        json!({ "Type": "forward", "ForwardConfig": { "TargetGroups": list, "TargetGroupStickinessConfig": stickiness } });
    // Both spellings come back when there is one group.
    if let [(arn, _)] = tuples.as_slice() {
        out["TargetGroupArn"] = arn.clone().into();
    }
    Ok(out)
}

fn fixed(action: &Value) -> Result<Value, Fault> {
    let config = &action["FixedResponseConfig"];
    let code =
        text(&config["StatusCode"]).ok_or_else(|| validation("A status code must be specified for fixed-response actions"))?;
    if code.len() != 3 || !code.starts_with(['2', '4', '5']) || !code.bytes().all(|c| c.is_ascii_digit()) {
        return Err(validation(format!("The status code '{code}' must be 2XX, 4XX or 5XX")));
    }
    let body = text(&config["MessageBody"]);
    if body.as_ref().is_some_and(|body| body.len() > 1024) {
        return Err(validation("The message body has at most 1024 characters"));
    }
    let kind = text(&config["ContentType"]).or_else(|| body.as_ref().map(|_| "text/plain".into()));
    if let Some(kind) = &kind
        && !["text/plain", "text/css", "text/html", "application/javascript", "application/json"].contains(&kind.as_str())
    {
        return Err(validation(format!("The content type '{kind}' is not valid")));
    }
    Ok(
        json!({ "Type": "fixed-response", "FixedResponseConfig": { "MessageBody": body, "StatusCode": code, "ContentType": kind } }),
    )
}

fn redirect(action: &Value) -> Result<Value, Fault> {
    let config = &action["RedirectConfig"];
    let status = text(&config["StatusCode"]).unwrap_or_default();
    if !matches!(status.as_str(), "HTTP_301" | "HTTP_302") {
        return Err(validation(format!("The redirect status code '{status}' must be HTTP_301 or HTTP_302")));
    }
    let part = |key: &str, default: &str| text(&config[key]).unwrap_or_else(|| default.into());
    let (protocol, port, host, path) =
        (part("Protocol", "#{protocol}"), part("Port", "#{port}"), part("Host", "#{host}"), part("Path", "/#{path}"));
    if protocol == "#{protocol}" && port == "#{port}" && host == "#{host}" && path == "/#{path}" {
        return Err(validation("The redirect configuration is not valid because it creates a loop"));
    }
    let query = part("Query", "#{query}");
    Ok(json!({
        "Type": "redirect",
        "RedirectConfig": { "Protocol": protocol, "Port": port, "Host": host, "Path": path, "Query": query, "StatusCode": status },
    }))
}
