//! Every permission of `docs/permissions.md` is missing once.

use std::collections::BTreeSet;

use landing_aws::{is_read, missing_action};
use landing_engine::{CallError, Class};
use landing_sandbox::Faults;
use landing_tests::{Run, Site};

use super::{census, converges, some};
use landing_tests::small::STACK;
use landing_tests::volumes;

/// `service:Action` of all `Allow` statements of the policies that the documentation asks for.
pub(crate) fn documented() -> BTreeSet<String> {
    let text = include_str!("../../../docs/permissions.md");
    let policies = text.split("```json").skip(1).filter_map(|part| part.split("```").next());
    let quoted = policies.flat_map(|policy| policy.split('"').skip(1).step_by(2));
    let is_action = |text: &&str| {
        text.split_once(':').is_some_and(|(service, action)| {
            service.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
                && action.starts_with(|c: char| c.is_ascii_uppercase())
                && action.chars().all(|c| c.is_ascii_alphanumeric() || c == '*')
        })
    };
    // Keys of KMS are not modelled; AWS asks for them behind a call of another service.
    quoted.filter(is_action).filter(|action| !action.starts_with("kms:")).map(str::to_owned).collect()
}

/// Some of the readings and some of the changes, so that however many there are, both have their turn.
fn tried() -> Vec<String> {
    let (readings, changes): (Vec<String>, Vec<String>) = documented().into_iter().partition(|action| is_read(action));
    some(readings, 11).into_iter().chain(some(changes, 11)).collect()
}

fn without(action: &str) -> Faults {
    Faults { deny: vec![action.parse().expect("an action is a pattern")], ..Faults::default() }
}

/// What the run says about the missing permission. Everything else that could be done is done.
fn judge(action: &str, run: &Run) -> Result<(), String> {
    let mut named = BTreeSet::new();
    for (node, error) in &run.outcome.failed {
        named.extend(said(action, error).map_err(|what| format!("{node}: {what}"))?);
    }
    let unfinished: BTreeSet<&str> = run.outcome.failed.iter().map(|(node, _)| node.as_str()).collect();
    let skipped: BTreeSet<&str> = run.outcome.skipped.iter().map(|(node, _)| node.as_str()).collect();
    for (node, because) in &run.outcome.skipped {
        if !unfinished.iter().chain(&skipped).any(|other| *other != node.as_str() && because.contains(*other)) {
            return Err(format!("{node} was skipped: {because}"));
        }
    }
    if run.outcome.is_complete() || named.len() == 1 { Ok(()) } else { Err(format!("{named:?} is named")) }
}

fn said(action: &str, error: &CallError) -> Result<Option<String>, String> {
    match missing_action(error) {
        Some(missing) if missing == action && error.class == Class::Denied => Ok(Some(missing.to_owned())),
        _ => Err(format!("{error}")),
    }
}

#[derive(Default)]
struct Counts {
    needless: Vec<String>,
    before: usize,
    during: usize,
    after: usize,
}

/// One command without one permission, and the next one with it.
async fn one(site: &Site, action: &str, down: bool, counts: &mut Counts) -> Result<Site, String> {
    let day = site.fork(without(action));
    let objects = day.objects();
    let ran = if down { day.try_down().await } else { day.try_up().await };
    let run = match ran {
        Err(refused) => {
            counts.before += 1;
            let said: Result<Vec<_>, _> = refused.0.iter().map(|error| said(action, error)).collect();
            said?;
            if day.objects() != objects {
                return Err("it was refused and changed something".into());
            }
            return Ok(day);
        }
        Ok(run) => run,
    };
    judge(action, &run)?;
    let unchecked = run.left.as_ref().is_some_and(|left| !left.unchecked.is_empty());
    match run.outcome.is_complete() {
        false => counts.during += 1,
        true if unchecked => counts.after += 1,
        true => counts.needless.push(action.to_owned()),
    }
    if unchecked && run.left.as_ref().is_some_and(|left| left.class() != Some(Class::Denied)) {
        return Err("what could not be looked at is not told as a permission".into());
    }
    Ok(day)
}

#[tokio::test(start_paused = true)]
async fn an_up_that_lacks_one_permission_does_the_rest_names_it_and_converges_once_it_is_there() {
    let (site, calm) = (Site::new(STACK), Site::new(STACK));
    calm.up().await.done();
    let (volumes, calm_volumes) = (Site::new(volumes::STACK), Site::new(volumes::STACK));
    calm_volumes.up().await.done();
    let (mut wrong, mut counts) = (Vec::new(), Counts::default());
    let (expected, with_volumes) = (census(&calm), census(&calm_volumes));
    let actions = tried();
    for action in &actions {
        let (site, expected) =
            if action.starts_with("elasticfilesystem:") { (&volumes, &with_volumes) } else { (&site, &expected) };
        let tried = match one(site, action, false, &mut counts).await {
            Ok(day) => converges(&day, expected).await,
            Err(what) => Err(what),
        };
        wrong.extend(tried.err().map(|what| format!("{action}: {what}")));
    }
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), actions.len(), wrong.join("\n"));
    let Counts { needless, before, during, .. } = counts;
    println!("up: {} permissions, {before} refused before the walk, {during} in it; not needed: {needless:?}", actions.len());
    // Which of them are tried changes with their number.
    assert!(before > 0 && during > 1);
}

#[tokio::test(start_paused = true)]
async fn a_down_that_lacks_one_permission_does_the_rest_names_it_and_the_next_one_leaves_nothing() {
    let empty = Site::new(STACK).objects();
    let site = Site::new(STACK);
    site.up().await.done();
    let (mut wrong, mut counts) = (Vec::new(), Counts::default());
    let actions = tried();
    for action in &actions {
        let day = match one(&site, action, true, &mut counts).await {
            Ok(day) => day.fork(Faults::default()),
            Err(what) => {
                wrong.push(format!("{action}: {what}"));
                continue;
            }
        };
        let next = day.down().await;
        if !next.outcome.is_complete() || !next.left.is_some_and(|left| left.is_nothing()) || day.objects() != empty {
            wrong.push(format!("{action}: the next down leaves {:?}", day.objects().difference(&empty).collect::<Vec<_>>()));
        }
    }
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), actions.len(), wrong.join("\n"));
    let Counts { needless, before, during, after } = counts;
    println!(
        "down: {} permissions, {before} refused before the walk, {during} in it, {after} after it; not needed: {needless:?}",
        actions.len()
    );
}

#[test]
fn the_documentation_s_list_is_read() {
    let documented = documented();
    assert!(documented.len() > 120, "{}", documented.len());
    for action in ["ec2:CreateTags", "iam:PassRole", "s3:ListAllMyBuckets", "tag:GetResources"] {
        assert!(documented.contains(action), "{action}");
    }
}
