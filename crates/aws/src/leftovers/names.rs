//! What bears a name of the stack and no mark of it.
//!
//! Three sorts: AWS's own objects for what we made (log groups of a cluster or a database), objects that cannot carry tags, and objects whose tags somebody took
//! off. With exactly the name of one of the project's nodes it counts as ours and is in the way of the next `up`; with a name that only begins like the
//! stack's it is mentioned, because another project may well be called that. Objects of EC2 have no names.

use std::collections::BTreeSet;

use aws_sdk_cloudfront::types::FunctionStage;
use aws_sdk_ecs::types::TaskDefinitionFamilyStatus;
use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType};
use aws_smithy_types::date_time::Format;
use futures_util::future::{BoxFuture, join_all};
use landing_engine::{CallError, Kind, LiveNode, NodeName};

use super::{Finds, Leftover, Reason, Sought, steps};
use crate::{Aws, IntoCallError, cloudfront, ecr, ecs, elbv2, iam, logs, ownership, rds, s3, secretsmanager, servicediscovery};

/// One object of a list.
struct Named {
    kind: &'static str,
    /// What the kind's `read` wants to know.
    id: String,
    name: String,
}

type List<'a> = BoxFuture<'a, Result<Vec<Named>, CallError>>;

pub(super) async fn look(sought: &Sought<'_>, finds: &mut Finds) {
    let (aws, prefix) = (sought.aws, sought.stack.prefix());
    let prefix = prefix.as_str();
    let lists: Vec<(&str, List<'_>)> = vec![
        (<iam::Role as Kind>::NAME, Box::pin(roles(aws))),
        (<ecr::Repository as Kind>::NAME, Box::pin(repositories(aws))),
        (secretsmanager::Secret::NAME, Box::pin(secrets(aws, prefix))),
        (rds::Instance::NAME, Box::pin(instances(aws))),
        (<rds::SubnetGroup as Kind>::NAME, Box::pin(subnet_groups(aws))),
        (<logs::Group as Kind>::NAME, Box::pin(log_groups(aws, prefix))),
        (servicediscovery::Namespace::NAME, Box::pin(namespaces(aws))),
        (<ecs::Cluster as Kind>::NAME, Box::pin(clusters(aws))),
        (<ecs::TaskDefinition as Kind>::NAME, Box::pin(families(aws, prefix))),
        (elbv2::LoadBalancer::NAME, Box::pin(load_balancers(aws))),
        (elbv2::TargetGroup::NAME, Box::pin(target_groups(aws))),
        (<s3::Bucket as Kind>::NAME, Box::pin(buckets(aws, prefix))),
        (cloudfront::OriginAccessControl::NAME, Box::pin(access_controls(aws))),
        (cloudfront::Function::NAME, Box::pin(functions(aws))),
        (cloudfront::Distribution::NAME, Box::pin(distributions(aws))),
    ];
    let (kinds, lists): (Vec<&str>, Vec<List<'_>>) = lists.into_iter().unzip();
    let mut near = Vec::new();
    for (kind, list) in kinds.into_iter().zip(join_all(lists).await) {
        let exact = own_names(sought, kind);
        let list = finds.answer(kind, list);
        let mine = |it: &Named| exact.contains(&it.name) || is_alike(prefix, &it.name);
        near.extend(list.into_iter().filter(|it| mine(it) && !finds.knows(kind, &it.id)));
    }
    let confirmed = near.iter().map(|named| async move { (named, confirm(sought, named).await) });
    for (named, answer) in join_all(confirmed).await {
        if let Some(left) = finds.answer(named.kind, answer) {
            finds.add(left);
        }
    }
    let scheduled = scheduled_secrets(sought, prefix).await;
    finds.answer("secretsmanager.secret", scheduled).into_iter().for_each(|left| finds.add(left));
}

/// Names that objects of a kind have in this stack: as the project draws them, and as they stood when the run began.
pub(super) fn own_names(sought: &Sought<'_>, kind: &str) -> BTreeSet<String> {
    let fields = ["name", "family", "comment"];
    let of = |shape: &serde_json::Value| fields.iter().find_map(|field| shape[*field].as_str()).map(str::to_owned);
    let drawn = sought.project.iter().filter(|(node, _)| node.kind() == kind).filter_map(|(_, desired)| of(&desired.shape));
    let stood = sought.before.nodes.values().filter(|live| live.owned && live.node.kind() == kind);
    drawn.chain(stood.filter_map(|live| of(&live.shape))).collect()
}

/// Whether a part of a path is the prefix, or goes on after it with a separator: `shop-dev`, `shop-dev-web`, `/ecs/shop-dev/web`.
fn is_alike(prefix: &str, name: &str) -> bool {
    let begins = |part: &str| part.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_', '.']));
    name.split('/').any(begins)
}

/// The object itself, unless it is another stack's or gone.
async fn confirm(sought: &Sought<'_>, named: &Named) -> Result<Option<Leftover>, CallError> {
    let Some(kind) = sought.registry.get(named.kind) else { return Ok(None) };
    let node = NodeName::new(named.kind, &named.name);
    let Some(live) = kind.read(sought.stack, &node, &named.id).await? else { return Ok(None) };
    if is_marked_by_another(&live) {
        return Ok(None);
    }
    let reason = reason(sought, named);
    let remove = steps::command(sought.aws, named.kind, &named.id);
    let until = sought.listed_until(named.kind, &named.id);
    Ok(Some(Leftover { until, ..Leftover::new(named.kind, &named.id, reason, remove) }))
}

/// What cannot carry tags says in its description whose it is; one of ours was found by its kind.
fn is_marked_by_another(live: &LiveNode) -> bool {
    ["comment", "description"].iter().filter_map(|field| live.shape[*field].as_str()).any(|text| text.starts_with("landing "))
}

fn reason(sought: &Sought<'_>, named: &Named) -> Reason {
    if let Some(of) = made_by_aws_for(sought, &named.name) {
        return Reason::Stands { why: format!("AWS made it for {of} and does not delete it") };
    }
    let drawn = sought.project.iter().filter(|(node, _)| node.kind() == named.kind);
    let mut same = drawn.filter(|(_, desired)| ["name", "family", "comment"].iter().any(|f| desired.shape[*f] == named.name));
    match same.next() {
        Some((node, _)) => Reason::Stands { why: format!("it has the name of {node} and no tags that make it this stack's") },
        None if own_names(sought, named.kind).contains(&named.name) => {
            Reason::Stands { why: "it has the name of an object that this run deleted".to_owned() }
        }
        None => Reason::Alike { why: "it is named like this stack's objects and carries no landing tags".to_owned() },
    }
}

/// The object of ours that AWS keeps a log group for: `/aws/ecs/containerinsights/<cluster>/performance`, `/aws/rds/instance/<name>/postgresql`.
fn made_by_aws_for(sought: &Sought<'_>, group: &str) -> Option<String> {
    let starts = [("/aws/ecs/containerinsights/", "ecs.cluster"), ("/aws/rds/instance/", "rds.instance")];
    starts.iter().find_map(|(start, kind)| {
        let (name, _) = group.strip_prefix(start)?.split_once('/')?;
        own_names(sought, kind).contains(name).then(|| format!("{kind} {name}"))
    })
}

/// In their recovery window: neither there nor gone, and their names are not free. Our own deletes leave none, so somebody else deleted these.
async fn scheduled_secrets(sought: &Sought<'_>, prefix: &str) -> Result<Vec<Leftover>, CallError> {
    let by_name = Filter::builder().key(FilterNameStringType::Name).values(prefix).build();
    let listing = sought.aws.secretsmanager.list_secrets().filters(by_name).include_planned_deletion(true).max_results(100);
    let mut pages = listing.into_paginator().send();
    let exact = own_names(sought, secretsmanager::Secret::NAME);
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        for secret in page.call("secretsmanager:ListSecrets")?.secret_list() {
            let (name, arn) = (secret.name().unwrap_or_default(), secret.arn().unwrap_or_default());
            let tags = crate::tags::read(secret.tags());
            let ours = sought.stack.node_of(&tags).is_some() || ownership::is_nobodys(&tags) && exact.contains(name);
            let Some(date) = secret.deleted_date().filter(|_| ours) else { continue };
            let since = date.fmt(Format::DateTime).ok();
            let why = "it is scheduled for deletion, and until then its name is not free".to_owned();
            let remove = steps::command(sought.aws, secretsmanager::Secret::NAME, arn);
            // One that was deleted for good is listed for a moment longer.
            let until = sought.listed_until(secretsmanager::Secret::NAME, arn);
            let reason = Reason::Unfinished { why, since };
            found.push(Leftover { until, ..Leftover::new(secretsmanager::Secret::NAME, arn, reason, remove) });
        }
    }
    Ok(found)
}

/// A page at a time, all items.
macro_rules! all {
    ($pages:expr, $operation:literal, $kind:expr, $item:ident => $named:expr) => {{
        let mut pages = $pages.into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(item) = pages.next().await {
            let $item = item.call($operation)?;
            let (id, name) = $named;
            found.push(Named { kind: $kind, id, name });
        }
        Ok(found)
    }};
}

fn text(value: Option<&str>) -> String {
    value.unwrap_or_default().to_owned()
}

fn twice(name: Option<&str>) -> (String, String) {
    (text(name), text(name))
}

async fn roles(aws: &Aws) -> Result<Vec<Named>, CallError> {
    let roles = aws.iam.list_roles().max_items(1000);
    all!(roles, "iam:ListRoles", <iam::Role as Kind>::NAME, role => twice(Some(role.role_name())))
}

async fn repositories(aws: &Aws) -> Result<Vec<Named>, CallError> {
    let repositories = aws.ecr.describe_repositories().max_results(1000);
    all!(repositories, "ecr:DescribeRepositories", <ecr::Repository as Kind>::NAME, repository => twice(repository.repository_name()))
}

async fn secrets(aws: &Aws, prefix: &str) -> Result<Vec<Named>, CallError> {
    let by_name = Filter::builder().key(FilterNameStringType::Name).values(prefix).build();
    let mut pages = aws.secretsmanager.list_secrets().filters(by_name).max_results(100).into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        for secret in page.call("secretsmanager:ListSecrets")?.secret_list() {
            found.push(Named { kind: secretsmanager::Secret::NAME, id: text(secret.arn()), name: text(secret.name()) });
        }
    }
    Ok(found)
}

async fn instances(aws: &Aws) -> Result<Vec<Named>, CallError> {
    let instances = aws.rds.describe_db_instances().max_records(100);
    all!(instances, "rds:DescribeDBInstances", rds::Instance::NAME, instance => twice(instance.db_instance_identifier()))
}

async fn subnet_groups(aws: &Aws) -> Result<Vec<Named>, CallError> {
    let groups = aws.rds.describe_db_subnet_groups().max_records(100);
    let kind = <rds::SubnetGroup as Kind>::NAME;
    all!(groups, "rds:DescribeDBSubnetGroups", kind, group => twice(group.db_subnet_group_name()))
}

async fn log_groups(aws: &Aws, prefix: &str) -> Result<Vec<Named>, CallError> {
    let groups = aws.logs.describe_log_groups().log_group_name_pattern(prefix);
    all!(groups, "logs:DescribeLogGroups", <logs::Group as Kind>::NAME, group => twice(group.log_group_name()))
}

async fn namespaces(aws: &Aws) -> Result<Vec<Named>, CallError> {
    let mut pages = aws.servicediscovery.list_namespaces().into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        for namespace in page.call("servicediscovery:ListNamespaces")?.namespaces() {
            let (id, name) = twice(namespace.name());
            found.push(Named { kind: servicediscovery::Namespace::NAME, id, name });
        }
    }
    Ok(found)
}

async fn clusters(aws: &Aws) -> Result<Vec<Named>, CallError> {
    let clusters = aws.ecs.list_clusters();
    all!(clusters, "ecs:ListClusters", <ecs::Cluster as Kind>::NAME, arn => twice(Some(ecs::last(&arn))))
}

async fn families(aws: &Aws, prefix: &str) -> Result<Vec<Named>, CallError> {
    let families = aws.ecs.list_task_definition_families().family_prefix(prefix).status(TaskDefinitionFamilyStatus::Active);
    let kind = <ecs::TaskDefinition as Kind>::NAME;
    all!(families, "ecs:ListTaskDefinitionFamilies", kind, family => twice(Some(&family)))
}

async fn load_balancers(aws: &Aws) -> Result<Vec<Named>, CallError> {
    let balancers = aws.elbv2.describe_load_balancers();
    let operation = elbv2::LoadBalancer::NAME;
    all!(balancers, "elasticloadbalancing:DescribeLoadBalancers", operation, balancer => {
        (text(balancer.load_balancer_arn()), text(balancer.load_balancer_name()))
    })
}

async fn target_groups(aws: &Aws) -> Result<Vec<Named>, CallError> {
    let groups = aws.elbv2.describe_target_groups();
    all!(groups, "elasticloadbalancing:DescribeTargetGroups", elbv2::TargetGroup::NAME, group => {
        (text(group.target_group_arn()), text(group.target_group_name()))
    })
}

async fn buckets(aws: &Aws, prefix: &str) -> Result<Vec<Named>, CallError> {
    let buckets = aws.s3.list_buckets().prefix(prefix);
    all!(buckets, "s3:ListAllMyBuckets", <s3::Bucket as Kind>::NAME, bucket => twice(bucket.name()))
}

async fn access_controls(aws: &Aws) -> Result<Vec<Named>, CallError> {
    let controls = cloudfront::access_controls(aws).await?;
    let kind = cloudfront::OriginAccessControl::NAME;
    let named = |control: &aws_sdk_cloudfront::types::OriginAccessControlSummary| Named {
        kind,
        id: control.id().to_owned(),
        name: control.name().to_owned(),
    };
    Ok(controls.iter().map(named).collect())
}

async fn functions(aws: &Aws) -> Result<Vec<Named>, CallError> {
    let mut found = Vec::new();
    let mut marker = None;
    loop {
        let call = aws.cloudfront.list_functions().stage(FunctionStage::Development).set_marker(marker);
        let Some(list) = call.send().await.call("cloudfront:ListFunctions")?.function_list else { return Ok(found) };
        for function in list.items() {
            let (id, name) = twice(Some(function.name()));
            found.push(Named { kind: cloudfront::Function::NAME, id, name });
        }
        marker = list.next_marker.filter(|marker| !marker.is_empty());
        if marker.is_none() {
            return Ok(found);
        }
    }
}

/// A distribution has no name: its comment stands for it.
async fn distributions(aws: &Aws) -> Result<Vec<Named>, CallError> {
    let mut pages = aws.cloudfront.list_distributions().into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let list = page.call("cloudfront:ListDistributions")?.distribution_list;
        for summary in list.and_then(|list| list.items).unwrap_or_default() {
            let (id, name) = (summary.id().to_owned(), summary.comment().to_owned());
            found.push(Named { kind: cloudfront::Distribution::NAME, id, name });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::is_alike;

    #[test]
    fn a_name_is_alike_when_a_part_of_it_begins_with_the_whole_prefix() {
        let alike = |name| is_alike("shop-dev", name);
        assert!(alike("shop-dev") && alike("shop-dev-web") && alike("/ecs/shop-dev/web") && alike("shop-dev.site"));
        assert!(!alike("shop-development") && !alike("my-shop-dev") && !alike("shop"));
    }
}
