//! `landing plan`: what `up` would change, and nothing is changed.

use std::path::Path;

use serde_json::json;

use super::{print, print_json, say};
use crate::actions;
use crate::args::{Common, PlanOptions};
use crate::failure::{Exit, Failure};
use crate::render::{self, markdown, markdown::COMMENT};
use crate::session::Session;

pub(crate) async fn run(common: &Common, options: &PlanOptions) -> Result<Exit, Failure> {
    let result = look(common, options).await;
    if let (Err(failure), Some(path)) = (&result, &options.markdown) {
        write(path, &markdown::failed("plan", &failure.text(), COMMENT))?;
    }
    result
}

fn write(path: &Path, page: &str) -> Result<(), Failure> {
    std::fs::write(path, format!("{page}\n"))
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot write {}: {error}", path.display())))
}

async fn look(common: &Common, options: &PlanOptions) -> Result<Exit, Failure> {
    let session = Session::open(common).await?;
    let state = session.state().await?;
    let live = session.scan(&state).await?;
    let plan = session.plan(options.down, &live, &state)?;
    let typical = plan.typical_duration(&session.blueprint.graph, &session.registry);
    let notices = session.notices(&live, None);
    if common.json {
        print_json(&json!({
            "stack": plan.stack,
            "serial": plan.serial,
            "summary": plan.summary,
            "seconds": typical.as_secs(),
            "steps": plan.steps,
            "notices": notices,
        }));
    } else {
        print(&render::plan::text(&plan, &session.place(), typical));
        if !options.down {
            notices.iter().for_each(|notice| say(&format!("{}: {notice}", render::style::change("note"))));
        }
    }
    let notices = if options.down { &[][..] } else { &notices };
    let page = |room| markdown::plan(&plan, &session.place(), typical, options.down, notices, room);
    if actions::room() > 0 {
        actions::add_to_page(&page(actions::room()));
    }
    if let Some(path) = &options.markdown {
        write(path, &page(COMMENT))?;
    }
    let changes = options.detailed_exitcode && !plan.is_empty();
    Ok(if changes { Exit::PlanHasChanges } else { Exit::Done })
}
