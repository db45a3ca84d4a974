//! A service's network, targets, Service Connect and deployment rules, to the SDK's shapes and back.
//!
//! Source: ECS API Reference, `Service`, `Deployment`, `ServiceConnectConfiguration`; `aws-behaviours` 9.3.

use std::collections::BTreeMap;

use aws_sdk_ecs::operation::create_service::builders::CreateServiceFluentBuilder;
use aws_sdk_ecs::operation::update_service::builders::UpdateServiceFluentBuilder;
use aws_sdk_ecs::types::{
    AssignPublicIp, AwsVpcConfiguration, DeploymentCircuitBreaker, DeploymentConfiguration, LaunchType, LoadBalancer,
    NetworkConfiguration, PropagateTags, Service as Reply, ServiceConnectClientAlias, ServiceConnectConfiguration,
    ServiceConnectService,
};
use landing_engine::{Changed, Door, Kind, Live, NodeName, Ready, Ref};
use serde_json::Value;

use super::readings;
use super::service::{Connect, Endpoint, Service, Target};
use crate::{Aws, tags};

/// What ECS does when a service says nothing. Source: ECS API Reference, `DeploymentConfiguration`.
const DEFAULT_MINIMUM: i32 = 100;
const DEFAULT_MAXIMUM: i32 = 200;

impl Service {
    /// Every field; with no task.
    pub(crate) fn creation(&self, cx: &Aws, door: &Door<'_>) -> CreateServiceFluentBuilder {
        cx.ecs
            .create_service()
            .cluster(self.cluster.get().as_str())
            .service_name(&self.name)
            .task_definition(self.task_definition.get().as_str())
            .desired_count(0)
            .client_token(door.token())
            .launch_type(LaunchType::Fargate)
            .network_configuration(self.network())
            .set_load_balancers(Some(self.load_balancers()))
            .set_service_connect_configuration(self.connect.as_ref().map(Connect::configuration))
            .deployment_configuration(self.deployment())
            .set_health_check_grace_period_seconds(self.grace_seconds)
            .propagate_tags(self.propagation())
            .set_tags(Some(tags::list(&door.tags())))
    }

    pub(crate) fn network(&self) -> NetworkConfiguration {
        let vpc = AwsVpcConfiguration::builder()
            .set_subnets(Some(self.subnets.iter().map(|subnet| subnet.get().to_string()).collect()))
            .set_security_groups(Some(self.groups.iter().map(|group| group.get().to_string()).collect()))
            .assign_public_ip(if self.public_ip { AssignPublicIp::Enabled } else { AssignPublicIp::Disabled })
            .build()
            .expect("the subnets are set");
        NetworkConfiguration::builder().awsvpc_configuration(vpc).build()
    }

    pub(crate) fn load_balancers(&self) -> Vec<LoadBalancer> {
        let one = |target: &Target| {
            LoadBalancer::builder()
                .target_group_arn(target.group.get().as_str())
                .container_name(&target.container)
                .container_port(target.port)
                .build()
        };
        self.targets.iter().map(one).collect()
    }

    pub(crate) fn deployment(&self) -> DeploymentConfiguration {
        DeploymentConfiguration::builder()
            .minimum_healthy_percent(self.minimum_percent)
            .maximum_percent(self.maximum_percent)
            .deployment_circuit_breaker(DeploymentCircuitBreaker::builder().enable(self.rollback).rollback(self.rollback).build())
            .build()
    }

    pub(crate) fn propagation(&self) -> PropagateTags {
        if self.propagate_tags { PropagateTags::Service } else { PropagateTags::None }
    }

    /// Only what changed is sent, because nearly everything here starts a deployment.
    pub(crate) fn changes(&self, mut call: UpdateServiceFluentBuilder, changed: &Changed) -> UpdateServiceFluentBuilder {
        if changed.any(&["subnets", "groups", "public_ip"]) {
            call = call.network_configuration(self.network());
        }
        if changed.has("targets") {
            call = call.set_load_balancers(Some(self.load_balancers()));
        }
        if changed.has("connect") {
            let off = || ServiceConnectConfiguration::builder().enabled(false).build();
            call = call.service_connect_configuration(self.connect.as_ref().map_or_else(off, Connect::configuration));
        }
        if changed.any(&["targets", "connect"]) {
            // Their ports may be those of the next revision, and ECS looks them up in the one that it is given, or else in the one that runs.
            call = call.task_definition(self.task_definition.get().as_str());
        }
        if changed.any(&["minimum_percent", "maximum_percent", "rollback"]) {
            call = call.deployment_configuration(self.deployment());
        }
        if changed.has("grace_seconds") {
            call = call.health_check_grace_period_seconds(self.grace_seconds.unwrap_or(0));
        }
        if changed.has("propagate_tags") {
            call = call.propagate_tags(self.propagation());
        }
        call
    }
}

impl Connect {
    pub(crate) fn configuration(&self) -> ServiceConnectConfiguration {
        let one = |endpoint: &Endpoint| {
            let alias = ServiceConnectClientAlias::builder().dns_name(&endpoint.dns_name).port(endpoint.port).build();
            ServiceConnectService::builder()
                .port_name(&endpoint.port_name)
                .discovery_name(&endpoint.discovery_name)
                .client_aliases(alias.expect("the port is set"))
                .build()
                .expect("the port's name is set")
        };
        ServiceConnectConfiguration::builder()
            .enabled(true)
            .namespace(self.namespace.get().as_str())
            .set_services(Some(self.endpoints.iter().map(one).collect()))
            .build()
    }
}

/// The node's name is put in by the caller. That ECS shows no settings of Service Connect means that there are none; of an emulator, whose word for "none" nobody
/// knows, it means nothing.
pub(crate) fn of(cx: &Aws, service: &Reply) -> Live<Service> {
    let name = service.service_name().unwrap_or_default().to_owned();
    let arn = service.service_arn().unwrap_or_default().to_owned();
    Live {
        node: NodeName::new(<Service as Kind>::NAME, &name),
        outputs: BTreeMap::from([("name".to_owned(), name), ("arn".to_owned(), arn.clone())]),
        id: arn,
        shape: shape(service),
        ready: match service.status() {
            Some("ACTIVE") => Ready::Yes,
            status => Ready::NotYet(status.unwrap_or("PENDING").to_owned()),
        },
        tags: tags::read(service.tags()),
        owned: true,
        untold: cx.far_end.leaves_out([("connect", connect(service).is_none())]),
    }
}

fn shape(service: &Reply) -> Service {
    let (cluster, _) = readings::cluster_and_name(service.service_arn().unwrap_or_default());
    let vpc = service.network_configuration().and_then(NetworkConfiguration::awsvpc_configuration);
    let subnets = vpc.map_or(&[][..], AwsVpcConfiguration::subnets);
    let groups = vpc.map_or(&[][..], AwsVpcConfiguration::security_groups);
    let rules = service.deployment_configuration();
    let breaker = rules.and_then(DeploymentConfiguration::deployment_circuit_breaker);
    Service {
        name: service.service_name().unwrap_or_default().to_owned(),
        cluster: Ref::value(cluster.into()),
        task_definition: Ref::value(service.task_definition().unwrap_or_default().into()),
        subnets: subnets.iter().map(|subnet| Ref::value(subnet.as_str().into())).collect(),
        groups: groups.iter().map(|group| Ref::value(group.as_str().into())).collect(),
        public_ip: vpc.and_then(AwsVpcConfiguration::assign_public_ip) == Some(&AssignPublicIp::Enabled),
        targets: service.load_balancers().iter().map(target).collect(),
        connect: connect(service),
        minimum_percent: rules.and_then(DeploymentConfiguration::minimum_healthy_percent).unwrap_or(DEFAULT_MINIMUM),
        maximum_percent: rules.and_then(DeploymentConfiguration::maximum_percent).unwrap_or(DEFAULT_MAXIMUM),
        rollback: breaker.is_some_and(|breaker| breaker.enable() && breaker.rollback()),
        grace_seconds: service.health_check_grace_period_seconds(),
        propagate_tags: service.propagate_tags() == Some(&PropagateTags::Service),
    }
}

fn target(balancer: &LoadBalancer) -> Target {
    Target {
        group: Ref::value(balancer.target_group_arn().unwrap_or_default().into()),
        container: balancer.container_name().unwrap_or_default().to_owned(),
        port: balancer.container_port().unwrap_or_default(),
    }
}

/// ECS keeps the Service Connect settings with the deployment, not with the service.
fn connect(service: &Reply) -> Option<Connect> {
    let deployment = service.deployments().iter().find(|deployment| deployment.status() == Some("PRIMARY"))?;
    let settings = deployment.service_connect_configuration().filter(|settings| settings.enabled())?;
    let endpoint = |endpoint: &ServiceConnectService| {
        let alias = endpoint.client_aliases().first();
        Endpoint {
            port_name: endpoint.port_name().to_owned(),
            // Both names fall back to the port's when they are not given.
            discovery_name: endpoint.discovery_name().unwrap_or(endpoint.port_name()).to_owned(),
            dns_name: alias.and_then(ServiceConnectClientAlias::dns_name).unwrap_or(endpoint.port_name()).to_owned(),
            port: alias.map_or(0, ServiceConnectClientAlias::port),
        }
    };
    Some(Connect {
        namespace: Ref::value(settings.namespace().unwrap_or_default().into()),
        endpoints: settings.services().iter().map(endpoint).collect(),
    })
}

/// The desired settings, in the words of the live ones: ECS may report the namespace by its name although it was given an ARN (unverified), and a name
/// cannot be compared with an ARN.
pub(crate) fn comparable(desired: &Value, live: &Value) -> Value {
    let mut desired = desired.clone();
    let name = live["namespace"].as_str().filter(|namespace| !namespace.starts_with("arn:"));
    if let (Some(name), Some(settings)) = (name, desired.as_object_mut()) {
        settings.insert("namespace".into(), name.into());
    }
    desired
}
