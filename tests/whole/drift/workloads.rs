//! Roles, logs, cluster, task definitions, services, rollouts and jobs.

use serde_json::{Value, json};

use super::Sees::{Missing, Never, Update};
use super::{Entry, Hand, lose_tags};

const ROLE: &str = "iam.role.keycloak-execution";
const TASK: &str = "ecs.task-definition.keycloak";
const SERVICE: &str = "ecs.service.keycloak";
const JOB: &str = "ecs.job.migrate";
const ROLLOUT: &str = "ecs.rollout.keycloak";

/// The latest revision says something else, as if somebody had registered it.
fn container(hand: &mut Hand<'_>, key: &str, value: Value) {
    hand.map("/body/containerDefinitions/0").insert(key.into(), value);
}

fn body(hand: &mut Hand<'_>, key: &str, value: Value) {
    hand.map("/body").insert(key.into(), value);
}

fn settings(hand: &mut Hand<'_>, pointer: &str, value: Value) {
    hand.set(&format!("/settings{pointer}"), value);
}

pub(super) fn table() -> Vec<Entry> {
    let mut table = vec![
        Entry { node: ROLE, field: "name", sees: Missing, change: |h| h.remove() },
        Entry {
            node: ROLE,
            field: "trust",
            sees: Update,
            change: |h| h.set("/trust/Statement/0/Principal", json!({ "AWS": "arn:aws:iam::999999999999:root" })),
        },
        Entry {
            node: ROLE,
            field: "policies",
            sees: Update,
            change: |h| h.set("/inline/execution/Statement/0/Resource", json!("*")),
        },
        Entry {
            node: ROLE,
            field: "managed",
            sees: Update,
            change: |h| h.list("/attached").push(json!("arn:aws:iam::aws:policy/AdministratorAccess")),
        },
        Entry { node: ROLE, field: "tags", sees: Update, change: lose_tags },
        Entry { node: "iam.oidc-provider.github", field: "url", sees: Missing, change: |h| h.remove() },
        Entry {
            node: "iam.oidc-provider.github",
            field: "clients",
            sees: Update,
            change: |h| h.list("/clients").push(json!("somebody.example")),
        },
        Entry {
            node: "iam.oidc-provider.github",
            field: "tags",
            sees: Update,
            // Without any of our tags it would be somebody else's, and used as it is.
            change: |h| h.set("/tags/Name", json!("not what it was")),
        },
        Entry { node: "logs.group.keycloak", field: "name", sees: Missing, change: |h| h.remove() },
        Entry {
            node: "logs.group.keycloak",
            field: "retention_days",
            sees: Update,
            change: |h| h.set("/retention", json!(null)),
        },
        Entry { node: "logs.group.keycloak", field: "tags", sees: Update, change: lose_tags },
        Entry { node: "ecs.cluster.main", field: "name", sees: Missing, change: cluster_gone },
        Entry { node: "ecs.cluster.main", field: "insights", sees: Update, change: |h| h.set("/insights", json!("disabled")) },
        Entry { node: "ecs.cluster.main", field: "tags", sees: Update, change: lose_tags },
    ];
    table.extend(task_definition());
    table.extend(service());
    table.extend(job());
    table
}

/// Somebody deleted the cluster; ECS lets that happen only when its services are gone.
fn cluster_gone(hand: &mut Hand<'_>) {
    hand.remove();
    for list in ["services", "tasks"] {
        hand.world["ecs"][list].as_object_mut().expect("kept by key").clear();
    }
}

fn task_definition() -> Vec<Entry> {
    vec![
        Entry { node: TASK, field: "family", sees: Missing, change: family_gone },
        Entry { node: TASK, field: "cpu", sees: Update, change: |h| body(h, "cpu", json!("2048")) },
        Entry { node: TASK, field: "memory", sees: Update, change: |h| body(h, "memory", json!("4096")) },
        Entry {
            node: TASK,
            field: "architecture",
            sees: Update,
            change: |h| h.set("/body/runtimePlatform/cpuArchitecture", json!("ARM64")),
        },
        Entry {
            node: TASK,
            field: "execution_role",
            sees: Update,
            change: |h| {
                let other = h.output("iam.role.mqtt-execution", "arn");
                body(h, "executionRoleArn", json!(other));
            },
        },
        Entry {
            node: TASK,
            field: "task_role",
            sees: Update,
            change: |h| {
                let other = h.output("iam.role.mqtt-task", "arn");
                body(h, "taskRoleArn", json!(other));
            },
        },
        Entry { node: TASK, field: "container", sees: Update, change: |h| container(h, "name", json!("other")) },
        Entry { node: TASK, field: "image", sees: Update, change: |h| container(h, "image", json!("evil:latest")) },
        Entry { node: TASK, field: "command", sees: Update, change: |h| container(h, "command", json!(["sh"])) },
        Entry { node: TASK, field: "entrypoint", sees: Update, change: |h| container(h, "entryPoint", json!(["sh"])) },
        Entry {
            node: TASK,
            field: "environment",
            sees: Update,
            change: |h| h.list("/body/containerDefinitions/0/environment").push(json!({ "name": "DEBUG", "value": "1" })),
        },
        Entry {
            node: TASK,
            field: "secrets",
            sees: Update,
            change: |h| {
                h.list("/body/containerDefinitions/0/secrets").pop();
            },
        },
        Entry {
            node: TASK,
            field: "ports",
            sees: Update,
            change: |h| h.set("/body/containerDefinitions/0/portMappings/0/containerPort", json!(8081)),
        },
        Entry {
            node: TASK,
            field: "health",
            sees: Update,
            change: |h| h.set("/body/containerDefinitions/0/healthCheck/interval", json!(77)),
        },
        Entry {
            node: TASK,
            field: "log_group",
            sees: Update,
            change: |h| h.set("/body/containerDefinitions/0/logConfiguration/options/awslogs-group", json!("/elsewhere")),
        },
        Entry {
            node: TASK,
            field: "region",
            sees: Update,
            change: |h| h.set("/body/containerDefinitions/0/logConfiguration/options/awslogs-region", json!("eu-west-1")),
        },
        Entry { node: TASK, field: "stop_timeout", sees: Update, change: |h| container(h, "stopTimeout", json!(77)) },
        Entry { node: TASK, field: "user", sees: Update, change: |h| container(h, "user", json!("root")) },
        Entry {
            node: TASK,
            field: "working_directory",
            sees: Update,
            change: |h| container(h, "workingDirectory", json!("/tmp")),
        },
        Entry { node: TASK, field: "read_only", sees: Update, change: |h| container(h, "readonlyRootFilesystem", json!(true)) },
        Entry {
            node: TASK,
            field: "init",
            sees: Update,
            change: |h| container(h, "linuxParameters", json!({ "initProcessEnabled": true })),
        },
        Entry {
            node: TASK,
            field: "nofile",
            sees: Update,
            change: |h| container(h, "ulimits", json!([{ "name": "nofile", "softLimit": 7, "hardLimit": 7 }])),
        },
        Entry { node: TASK, field: "labels", sees: Update, change: |h| container(h, "dockerLabels", json!({ "a": "b" })) },
        Entry { node: TASK, field: "tty", sees: Update, change: |h| container(h, "pseudoTerminal", json!(true)) },
        Entry { node: TASK, field: "interactive", sees: Update, change: |h| container(h, "interactive", json!(true)) },
        Entry {
            node: TASK,
            field: "capabilities_added",
            sees: Update,
            change: |h| container(h, "linuxParameters", json!({ "capabilities": { "add": ["SYS_PTRACE"], "drop": [] } })),
        },
        Entry {
            node: TASK,
            field: "capabilities_dropped",
            sees: Update,
            change: |h| container(h, "linuxParameters", json!({ "capabilities": { "add": [], "drop": ["CHOWN"] } })),
        },
        Entry {
            node: TASK,
            field: "sysctls",
            sees: Update,
            change: |h| container(h, "systemControls", json!([{ "namespace": "net.core.somaxconn", "value": "1024" }])),
        },
        Entry {
            node: TASK,
            field: "ephemeral_storage_gib",
            sees: Update,
            change: |h| body(h, "ephemeralStorage", json!({ "sizeInGiB": 50 })),
        },
        Entry { node: TASK, field: "tags", sees: Update, change: lose_tags },
    ]
}

/// Every revision was deregistered and deleted.
fn family_gone(hand: &mut Hand<'_>) {
    let family = hand.home[2].clone();
    hand.world["ecs"]["families"].as_object_mut().expect("kept by family").shift_remove(&family);
}

/// Somebody deleted the service, and its tasks went with it.
fn service_gone(hand: &mut Hand<'_>) {
    let arn = hand.home[2].clone();
    hand.remove();
    let tasks = hand.world["ecs"]["tasks"].as_object_mut().expect("kept by key");
    tasks.retain(|_, task| task["service"] != arn);
}

fn service() -> Vec<Entry> {
    vec![
        Entry { node: SERVICE, field: "name", sees: Missing, change: service_gone },
        Entry {
            node: SERVICE,
            field: "cluster",
            sees: Never("the cluster is part of a service's ARN: in another cluster it is another service, of another name"),
            change: |_| {},
        },
        Entry {
            node: SERVICE,
            field: "task_definition",
            sees: Never("a service only needs one to be made with; which one runs is the field of its rollout, below"),
            change: |_| {},
        },
        Entry {
            node: SERVICE,
            field: "subnets",
            sees: Update,
            change: |h| {
                let other = h.id("ec2.subnet.public-a");
                settings(h, "/networkConfiguration/awsvpcConfiguration/subnets", json!([other]));
            },
        },
        Entry {
            node: SERVICE,
            field: "groups",
            sees: Update,
            change: |h| {
                let other = h.id("ec2.security-group.mqtt");
                h.list("/settings/networkConfiguration/awsvpcConfiguration/securityGroups").push(json!(other));
            },
        },
        Entry {
            node: SERVICE,
            field: "public_ip",
            sees: Update,
            change: |h| settings(h, "/networkConfiguration/awsvpcConfiguration/assignPublicIp", json!("ENABLED")),
        },
        Entry { node: SERVICE, field: "targets", sees: Update, change: |h| settings(h, "/loadBalancers", json!([])) },
        Entry {
            node: SERVICE,
            field: "connect",
            sees: Update,
            change: |h| {
                for deployment in h.list("/deployments") {
                    deployment["connect"]["services"] = json!([]);
                }
            },
        },
        Entry {
            node: SERVICE,
            field: "minimum_percent",
            sees: Update,
            change: |h| settings(h, "/deploymentConfiguration/minimumHealthyPercent", json!(50)),
        },
        Entry {
            node: SERVICE,
            field: "maximum_percent",
            sees: Update,
            change: |h| settings(h, "/deploymentConfiguration/maximumPercent", json!(150)),
        },
        Entry {
            node: SERVICE,
            field: "rollback",
            sees: Update,
            change: |h| settings(h, "/deploymentConfiguration/deploymentCircuitBreaker/rollback", json!(false)),
        },
        Entry {
            node: SERVICE,
            field: "grace_seconds",
            sees: Update,
            change: |h| settings(h, "/healthCheckGracePeriodSeconds", json!(7)),
        },
        Entry { node: SERVICE, field: "propagate_tags", sees: Update, change: |h| settings(h, "/propagateTags", json!("NONE")) },
        Entry { node: SERVICE, field: "tags", sees: Update, change: lose_tags },
        Entry {
            node: ROLLOUT,
            field: "cluster",
            sees: Never("a rollout is its service, and a service's cluster is part of its ARN"),
            change: |_| {},
        },
        Entry {
            node: ROLLOUT,
            field: "service",
            sees: Never("a rollout is its service; of another name it is another one"),
            change: |_| {},
        },
        Entry {
            node: ROLLOUT,
            field: "task_definition",
            sees: Update,
            change: |h| {
                for deployment in h.list("/deployments") {
                    let arn = deployment["definition"].as_str().expect("it runs something").replace(":2", ":1");
                    deployment["definition"] = json!(arn);
                }
            },
        },
        Entry { node: ROLLOUT, field: "count", sees: Update, change: |h| h.set("/desired", json!(3)) },
    ]
}

fn job() -> Vec<Entry> {
    let how = "how a run is started leaves no trace on what is done";
    vec![
        Entry {
            node: JOB,
            field: "task_definition",
            sees: Never("that a revision was run is a mark on it: another revision has a mark of its own, or none"),
            change: |_| {},
        },
        // Its run is not an hour old, so it is known that it ended well.
        Entry {
            node: JOB,
            field: "done",
            sees: Update,
            change: |h| drop(h.map("/tags").shift_remove("landing:job").expect("it was marked")),
        },
        Entry { node: JOB, field: "cluster", sees: Never(how), change: |_| {} },
        Entry { node: JOB, field: "subnets", sees: Never(how), change: |_| {} },
        Entry { node: JOB, field: "groups", sees: Never(how), change: |_| {} },
        Entry { node: JOB, field: "public_ip", sees: Never(how), change: |_| {} },
    ]
}
