//! What the containers of a family do, where the world's faults say it: how long they live, and what they write.

use super::task::Task;
use super::{definition, short};
use crate::call::text;
use crate::clock::Millis;
use crate::faults::Workload;
use crate::latency;
use crate::services::logs;
use crate::world::World;

/// `reference` is a revision's ARN.
pub(super) fn of<'w>(world: &'w World, reference: &str) -> Option<&'w Workload> {
    let (family, revision) = short(reference).split_once(':')?;
    let revision: u32 = revision.parse().ok()?;
    let fits = |workload: &&Workload| workload.family == family && workload.revision.is_none_or(|only| only == revision);
    world.faults.workloads.iter().find(fits)
}

/// How long a task runs that does not run on.
pub(super) fn life(world: &World, task: &str) -> Option<Millis> {
    let after = of(world, &world.ecs.tasks.get(task)?.definition)?.after?;
    Some((after * latency::SECOND as f64) as Millis)
}

/// Writes what a task has written by now. One that is slow to start writes until its end, others have said all soon after their start.
pub(super) fn write(world: &mut World, task: &str) {
    let Some((task, lines)) =
        world.ecs.tasks.get(task).cloned().and_then(|task| Some((task.clone(), of(world, &task.definition)?.log.clone())))
    else {
        return;
    };
    let slow = of(world, &task.definition).is_some_and(|workload| workload.ends.as_deref() == Some("slow-start"));
    let (from, count) = (task.runs_at, lines.len().max(1) as Millis);
    let apart = if slow { world.now.saturating_sub(from) / count } else { latency::SECOND / 10 };
    let lines = (1..).zip(lines).map(|(nth, line)| ((from + nth * apart).min(world.now.max(from)), line));
    let Some((group, stream)) = place(world, &task) else { return };
    logs::append(world, &group, &stream, lines.collect::<Vec<_>>());
}

/// Log group and stream of a task's first container.
fn place(world: &World, task: &Task) -> Option<(String, String)> {
    let definition = definition::find(world, &task.definition)?;
    let container = definition.containers().first()?;
    let options = &container["logConfiguration"]["options"];
    let (prefix, name) = (text(&options["awslogs-stream-prefix"])?, text(&container["name"])?);
    Some((text(&options["awslogs-group"])?, format!("{prefix}/{name}/{}", short(&task.arn))))
}
