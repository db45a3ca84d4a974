//! Target groups as the service reports them: the list has neither their tags nor their attributes.

use std::collections::BTreeMap;

use aws_sdk_elasticloadbalancingv2::types::{ProtocolEnum, TargetGroup as Reply};
use landing_engine::{CallError, Kind, Live, NodeName, Ready, Ref};

use super::TargetGroup;
use crate::{Aws, IntoCallError, ownership};

pub(super) const DELAY: &str = "deregistration_delay.timeout_seconds";

/// What AWS gives a new one, in seconds.
const DEFAULT_DELAY: i32 = 300;

/// `None` when the target group went in the meantime.
pub(super) async fn with_delay(cx: &Aws, live: Live<TargetGroup>) -> Result<Option<Live<TargetGroup>>, CallError> {
    let reply = cx.elbv2.describe_target_group_attributes().target_group_arn(&live.id).send().await;
    let Some(reply) = ownership::found(reply.call("elasticloadbalancing:DescribeTargetGroupAttributes"))? else {
        return Ok(None);
    };
    let delay = reply.attributes().iter().find(|attribute| attribute.key() == Some(DELAY));
    let delay = delay.and_then(|delay| delay.value()).and_then(|value| value.parse().ok());
    let shape = TargetGroup { deregistration_delay: delay.unwrap_or(DEFAULT_DELAY), ..live.shape.clone() };
    Ok(Some(live.with(&shape)))
}

/// Node, tags and deregistration delay are put in by the caller.
pub(super) fn of(group: &Reply) -> Live<TargetGroup> {
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let id = text(group.target_group_arn());
    Live {
        node: NodeName::new(TargetGroup::NAME, group.target_group_name().unwrap_or_default()),
        outputs: BTreeMap::from([("arn".to_owned(), id.clone())]),
        id,
        shape: TargetGroup {
            name: text(group.target_group_name()),
            protocol: text(group.protocol().map(ProtocolEnum::as_str)),
            port: group.port().unwrap_or_default(),
            vpc: Ref::value(group.vpc_id().unwrap_or_default().into()),
            health_protocol: text(group.health_check_protocol().map(ProtocolEnum::as_str)),
            health_path: group.health_check_path().map(str::to_owned),
            health_port: text(group.health_check_port()),
            health_codes: group.matcher().and_then(|matcher| matcher.http_code()).map(str::to_owned),
            interval: group.health_check_interval_seconds().unwrap_or_default(),
            timeout: group.health_check_timeout_seconds().unwrap_or_default(),
            healthy: group.healthy_threshold_count().unwrap_or_default(),
            unhealthy: group.unhealthy_threshold_count().unwrap_or_default(),
            deregistration_delay: DEFAULT_DELAY,
        },
        ready: Ready::Yes,
        tags: BTreeMap::new(),
        owned: true,
        untold: Vec::new(),
    }
}
