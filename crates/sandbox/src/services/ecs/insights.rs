//! Container Insights: AWS makes a log group for a cluster once something runs in it, and does not delete it with the cluster (catalogue, section 8).

use crate::services::logs;
use crate::world::World;

pub(super) fn advance(world: &mut World) {
    let now = world.now;
    let watched = world.ecs.clusters.values().filter(|cluster| cluster.deleted.is_none() && cluster.insights != "disabled");
    let runs = |name: &str| {
        world.ecs.tasks.values().any(|task| task.cluster == name && task.stopped_at.is_none() && task.status(now) == "RUNNING")
    };
    let busy: Vec<String> = watched.filter(|cluster| runs(&cluster.name)).map(|cluster| cluster.name.clone()).collect();
    busy.iter().for_each(|cluster| logs::keep(world, &format!("/aws/ecs/containerinsights/{cluster}/performance")));
}
