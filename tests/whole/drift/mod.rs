//! Drift: every field that we set is compared, shown and repaired.
//!
//! The account's saved form is changed as if somebody had been at the console: one field of one object at a time. The plan must then show exactly that
//! field on exactly that node, `up` must repair it, and the plan after it must be empty. The tables are judged against the registry and the graph: a
//! kind or a field that nobody wrote an entry for fails, and so does an entry for nothing.

mod delivery;
mod network;
mod storage;
mod volumes;
mod workloads;

use std::collections::BTreeSet;
use std::time::Duration;

use landing_engine::plan::{Action, Plan, Step};
use landing_engine::{Graph, LiveNode, NodeName};
use landing_tests::{Look, Site, node, shown};
use serde_json::{Value, json};

/// What the plan makes of the change.
#[derive(Clone, Copy, Debug)]
enum Sees {
    /// The field, to be changed back in place.
    Update,
    /// The field, for which the object must be made anew.
    Replace,
    /// The object is missing. AWS knows it by this very field: with another value it would be another object.
    Missing,
    /// Not tried: AWS has no second value, or no way to it, or another node's field is what is compared.
    Never(#[expect(dead_code, reason = "the reason is for the reader of the table")] &'static str),
}

struct Entry {
    node: &'static str,
    field: &'static str,
    sees: Sees,
    change: fn(&mut Hand<'_>),
}

/// The console: one object of the account, and what else there is.
struct Hand<'a> {
    world: &'a mut Value,
    look: &'a Look,
    home: Vec<String>,
}

impl Hand<'_> {
    /// What the look before the change found of a node.
    fn live(&self, name: &str) -> &LiveNode {
        self.look.live.nodes.get(&node(name)).unwrap_or_else(|| panic!("{name} stands"))
    }

    fn id(&self, name: &str) -> String {
        self.live(name).id.clone()
    }

    fn output(&self, name: &str, output: &str) -> String {
        self.live(name).outputs[output].clone()
    }

    /// The object as the sandbox keeps it.
    fn object(&mut self) -> &mut Value {
        self.home.iter().fold(&mut *self.world, |value, key| value.get_mut(key).unwrap_or_else(|| panic!("{key} is there")))
    }

    /// Sets one place of the object, a JSON pointer below it.
    fn set(&mut self, pointer: &str, value: Value) {
        *self.object().pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer} is in the object")) = value;
    }

    /// Takes the object out of the account.
    fn remove(&mut self) {
        let mut home = self.home.clone();
        let last = home.pop().expect("an object has a key");
        let list = home.iter().fold(&mut *self.world, |value, key| &mut value[key]);
        list.as_object_mut().expect("objects are kept by key").shift_remove(&last).expect("it was there");
    }

    fn list(&mut self, pointer: &str) -> &mut Vec<Value> {
        self.object().pointer_mut(pointer).and_then(Value::as_array_mut).expect("there is a list")
    }

    fn map(&mut self, pointer: &str) -> &mut serde_json::Map<String, Value> {
        self.object().pointer_mut(pointer).and_then(Value::as_object_mut).expect("there is a map")
    }
}

/// Where the sandbox keeps what a node is.
fn home(live: &LiveNode) -> Vec<String> {
    let id = live.id.clone();
    let by_arn = |list: &str| vec!["elbv2".to_owned(), list.to_owned(), id.clone()];
    let at = |service: &str, list: &str| vec![service.to_owned(), list.to_owned(), id.clone()];
    let named = |service: &str, list: &str| {
        vec![service.to_owned(), list.to_owned(), live.shape["name"].as_str().expect("it has a name").to_owned()]
    };
    match live.node.kind() {
        "ec2.vpc" => at("ec2", "vpcs"),
        "ec2.internet-gateway" => at("ec2", "gateways"),
        "ec2.subnet" => at("ec2", "subnets"),
        "ec2.elastic-ip" => at("ec2", "addresses"),
        "ec2.nat-gateway" => at("ec2", "nats"),
        "ec2.route-table" => at("ec2", "route_tables"),
        "ec2.security-group" => at("ec2", "groups"),
        "ec2.security-group-rule" => at("ec2", "rules"),
        "ec2.vpc-endpoint" => at("ec2", "endpoints"),
        "iam.role" => at("iam", "roles"),
        "iam.oidc-provider" => at("iam", "providers"),
        "ecr.repository" | "ecr.image" => at("ecr", "repositories"),
        "secretsmanager.secret" => named("secrets", "secrets"),
        "rds.subnet-group" => at("rds", "subnet_groups"),
        "rds.instance" => at("rds", "instances"),
        "logs.group" => at("logs", "groups"),
        "efs.file-system" => at("efs", "file_systems"),
        "efs.mount-target" => at("efs", "mount_targets"),
        "efs.access-point" => at("efs", "access_points"),
        "servicediscovery.namespace" => {
            vec!["servicediscovery".into(), "namespaces".into(), live.outputs["id"].clone()]
        }
        "ecs.cluster" => at("ecs", "clusters"),
        "ecs.job" => {
            let arn = live.shape["task_definition"].as_str().expect("a job names its revision");
            let revision = arn.rsplit(':').next().expect("an ARN ends with the revision").to_owned();
            vec!["ecs".into(), "families".into(), id, "revisions".into(), revision]
        }
        "ecs.task-definition" => {
            let revision = live.outputs["arn"].rsplit(':').next().expect("an ARN ends with the revision").to_owned();
            vec!["ecs".into(), "families".into(), id, "revisions".into(), revision]
        }
        "ecs.service" | "ecs.rollout" => at("ecs", "services"),
        "elbv2.load-balancer" => by_arn("load_balancers"),
        "elbv2.target-group" => by_arn("target_groups"),
        "elbv2.listener" => by_arn("listeners"),
        "elbv2.rule" => by_arn("rules"),
        "s3.bucket" | "s3.bucket-policy" | "s3.site" => at("s3", "buckets"),
        "cloudfront.origin-access-control" => at("cloudfront", "controls"),
        "cloudfront.function" => at("cloudfront", "functions"),
        "cloudfront.distribution" => at("cloudfront", "distributions"),
        kind => panic!("the tables do not know where the sandbox keeps a {kind}"),
    }
}

fn tables() -> Vec<Entry> {
    [network::table(), workloads::table(), storage::table(), delivery::table(), volumes::table()].into_iter().flatten().collect()
}

/// Somebody renamed it, and took the mark of the stack off.
fn lose_tags(hand: &mut Hand<'_>) {
    let tags = hand.map("/tags");
    tags.insert("Name".into(), json!("not what it was"));
    tags.shift_remove("landing:node").expect("it was marked");
}

/// The reference stack with running services, as everybody left it.
struct Base {
    site: fn() -> Site,
    world: Value,
    state: String,
    look: Look,
}

async fn base() -> Base {
    let site = Site::pulse();
    site.up().await.done();
    site.push_images().await;
    site.up().await.done();
    let look = site.look(false).await;
    Base::of(Site::pulse, &site, look)
}

impl Base {
    fn of(fresh: fn() -> Site, stands: &Site, look: Look) -> Self {
        let state = std::fs::read_to_string(stands.state_path()).unwrap();
        Self { site: fresh, world: serde_json::from_str(&stands.sandbox.save()).unwrap(), state, look }
    }
}

/// One change, seen and repaired; an `Err` says what went wrong.
async fn try_entry(base: &Base, entry: &Entry) -> Result<(), String> {
    if let Sees::Never(_) = entry.sees {
        return Ok(());
    }
    let mut site = (base.site)();
    site.write("state/state.json", &base.state);
    let live = base.look.live.nodes.get(&node(entry.node)).ok_or("it does not stand")?;
    site.tamper(|world| {
        *world = base.world.clone();
        (entry.change)(&mut Hand { world, look: &base.look, home: home(live) });
    });
    let run = site.up().await;
    judge(entry, &run.plan, &base.look.blueprint.graph)?;
    if !run.outcome.is_complete() {
        return Err(format!("up failed: {:?}, skipped {:?}", run.outcome.failed, run.outcome.skipped));
    }
    let after = site.plan().await;
    if !after.is_empty() {
        return Err(format!("the plan after the repair is not empty:\n{}", shown(&after)));
    }
    Ok(())
}

fn judge(entry: &Entry, plan: &Plan, graph: &Graph) -> Result<(), String> {
    let step = plan.step(&node(entry.node)).ok_or("the node is not in the plan")?;
    let fields: Vec<&str> = step.changes.iter().map(|change| change.field.as_str()).collect();
    let right = match entry.sees {
        Sees::Update => step.action == Action::Update && fields == [entry.field],
        Sees::Replace => step.action == Action::Replace && fields == [entry.field],
        Sees::Missing => step.action == Action::Create,
        Sees::Never(_) => plan.is_empty(),
    };
    let behind = dependents(graph, &step.node);
    // What is made anew is new to all that refer to it; otherwise nobody else may have a difference of its own.
    let allowed = |other: &Step| match entry.sees {
        Sees::Missing => !other.changes_aws() || behind.contains(&other.node),
        _ => follows(other),
    };
    let others: Vec<&Step> = plan.steps.iter().filter(|other| other.node != step.node && !allowed(other)).collect();
    if right && others.is_empty() {
        return Ok(());
    }
    Err(format!("it is to be {:?}, and the plan says:\n{}", entry.sees, shown(plan)))
}

/// Everything that refers to a node, or to what refers to it.
fn dependents(graph: &Graph, of: &NodeName) -> BTreeSet<NodeName> {
    let mut found = BTreeSet::from([of.clone()]);
    loop {
        let next = graph.iter().filter(|(_, desired)| desired.references.iter().any(|pointer| found.contains(&pointer.node)));
        let next: BTreeSet<NodeName> = next.map(|(name, _)| name.clone()).chain(found.iter().cloned()).collect();
        if next.len() == found.len() {
            return found;
        }
        found = next;
    }
}

/// Whether a step is there only because of another: it lives in what is replaced, or takes a value that will be new.
fn follows(step: &Step) -> bool {
    let told = step.changes.iter().all(|change| change.from.is_some());
    match step.action {
        Action::Replace => step.reason.as_ref().is_some_and(|reason| reason.starts_with("it lives in")) || told,
        Action::Update => told,
        _ => !step.changes_aws(),
    }
}

async fn try_all(table: Vec<Entry>) {
    try_on(&base().await, table).await;
}

async fn try_on(base: &Base, table: Vec<Entry>) {
    let only = std::env::var("DRIFT_ONLY").ok();
    let mut wrong = Vec::new();
    for entry in table {
        let name = format!("{} {}", entry.node, entry.field);
        if only.as_ref().is_some_and(|only| !name.contains(only.as_str())) {
            continue;
        }
        // Of the sandbox's time: the longest repair makes a database anew.
        let result = tokio::time::timeout(Duration::from_secs(4 * 3600), try_entry(base, &entry)).await;
        if let Err(what) = result.unwrap_or_else(|_| Err("it is not repaired after four hours".into())) {
            wrong.push(format!("{name}: {what}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n\n{}", wrong.len(), wrong.join("\n\n"));
}

#[tokio::test(start_paused = true)]
async fn drift_of_the_network_is_seen_and_repaired() {
    try_all(network::table()).await;
}

#[tokio::test(start_paused = true)]
async fn drift_of_workloads_is_seen_and_repaired() {
    try_all(workloads::table()).await;
}

#[tokio::test(start_paused = true)]
async fn drift_of_what_holds_data_is_seen_and_repaired() {
    try_all(storage::table()).await;
}

#[tokio::test(start_paused = true)]
async fn drift_of_load_balancers_and_the_distribution_is_seen_and_repaired() {
    try_all(delivery::table()).await;
}

/// The reference stack has no volumes.
#[tokio::test(start_paused = true)]
async fn drift_of_volumes_is_seen_and_repaired() {
    let site = Site::new(landing_tests::volumes::STACK);
    site.up().await.done();
    let look = site.look(false).await;
    try_on(&Base::of(|| Site::new(landing_tests::volumes::STACK), &site, look), volumes::table()).await;
}

/// Every kind of the registry, every field of its shape, and `tags` where AWS has them: one entry each, and none for nothing.
#[tokio::test(start_paused = true)]
async fn no_kind_and_no_field_is_forgotten() {
    let mut site = Site::pulse();
    // With something to make images with, they are in the graph.
    site.stand_ins = Some(Duration::from_secs(60));
    let look = site.look(false).await;
    let with_volumes = Site::new(landing_tests::volumes::STACK).look(false).await;
    let mut wanted = BTreeSet::new();
    for kind in look.registry.iter() {
        let (_, desired) = look
            .blueprint
            .graph
            .iter()
            .chain(with_volumes.blueprint.graph.iter())
            .find(|(name, _)| name.kind() == kind.name())
            .unwrap_or_else(|| panic!("neither stack has a {}", kind.name()));
        let fields = desired.shape.as_object().expect("a shape is a structure");
        wanted.extend(fields.keys().map(|field| format!("{} {field}", kind.name())));
        if kind.traits().tagged {
            wanted.insert(format!("{} tags", kind.name()));
        }
    }
    let kind = |name: &str| NodeName::parse(name).expect("tables name nodes").kind().to_owned();
    let entries: Vec<String> = tables().iter().map(|entry| format!("{} {}", kind(entry.node), entry.field)).collect();
    let written: BTreeSet<String> = entries.iter().cloned().collect();
    let forgotten: Vec<_> = wanted.difference(&written).collect();
    let for_nothing: Vec<_> = written.difference(&wanted).collect();
    assert!(forgotten.is_empty() && for_nothing.is_empty(), "forgotten: {forgotten:#?}\nfor nothing: {for_nothing:#?}");
    assert_eq!(entries.len(), written.len(), "one entry for each");
    println!("{} kinds and fields", written.len());
}

/// Not a field of anything that we made: a door that somebody opened.
#[tokio::test(start_paused = true)]
async fn a_rule_that_somebody_added_to_a_group_is_taken_out() {
    let mut site = Site::pulse();
    let look = {
        site.up().await.done();
        site.look(false).await
    };
    let id = look.live.nodes[&node("ec2.security-group-rule.keycloak-database-5432-from-keycloak")].id.clone();
    site.tamper(|world| {
        let mut rule = world["ec2"]["rules"][&id].clone();
        rule["id"] = json!("sgr-0123456789abcdef0");
        rule["permission"]["source"] = json!({ "Ipv4": "0.0.0.0/0" });
        rule["tags"] = json!({});
        world["ec2"]["rules"]["sgr-0123456789abcdef0"] = rule;
    });
    let run = site.up().await.done();
    insta::assert_snapshot!(shown(&run.plan));
    assert_eq!(run.mutations(), ["ec2:RevokeSecurityGroupIngress"]);
    assert!(site.plan().await.is_empty());
}
