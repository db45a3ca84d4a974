//! What somebody else put into something of ours, so that AWS does not let it go: looked for only where a container of ours is left.

use aws_sdk_ec2::types::Filter;
use aws_sdk_servicediscovery::types::{FilterCondition, ServiceFilter, ServiceFilterName};
use landing_engine::{CallError, Kind};

use super::{Finds, Leftover, Reason, Sought, steps};
use crate::ec2::{filters, interfaces};
use crate::{IntoCallError, ec2, ecs, rds, servicediscovery};

pub(super) async fn look(sought: &Sought<'_>, finds: &mut Finds) {
    for vpc in finds.of_kind(ec2::Vpc::NAME) {
        add(sought, finds, &vpc, in_vpc(sought, &vpc.id).await);
    }
    for group in finds.of_kind(ec2::SecurityGroup::NAME) {
        add(sought, finds, &group, naming_group(sought, &group.id).await);
    }
    for cluster in finds.of_kind(<ecs::Cluster as Kind>::NAME) {
        add(sought, finds, &cluster, in_cluster(sought, &cluster.id).await);
    }
    for namespace in finds.of_kind(servicediscovery::Namespace::NAME) {
        add(sought, finds, &namespace, in_namespace(sought, &namespace.id).await);
    }
    for group in finds.of_kind(<rds::SubnetGroup as Kind>::NAME) {
        add(sought, finds, &group, in_subnet_group(sought, &group.id).await);
    }
}

/// Kind and id of something that is in the way, with its owner or what else there is to say of it, and what frees it when that is no delete.
struct Stranger {
    kind: &'static str,
    id: String,
    is: String,
    free: Option<String>,
}

impl Stranger {
    fn new(kind: &'static str, id: Option<&str>) -> Self {
        Self { kind, id: id.unwrap_or_default().to_owned(), is: String::new(), free: None }
    }
}

fn add(sought: &Sought<'_>, finds: &mut Finds, holder: &Leftover, found: Result<Vec<Stranger>, CallError>) {
    let place = holder.node.as_ref().map_or_else(|| holder.id.clone(), |node| format!("{node} ({})", holder.id));
    for stranger in finds.answer(&format!("what is in {place}"), found) {
        if !finds.knows(stranger.kind, &stranger.id) {
            let why = format!("somebody else's, in the way of {place}{}", stranger.is);
            let remove = stranger.free.unwrap_or_else(|| steps::command(sought.aws, stranger.kind, &stranger.id));
            finds.add(Leftover::new(stranger.kind, stranger.id, Reason::InTheWay { why }, remove));
        }
    }
}

/// What comes with every VPC (main route table, default group) goes with it.
async fn in_vpc(sought: &Sought<'_>, vpc: &str) -> Result<Vec<Stranger>, CallError> {
    let client = &sought.aws.ec2;
    let inside = || Some(vec![filters::filter("vpc-id", vpc)]);
    let attached = Some(vec![filters::filter("attachment.vpc-id", vpc)]);
    let standing: Vec<Filter> =
        [filters::filter("vpc-id", vpc), filters::any("state", ["pending", "available", "deleting"])].into();
    let (interfaces, subnets, groups, tables, gateways, nats, endpoints) = tokio::join!(
        interfaces::list(sought.aws, "vpc-id", vpc),
        client.describe_subnets().set_filters(inside()).into_paginator().items().send().collect::<Result<Vec<_>, _>>(),
        client.describe_security_groups().set_filters(inside()).into_paginator().items().send().collect::<Result<Vec<_>, _>>(),
        client.describe_route_tables().set_filters(inside()).into_paginator().items().send().collect::<Result<Vec<_>, _>>(),
        client.describe_internet_gateways().set_filters(attached).into_paginator().items().send().collect::<Result<Vec<_>, _>>(),
        client.describe_nat_gateways().set_filter(Some(standing)).into_paginator().items().send().collect::<Result<Vec<_>, _>>(),
        client.describe_vpc_endpoints().set_filters(inside()).into_paginator().items().send().collect::<Result<Vec<_>, _>>(),
    );
    let mut found = Vec::new();
    for interface in interfaces? {
        found.push(Stranger {
            is: format!(": of {}", interfaces::owner(&interface)),
            free: Some(interfaces::help(&interface)),
            ..Stranger::new("ec2.network-interface", interface.network_interface_id())
        });
    }
    let subnets = subnets.call("ec2:DescribeSubnets")?;
    found.extend(subnets.iter().map(|subnet| Stranger::new(ec2::Subnet::NAME, subnet.subnet_id())));
    let groups = groups.call("ec2:DescribeSecurityGroups")?;
    let own = groups.iter().filter(|group| group.group_name() != Some("default"));
    found.extend(own.map(|group| Stranger::new(ec2::SecurityGroup::NAME, group.group_id())));
    let tables = tables.call("ec2:DescribeRouteTables")?;
    let own = tables.iter().filter(|table| table.associations().iter().all(|association| association.main() != Some(true)));
    found.extend(own.map(|table| Stranger::new(ec2::RouteTable::NAME, table.route_table_id())));
    let gateways = gateways.call("ec2:DescribeInternetGateways")?;
    found.extend(gateways.iter().map(|gateway| Stranger::new(ec2::InternetGateway::NAME, gateway.internet_gateway_id())));
    let nats = nats.call("ec2:DescribeNatGateways")?;
    found.extend(nats.iter().map(|nat| Stranger::new(ec2::NatGateway::NAME, nat.nat_gateway_id())));
    let endpoints = endpoints.call("ec2:DescribeVpcEndpoints")?;
    found.extend(endpoints.iter().map(|endpoint| Stranger::new(ec2::VpcEndpoint::NAME, endpoint.vpc_endpoint_id())));
    Ok(found)
}

/// Rules of other groups that let this one in.
async fn naming_group(sought: &Sought<'_>, group: &str) -> Result<Vec<Stranger>, CallError> {
    let naming = filters::filter("ip-permission.group-id", group);
    let reply = sought.aws.ec2.describe_security_groups().filters(naming).send().await.call("ec2:DescribeSecurityGroups")?;
    let others = reply.security_groups().iter().filter(|other| other.group_id() != Some(group));
    let stranger = |other: &aws_sdk_ec2::types::SecurityGroup| {
        let id = other.group_id().unwrap_or_default();
        let revoke =
            format!("take the rules of {id} out that name {group}: aws ec2 revoke-security-group-ingress --group-id {id} …");
        let is = ": one of its rules names it".to_owned();
        Stranger { is, free: Some(revoke), ..Stranger::new(ec2::SecurityGroup::NAME, Some(id)) }
    };
    Ok(others.map(stranger).collect())
}

async fn in_cluster(sought: &Sought<'_>, cluster: &str) -> Result<Vec<Stranger>, CallError> {
    let client = &sought.aws.ecs;
    let services = client.list_services().cluster(cluster).into_paginator().items().send().collect::<Result<Vec<_>, _>>();
    let tasks = client.list_tasks().cluster(cluster).into_paginator().items().send().collect::<Result<Vec<_>, _>>();
    let (services, tasks) = tokio::join!(services, tasks);
    let services =
        services.call("ecs:ListServices")?.into_iter().map(|arn| Stranger::new(<ecs::Service as Kind>::NAME, Some(&arn)));
    let tasks = tasks.call("ecs:ListTasks")?.into_iter().map(|arn| Stranger::new("ecs.task", Some(&arn)));
    Ok(services.chain(tasks).collect())
}

/// ECS removes its own some time after its service is gone; the namespace is waited for, so what is still here is somebody else's.
async fn in_namespace(sought: &Sought<'_>, name: &str) -> Result<Vec<Stranger>, CallError> {
    let client = &sought.aws.servicediscovery;
    let mut namespaces = client.list_namespaces().into_paginator().send();
    let mut ids = Vec::new();
    while let Some(page) = namespaces.next().await {
        let page = page.call("servicediscovery:ListNamespaces")?;
        ids.extend(page.namespaces().iter().filter(|it| it.name() == Some(name)).filter_map(|it| it.id().map(str::to_owned)));
    }
    let mut found = Vec::new();
    for id in ids {
        let inside =
            ServiceFilter::builder().name(ServiceFilterName::NamespaceId).values(id).condition(FilterCondition::Eq).build();
        let mut pages = client.list_services().filters(inside.expect("name and value are set")).into_paginator().send();
        while let Some(page) = pages.next().await {
            for service in page.call("servicediscovery:ListServices")?.services() {
                let is = format!(": {}", service.name().unwrap_or_default());
                found.push(Stranger { is, ..Stranger::new("servicediscovery.service", service.id()) });
            }
        }
    }
    Ok(found)
}

async fn in_subnet_group(sought: &Sought<'_>, group: &str) -> Result<Vec<Stranger>, CallError> {
    let mut pages = sought.aws.rds.describe_db_instances().max_records(100).into_paginator().items().send();
    let mut found = Vec::new();
    while let Some(instance) = pages.next().await {
        let instance = instance.call("rds:DescribeDBInstances")?;
        if instance.db_subnet_group().and_then(|it| it.db_subnet_group_name()) == Some(group) {
            found.push(Stranger::new(rds::Instance::NAME, instance.db_instance_identifier()));
        }
    }
    Ok(found)
}
