//! Targets of a group and their health.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::target_groups::{Check, of};
use super::{Elbv2, need, target_group_has_listener, validation};
use crate::call::{Call, number, text};
use crate::clock::Millis;
use crate::fault::Fault;
use crate::latency::SECOND;
use crate::services::quotas;
use crate::wire::Reply;
use crate::world::World;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Target {
    pub(crate) id: String,
    pub(crate) port: i64,
    pub(crate) zone: Option<String>,
    pub(crate) registered: Millis,
    /// Set when it was deregistered: it drains until then.
    pub(crate) drained_at: Option<Millis>,
    /// Reason code, when it fails its checks: `Target.ResponseCodeMismatch`.
    pub(crate) failing: Option<String>,
}

impl Target {
    /// Registered for as long as its first checks take, and not failing.
    pub(crate) fn is_healthy(&self, now: Millis, check: &Check) -> bool {
        self.drained_at.is_none() && self.failing.is_none() && now >= self.registered + first_checks(check)
    }
}

fn first_checks(check: &Check) -> Millis {
    check.healthy.unsigned_abs() * check.interval.unsigned_abs() * SECOND
}

/// As ECS does for its tasks; `port` absent means the group's.
pub(crate) fn register(
    elb: &mut Elbv2,
    now: Millis,
    arn: &str,
    id: &str,
    port: Option<i64>,
    zone: Option<String>,
) -> Result<(), Fault> {
    let group = of(elb, arn)?;
    let port = port.unwrap_or(group.port);
    let target = Target { id: id.to_owned(), port, zone, registered: now, drained_at: None, failing: None };
    let entry = group.targets.entry(format!("{id}:{port}")).or_insert_with(|| target.clone());
    // Registering again what is registered changes nothing.
    if entry.drained_at.is_some() {
        *entry = target;
    }
    Ok(())
}

/// Drains for the group's delay; without a port every port of the address goes. Unknown targets are ignored.
pub(crate) fn deregister(elb: &mut Elbv2, now: Millis, arn: &str, id: &str, port: Option<i64>) -> Result<(), Fault> {
    let group = of(elb, arn)?;
    let delay = group.attributes.get("deregistration_delay.timeout_seconds").and_then(|text| text.parse().ok()).unwrap_or(300);
    for target in group.targets.values_mut().filter(|t| t.id == id && port.is_none_or(|port| t.port == port)) {
        target.drained_at.get_or_insert(now + delay * SECOND);
    }
    Ok(())
}

/// Id, port and zone as the caller names a target.
type Named = (String, Option<i64>, Option<String>);

fn targets(call: &Call) -> Result<Vec<Named>, Fault> {
    let list = call.list("Targets");
    if list.is_empty() {
        return Err(validation("The request must contain the parameter Targets"));
    }
    list.iter()
        .map(|target| {
            Ok((
                text(&target["Id"]).ok_or_else(|| validation("A target needs an Id"))?,
                number(&target["Port"]),
                text(&target["AvailabilityZone"]),
            ))
        })
        .collect()
}

pub(super) fn register_call(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let arn = need(call, "TargetGroupArn")?;
    let now = world.now;
    let targets = targets(call)?;
    let by_ip = of(&mut world.elbv2, &arn)?.target_type == "ip";
    for (id, _, _) in &targets {
        let address = id.parse::<std::net::IpAddr>().is_ok();
        if by_ip && !address {
            return Err(validation(format!("The IP address '{id}' is not a valid IP address")));
        }
        if !by_ip && !id.starts_with("i-") {
            return Err(Fault::new("InvalidTarget", format!("The following targets are not valid: '{id}'")));
        }
    }
    let group = of(&mut world.elbv2, &arn)?.clone();
    let key = |(id, port, _): &Named| format!("{id}:{}", port.unwrap_or(group.port));
    let new = targets.iter().map(key).filter(|key| !group.targets.contains_key(key)).count();
    quotas::TARGETS.at_most(world, (group.targets.len() + new) as u64)?;
    for (id, port, zone) in targets {
        register(&mut world.elbv2, now, &arn, &id, port, zone)?;
    }
    Ok(json!({}).into())
}

pub(super) fn deregister_call(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let arn = need(call, "TargetGroupArn")?;
    let now = world.now;
    of(&mut world.elbv2, &arn)?;
    for (id, port, _) in targets(call)? {
        deregister(&mut world.elbv2, now, &arn, &id, port)?;
    }
    Ok(json!({}).into())
}

pub(super) fn health(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let arn = need(call, "TargetGroupArn")?;
    let now = world.now;
    let used = target_group_has_listener(world, &arn);
    let group = of(&mut world.elbv2, &arn)?;
    let wait = first_checks(&group.check);
    let wanted: Vec<String> = call.list("Targets").iter().filter_map(|target| text(&target["Id"])).collect();
    let check_port = |target: &Target| {
        if group.check.port == "traffic-port" { target.port.to_string() } else { group.check.port.clone() }
    };
    let mut list: Vec<Value> = Vec::new();
    for target in group.targets.values().filter(|target| wanted.is_empty() || wanted.contains(&target.id)) {
        let (state, reason) = match target {
            _ if target.drained_at.is_some() => ("draining", Some("Target.DeregistrationInProgress".to_owned())),
            _ if !used => ("unused", Some("Target.NotInUse".to_owned())),
            Target { failing: Some(reason), .. } => ("unhealthy", Some(reason.clone())),
            _ if now < target.registered + wait => ("initial", Some("Elb.RegistrationInProgress".to_owned())),
            _ => ("healthy", None),
        };
        let description = match state {
            "draining" => Some("Target deregistration is in progress"),
            "unused" => Some("Target group is not configured to receive traffic from the load balancer"),
            "unhealthy" => Some("Health checks failed"),
            "initial" => Some("Target registration is in progress"),
            _ => None,
        };
        list.push(json!({
            "Target": { "Id": target.id, "Port": target.port, "AvailabilityZone": target.zone },
            "HealthCheckPort": check_port(target),
            "TargetHealth": { "State": state, "Reason": reason, "Description": description },
        }));
    }
    // A target that was asked for and is not registered is unused.
    for id in wanted.iter().filter(|id| !group.targets.values().any(|target| target.id == **id)) {
        list.push(json!({
            "Target": { "Id": id, "Port": group.port },
            "HealthCheckPort": group.port.to_string(),
            "TargetHealth": { "State": "unused", "Reason": "Target.NotRegistered", "Description": "Target is not registered to the target group" },
        }));
    }
    Ok(json!({ "TargetHealthDescriptions": list }).into())
}
