//! `landing plan`: what `up` would change, and nothing is changed.

use serde_json::json;

use super::{print, print_json, say};
use crate::args::{Common, PlanOptions};
use crate::failure::{Exit, Failure};
use crate::render;
use crate::session::Session;

pub(crate) async fn run(common: &Common, options: &PlanOptions) -> Result<Exit, Failure> {
    let session = Session::open(common).await?;
    let state = session.state().await?;
    let live = session.scan(&state).await?;
    let plan = session.plan(options.down, &live, &state)?;
    let typical = plan.typical_duration(&session.blueprint.graph, &session.registry);
    if common.json {
        print_json(&json!({
            "stack": plan.stack,
            "serial": plan.serial,
            "summary": plan.summary,
            "seconds": typical.as_secs(),
            "steps": plan.steps,
            "notices": session.blueprint.notices,
        }));
    } else {
        print(&render::plan::text(&plan, &session.place(), typical));
        if !options.down {
            session.blueprint.notices.iter().for_each(|notice| say(&format!("{}: {notice}", render::style::change("note"))));
        }
    }
    let changes = options.detailed_exitcode && !plan.is_empty();
    Ok(if changes { Exit::PlanHasChanges } else { Exit::Done })
}
