//! A service as `DescribeServices` gives it.

use serde_json::{Value, json};

use super::service::{Deployment, Service};
use super::task::{Task, uuid};
use crate::clock::epoch;
use crate::tags;
use crate::world::World;

pub(super) fn service(world: &World, service: &Service, with_tags: bool) -> Value {
    let status = match service {
        s if s.inactive_at.is_some() => "INACTIVE",
        s if s.draining_at.is_some() => "DRAINING",
        _ => "ACTIVE",
    };
    let tasks: Vec<&Task> = world.ecs.tasks.values().filter(|task| task.service.as_ref() == Some(&service.arn)).collect();
    let deployments = service.deployments.iter().map(|d| deployment(world, service, d));
    let events = service.events.iter().enumerate().map(|(index, (at, message))| {
        let id = format!("{:08x}{at:024x}", service.events.len() - index);
        json!({ "id": uuid(&id), "createdAt": epoch(*at), "message": message })
    });
    let mut out = json!({
        "serviceArn": service.arn,
        "serviceName": service.name,
        "clusterArn": world.arn("ecs", &format!("cluster/{}", service.cluster)),
        "status": status,
        "desiredCount": service.desired,
        "runningCount": count(world, &tasks, &["RUNNING"]),
        "pendingCount": count(world, &tasks, &["PROVISIONING", "PENDING"]),
        "taskDefinition": service.deployments.first().map(|d| &d.definition),
        "deployments": deployments.collect::<Value>(),
        "events": events.collect::<Value>(),
        "createdAt": epoch(service.created),
        "createdBy": format!("arn:aws:iam::{}:user/sandbox", world.account),
        "roleArn": format!("arn:aws:iam::{}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS", world.account),
    });
    if let (Some(out), Some(settings)) = (out.as_object_mut(), service.settings.as_object()) {
        out.extend(settings.clone());
        if with_tags {
            out.insert("tags".into(), tags::lower(&service.tags));
        }
    }
    out
}

fn count(world: &World, tasks: &[&Task], states: &[&str]) -> usize {
    tasks.iter().filter(|task| states.contains(&task.status(world.now))).count()
}

fn deployment(world: &World, service: &Service, deployment: &Deployment) -> Value {
    let tasks: Vec<&Task> = world.ecs.tasks.values().filter(|task| task.deployment.as_ref() == Some(&deployment.id)).collect();
    let mut out = json!({
        "id": deployment.id,
        "status": if deployment.primary { "PRIMARY" } else { "ACTIVE" },
        "taskDefinition": deployment.definition,
        "desiredCount": if deployment.primary { service.desired } else { 0 },
        "pendingCount": count(world, &tasks, &["PROVISIONING", "PENDING"]),
        "runningCount": count(world, &tasks, &["RUNNING"]),
        "failedTasks": deployment.failed_tasks,
        "createdAt": epoch(deployment.created),
        "updatedAt": epoch(deployment.updated),
        "platformVersion": "1.4.0",
        "platformFamily": "Linux",
        "networkConfiguration": deployment.network,
        "rolloutState": deployment.rollout,
        "rolloutStateReason": deployment.reason,
    });
    for key in ["launchType", "capacityProviderStrategy"] {
        if !service.settings[key].is_null() {
            out[key] = service.settings[key].clone();
        }
    }
    if let Some(connect) = &deployment.connect {
        out["serviceConnectConfiguration"] = connect.clone();
        out["serviceConnectResources"] = deployment.connect_resources.clone();
    }
    out
}

/// One line of `ListServiceDeployments`; those that are over are not kept.
pub(super) fn brief(world: &World, service: &Service, deployment: &Deployment) -> Value {
    let id = super::short(&deployment.id);
    let path = format!("{}/{}/{id}", service.cluster, service.name);
    let status = match deployment.rollout.as_str() {
        "COMPLETED" => "SUCCESSFUL",
        "FAILED" => "STOPPED",
        other => other,
    };
    let mut out = json!({
        "serviceDeploymentArn": world.arn("ecs", &format!("service-deployment/{path}")),
        "serviceArn": service.arn,
        "clusterArn": world.arn("ecs", &format!("cluster/{}", service.cluster)),
        "createdAt": epoch(deployment.created),
        "startedAt": epoch(deployment.started),
        "targetServiceRevisionArn": world.arn("ecs", &format!("service-revision/{path}")),
        "status": status,
        "statusReason": deployment.reason,
    });
    if deployment.rollout != "IN_PROGRESS" {
        out["finishedAt"] = epoch(deployment.updated);
    }
    out
}
