//! Order: AWS never had to refuse a call because something else was still, or not yet, there.
//!
//! A refused call is a wrong edge of the graph, or a wait that looked at the wrong thing. The catalogue names a few refusals that can only be waited out
//! (15.2: interfaces that outlive their owners); the kinds look before they ask even there, so none at all is allowed here.

use std::collections::BTreeMap;

use landing_sandbox::Record;
use landing_tests::{Run, Site, is_read};

/// Refused mutating calls, by operation and code.
fn refused(run: &Run) -> BTreeMap<(String, String), usize> {
    let mut counts = BTreeMap::new();
    let calls: Vec<&Record> = run.calls.iter().filter(|call| !is_read(call)).collect();
    for call in calls {
        if let Some(code) = &call.refused {
            *counts.entry((format!("{}:{}", call.service, call.operation), code.clone())).or_default() += 1;
        }
    }
    counts
}

fn judge(what: &str, run: &Run) -> Vec<String> {
    refused(run).into_iter().map(|((operation, code), count)| format!("{what}: {operation} {code} ×{count}")).collect()
}

#[tokio::test(start_paused = true)]
async fn no_call_of_a_life_is_refused() {
    let site = Site::pulse();
    let mut wrong = judge("first up", &site.up().await.done());
    site.push_images().await;
    wrong.extend(judge("up with images", &site.up().await.done()));
    wrong.extend(judge("down with running tasks", &site.down().await.done()));
    wrong.extend(judge("up after down", &site.up().await.done()));
    wrong.extend(judge("down without tasks", &site.down().await.done()));
    assert_eq!(wrong, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn down_without_a_state_file_goes_in_the_same_order() {
    let site = Site::pulse();
    site.up().await.done();
    site.push_images().await;
    site.up().await.done();
    site.forget_state();
    assert_eq!(judge("down", &site.down().await.done()), Vec::<String>::new());
}
