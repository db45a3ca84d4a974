//! Load balancers as the service reports them: the list has neither their tags nor their attributes.

use std::collections::BTreeMap;

use aws_sdk_elasticloadbalancingv2::types::{
    LoadBalancer as Reply, LoadBalancerAttribute, LoadBalancerSchemeEnum, LoadBalancerStateEnum, LoadBalancerTypeEnum,
};
use landing_engine::{CallError, Kind, Live, NodeName, Ready, Ref, Scan};

use super::{LoadBalancer, reading};
use crate::{Aws, IntoCallError, ownership};

/// `None` when the load balancer is gone.
pub(super) async fn attributes(cx: &Aws, arn: &str) -> Result<Option<BTreeMap<String, String>>, CallError> {
    let reply = cx.elbv2.describe_load_balancer_attributes().load_balancer_arn(arn).send().await;
    let reply = ownership::found(reply.call("elasticloadbalancing:DescribeLoadBalancerAttributes"))?;
    let pairs = |one: &LoadBalancerAttribute| Some((one.key()?.to_owned(), one.value()?.to_owned()));
    Ok(reply.map(|reply| reply.attributes().iter().filter_map(pairs).collect()))
}

/// The attributes that the wanted node asks for, so that a difference shows only those; no call when it asks for none.
pub(super) async fn with_wanted_attributes(
    cx: &Aws,
    scan: &Scan,
    live: Live<LoadBalancer>,
) -> Result<Live<LoadBalancer>, CallError> {
    let wanted = scan.wanted.iter().find(|(node, _)| *node == live.node);
    let Some(asked) = wanted.and_then(|(_, shape)| shape["attributes"].as_object()).filter(|asked| !asked.is_empty()) else {
        return Ok(live);
    };
    let mut attributes = attributes(cx, &live.id).await?.unwrap_or_default();
    attributes.retain(|key, _| asked.contains_key(key));
    Ok(Live { shape: LoadBalancer { attributes, ..live.shape }, ..live })
}

/// Node, tags and attributes are put in by the caller.
pub(super) fn of(balancer: &Reply) -> Live<LoadBalancer> {
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let id = text(balancer.load_balancer_arn());
    let subnets = balancer.availability_zones().iter().filter_map(|zone| zone.subnet_id());
    let state = balancer.state();
    Live {
        node: NodeName::new(LoadBalancer::NAME, balancer.load_balancer_name().unwrap_or_default()),
        outputs: BTreeMap::from([
            ("arn".to_owned(), id.clone()),
            ("dns".to_owned(), text(balancer.dns_name())),
            ("zone".to_owned(), text(balancer.canonical_hosted_zone_id())),
        ]),
        id,
        shape: LoadBalancer {
            name: text(balancer.load_balancer_name()),
            kind: text(balancer.r#type().map(LoadBalancerTypeEnum::as_str)),
            scheme: text(balancer.scheme().map(LoadBalancerSchemeEnum::as_str)),
            subnets: subnets.map(|subnet| Ref::value(subnet.into())).collect(),
            groups: balancer.security_groups().iter().map(|group| Ref::value(group.as_str().into())).collect(),
            attributes: BTreeMap::new(),
        },
        ready: match state.and_then(|state| state.code()) {
            // Impaired is active with fewer addresses than it would like.
            Some(LoadBalancerStateEnum::Active | LoadBalancerStateEnum::ActiveImpaired) => Ready::Yes,
            Some(LoadBalancerStateEnum::Failed) => {
                Ready::Failed(state.and_then(|state| state.reason()).unwrap_or("failed").to_owned())
            }
            code => Ready::NotYet(code.map_or("provisioning", LoadBalancerStateEnum::as_str).to_owned()),
        },
        tags: BTreeMap::new(),
        owned: true,
        untold: Vec::new(),
    }
}

pub(super) async fn named(cx: &Aws, name: &str) -> Result<Option<Live<LoadBalancer>>, CallError> {
    let reply = cx.elbv2.describe_load_balancers().names(name).send().await;
    let reply = ownership::found(reply.call("elasticloadbalancing:DescribeLoadBalancers"))?;
    reading::tagged(cx, reply.and_then(|reply| reply.load_balancers().first().map(of))).await
}
