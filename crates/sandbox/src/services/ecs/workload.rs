//! What the containers of a family do, where the world's faults say it: how long they live, and what they write.

use super::task::Task;
use super::{definition, short};
use crate::call::text;
use crate::clock::Millis;
use crate::faults::Workload;
use crate::latency;
use crate::services::elbv2::{Target, TargetGroup};
use crate::services::logs;
use crate::visit::pattern;
use crate::wire::Response;
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

/// The first line of a task that runs on and of which nobody wrote what it says.
pub(super) fn greet(world: &mut World, task: &str) {
    let Some(task) = world.ecs.tasks.get(task).cloned() else { return };
    if of(world, &task.definition).is_some_and(|workload| !workload.log.is_empty()) {
        return;
    }
    let Some((group, stream)) = place(world, &task) else { return };
    let name = stream.split('/').nth(1).unwrap_or_default().to_owned();
    logs::append(world, &group, &stream, [(task.runs_at, format!("{name} has started (the sandbox runs no container)"))]);
}

/// What a target's task answers over HTTP; `None` when nothing listens there.
pub(crate) fn answer_of(world: &World, group: &TargetGroup, target: &Target, path: &str) -> Option<Response> {
    let is_it =
        |task: &&Task| task.targets.iter().any(|(arn, ip, port)| (arn, ip, port) == (&group.arn, &target.id, &target.port));
    let task = world.ecs.tasks.values().find(is_it)?;
    let workload = of(world, &task.definition);
    let asked = task.failure.as_deref().or(workload.and_then(|workload| workload.ends.as_deref()));
    let answer = |status: u16, kind: &str, body: &str| Response {
        status,
        headers: vec![("content-type".to_owned(), kind.to_owned())],
        body: body.as_bytes().to_vec(),
    };
    if asked == Some("health-404") {
        let found = group.check.path.as_deref() != Some(path);
        return Some(answer(if found { 200 } else { 404 }, PLAIN, path));
    }
    if target.failing.is_some() {
        return None;
    }
    let scripted =
        workload.and_then(|workload| workload.answers.iter().find(|one| pattern::matches(one.path.as_bytes(), path.as_bytes())));
    Some(match scripted {
        Some(one) => answer(one.status, &one.content_type, &one.body),
        None => answer(200, PLAIN, &format!("{path}\n")),
    })
}

const PLAIN: &str = "text/plain; charset=utf-8";

/// Log group and stream of a task's first container.
fn place(world: &World, task: &Task) -> Option<(String, String)> {
    let definition = definition::find(world, &task.definition)?;
    let container = definition.containers().first()?;
    let options = &container["logConfiguration"]["options"];
    let (prefix, name) = (text(&options["awslogs-stream-prefix"])?, text(&container["name"])?);
    Some((text(&options["awslogs-group"])?, format!("{prefix}/{name}/{}", short(&task.arn))))
}
