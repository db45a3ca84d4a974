//! A running walk on a terminal: what is done scrolls up, what runs and what it waits for stands in a footer.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use landing_engine::NodeName;
use landing_engine::event::{Doing, Event};

use super::{duration, plain};

/// Rows of the footer besides the bar; more running steps are counted, not shown.
const ROWS: usize = 12;

pub(crate) struct Live {
    screen: MultiProgress,
    bar: ProgressBar,
    rows: BTreeMap<NodeName, (ProgressBar, Row)>,
}

struct Row {
    doing: Doing,
    state: String,
}

impl Live {
    pub(crate) fn new() -> Self {
        let screen = MultiProgress::new();
        let bar = screen.add(ProgressBar::new(0));
        let style = ProgressStyle::with_template("{spinner:.green} {pos}/{len} {wide_bar:.green/dim} {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { screen, bar, rows: BTreeMap::new() }
    }

    /// `since_start` is AWS time.
    pub(crate) fn event(&mut self, event: &Event, since_start: Duration) {
        if let Some(line) = plain::ended(event) {
            // Drawn above the footer; nothing to do when the terminal is gone.
            let _ = self.screen.println(line);
        }
        match event {
            Event::RunStarted { steps } => self.bar.set_length(*steps as u64),
            Event::StepStarted { node, doing } => self.start(node, *doing),
            Event::StepKnown { node, id } => self.state(node, &format!("made {id}")),
            Event::StepRetrying { node, why, wait, .. } => self.state(node, &format!("{why}, again in {}", duration(*wait))),
            Event::StepWaiting { node, state, elapsed } => self.state(node, &format!("{state} for {}", duration(*elapsed))),
            Event::StepFinished { node, .. } | Event::StepFailed { node, .. } | Event::StepSkipped { node, .. } => {
                self.bar.inc(1);
                if let Some((row, _)) = self.rows.remove(node) {
                    row.finish_and_clear();
                    self.screen.remove(&row);
                }
            }
            Event::RunFinished { .. } => self.finish(),
            Event::StopRequested { .. } => {}
        }
        self.bar.set_message(duration(since_start));
    }

    fn start(&mut self, node: &NodeName, doing: Doing) {
        if self.rows.len() >= ROWS {
            return;
        }
        let row = self.screen.insert_before(&self.bar, ProgressBar::new_spinner());
        let style = ProgressStyle::with_template("  {spinner:.dim} {wide_msg}");
        row.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        row.enable_steady_tick(Duration::from_millis(120));
        self.rows.insert(node.clone(), (row, Row { doing, state: String::new() }));
        self.state(node, "");
    }

    fn state(&mut self, node: &NodeName, state: &str) {
        let Some((bar, row)) = self.rows.get_mut(node) else { return };
        row.state = state.to_owned();
        let word = match row.doing {
            Doing::Creating => "creating",
            Doing::Updating => "updating",
            Doing::Deleting => "deleting",
            Doing::Checking => "checking",
        };
        bar.set_message(format!("{word} {node}  {}", row.state));
    }

    pub(crate) fn finish(&mut self) {
        for (row, _) in std::mem::take(&mut self.rows).into_values() {
            row.finish_and_clear();
        }
        self.bar.finish_and_clear();
    }
}
