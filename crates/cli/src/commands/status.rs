//! `landing status`: the scan with words.

use landing_engine::kind::Ready;
use landing_engine::plan::{Action, Step};
use serde_json::json;

use super::{print, print_json, say};
use crate::args::{Common, StatusOptions};
use crate::failure::{Exit, Failure};
use crate::render::{self, style};
use crate::session::Session;

pub(crate) async fn run(common: &Common, options: &StatusOptions) -> Result<Exit, Failure> {
    let session = Session::open(common).await?;
    let state = session.state().await?;
    let live = session.scan(&state).await?;
    let plan = session.plan(false, &live, &state)?;
    let drifted: Vec<&Step> = plan.steps.iter().filter(|step| step.changes_aws()).collect();
    let outputs = super::outputs::resolve(&session.blueprint, &state);
    if common.json {
        let nodes: Vec<_> = live
            .nodes
            .values()
            .map(|node| json!({ "node": node.node, "id": node.id, "ready": node.ready == Ready::Yes, "status": node.ready.to_string(), "owned": node.owned }))
            .collect();
        print_json(&json!({ "stack": session.stack, "nodes": nodes, "differs": drifted, "outputs": outputs }));
    } else {
        let width = live.nodes.keys().map(|node| node.as_str().len()).max().unwrap_or(0);
        for node in live.nodes.values() {
            let paint = match &node.ready {
                Ready::Yes => style::good,
                Ready::NotYet(_) | Ready::Rolling(_) => style::change,
                Ready::Failed(_) => style::bad,
            };
            let status = paint(&node.ready.to_string());
            print(&format!("{:<width$}  {status}  {}", node.node.as_str(), style::dim(&node.id)));
        }
        let standing = render::count(live.nodes.len(), "object");
        say(&format!("\n{standing} of {} in {}", session.stack.prefix(), session.place()));
        // Every line would say the same.
        let nothing = live.nodes.is_empty();
        if nothing && !drifted.is_empty() {
            say("`landing up` builds it");
        }
        for step in drifted.iter().filter(|_| !nothing) {
            let what = match step.action {
                Action::Create => "is missing".to_owned(),
                Action::Delete => "is not asked for".to_owned(),
                _ => step.changes.iter().flat_map(render::value::lines).collect::<Vec<_>>().join(", "),
            };
            say(&format!("{} {}: {what}", style::change("differs"), step.node));
        }
        session.untold(&live, None).iter().for_each(|note| say(&format!("{}: {note}", style::change("note"))));
        outputs.iter().for_each(|(name, value)| print(&format!("{name}  {value}")));
    }
    let drift = options.detailed_exitcode && !drifted.is_empty();
    Ok(if drift { Exit::Drift } else { Exit::Done })
}
