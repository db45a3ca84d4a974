//! What AWS says about tasks, logs and jobs.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudwatchlogs::types::OrderBy;
use aws_sdk_ecs::types::{DeploymentRolloutState, Service};
use aws_sdk_elasticloadbalancingv2::types::TargetHealthStateEnum;
use futures_util::future::try_join_all;
use landing_engine::{CallError, Class, Ref};

use super::check::{Check, What};
use super::judge::{Verdict, refused};
use crate::{Aws, IntoCallError, TargetGroupArn, ecs};

/// By name; or why nobody knows.
pub(super) type Services = Result<BTreeMap<String, Service>, CallError>;

/// All services that these checks are about, in as few calls as ECS allows.
pub(super) async fn services<'c>(cx: &Aws, checks: impl Iterator<Item = &'c Check>) -> Services {
    let mut names: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for check in checks {
        if let What::Tasks { cluster, service, .. } = &check.what {
            names.entry(cluster.get().as_str()).or_default().insert(service.get().as_str());
        }
    }
    let calls = names.into_iter().map(async |(cluster, names)| {
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        ecs::describe_services(cx, cluster, &names).await
    });
    let found = try_join_all(calls).await?.into_iter().flatten();
    Ok(found.map(|service| (service.service_name().unwrap_or_default().to_owned(), service)).collect())
}

pub(super) async fn tasks(cx: &Aws, services: &Services, name: &str, groups: &[Ref<TargetGroupArn>]) -> Verdict {
    let service = match services {
        Ok(services) => services.get(name),
        Err(error) => return refused(error),
    };
    let Some(service) = service else { return Verdict::bad("ECS knows no such service", "`landing up` makes it") };
    let (running, desired) = (service.running_count(), service.desired_count());
    let told = format!("{running} of {desired} running");
    let look = format!("`landing status` says how the roll-out of {name} stands");
    if desired == 0 {
        return Verdict::bad("it is told to run no task", "`landing up` starts it");
    }
    if running != desired || service.pending_count() > 0 {
        return Verdict::bad(told, look);
    }
    let steady = |deployments: &[aws_sdk_ecs::types::Deployment]| match deployments {
        [only] => only.rollout_state().is_none_or(|state| *state == DeploymentRolloutState::Completed),
        _ => false,
    };
    if !steady(service.deployments()) {
        return Verdict::bad(format!("{told}, and a release is under way"), look);
    }
    let mut healthy = 0;
    for group in groups {
        match unhealthy(cx, group.get().as_str()).await {
            Ok((good, None)) if good >= desired => healthy += 1,
            Ok((good, None)) => {
                return Verdict::bad(format!("{told}, {good} of them registered with the load balancer"), look);
            }
            Ok((_, Some(why))) => {
                return Verdict::bad(
                    format!("{told}, and a target is {why}"),
                    format!(
                        "{name} must answer the load balancer's check: see `health` of [services.{name}] in landing.toml, and its log"
                    ),
                );
            }
            Err(error) => return refused(&error),
        }
    }
    Verdict::Good(if healthy == 0 { told } else { format!("{told}, healthy") })
}

/// Healthy targets, and what is wrong with the first that is not. Those that are on their way out do not count.
async fn unhealthy(cx: &Aws, group: &str) -> Result<(i32, Option<String>), CallError> {
    let reply = cx.elbv2.describe_target_health().target_group_arn(group).send().await;
    let reply = reply.call("elasticloadbalancing:DescribeTargetHealth")?;
    let mut good = 0;
    let mut bad = None;
    for health in reply.target_health_descriptions().iter().filter_map(|target| target.target_health()) {
        match health.state() {
            Some(TargetHealthStateEnum::Healthy) => good += 1,
            None | Some(TargetHealthStateEnum::Draining) => {}
            Some(state) => {
                let reason = health.reason().map(|reason| format!(" ({})", reason.as_str())).unwrap_or_default();
                bad.get_or_insert(format!("{}{reason}", state.as_str()));
            }
        }
    }
    Ok((good, bad))
}

/// How many of the newest streams are read.
const STREAMS: i32 = 5;

/// Whether anything was ever written. The times of a stream may be an hour late, so where there is none it is read; and what was written may be past its retention, so a
/// time is enough. Source: CloudWatch Logs API Reference, `LogStream`.
async fn is_written_to(cx: &Aws, group: &str) -> Result<bool, CallError> {
    let newest = cx.logs.describe_log_streams().log_group_name(group).order_by(OrderBy::LastEventTime).descending(true);
    let reply = newest.limit(STREAMS).send().await.call("logs:DescribeLogStreams")?;
    if reply.log_streams().iter().any(|stream| stream.last_event_timestamp().is_some()) {
        return Ok(true);
    }
    let reads = reply.log_streams().iter().map(|stream| async {
        let events = cx.logs.get_log_events().log_group_name(group).set_log_stream_name(stream.log_stream_name.clone());
        Ok(!events.limit(1).send().await.call("logs:GetLogEvents")?.events().is_empty())
    });
    Ok(try_join_all(reads).await?.contains(&true))
}

pub(super) async fn log(cx: &Aws, group: &str, service: Option<&str>) -> Verdict {
    let service = service.unwrap_or_default();
    match is_written_to(cx, group).await {
        Ok(true) => Verdict::Good("entries".into()),
        Ok(false) => Verdict::bad(
            format!("nothing in {group}"),
            format!(
                "a container's log is what it writes to stdout and stderr; if {service} is meant to be silent: [services.{service}] smoke = {{ log = false }}"
            ),
        ),
        Err(error) if error.class == Class::NotFound => Verdict::bad(format!("there is no {group}"), "`landing up` makes it"),
        Err(error) => refused(&error),
    }
}

pub(super) async fn job(cx: &Aws, revision: &str, service: Option<&str>) -> Verdict {
    match ecs::job_is_done(cx, revision).await {
        Ok(true) => Verdict::Good("done".into()),
        Ok(false) => Verdict::bad(
            "it has not ended well",
            format!("`landing up` runs {} again and says why it fails", service.unwrap_or_default()),
        ),
        Err(error) => refused(&error),
    }
}
