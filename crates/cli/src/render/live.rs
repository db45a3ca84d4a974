//! A running walk on a terminal: what is done scrolls up, what runs and what it waits for stands in a footer, services that come up in a table.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use landing_engine::event::{Doing, Event};
use landing_engine::{Copies, NodeName};

use super::{duration, plain, style, table};

/// Rows of the footer besides the bar; more running steps are counted, not shown.
const ROWS: usize = 12;

pub(crate) struct Live {
    screen: MultiProgress,
    bar: ProgressBar,
    /// Above the table's rows, as long as there are any.
    head: Option<ProgressBar>,
    rows: BTreeMap<NodeName, Row>,
    /// Running, and waiting for a free row.
    hidden: Vec<(NodeName, Doing)>,
}

struct Row {
    bar: ProgressBar,
    doing: Doing,
    in_table: bool,
}

impl Live {
    pub(crate) fn new() -> Self {
        let screen = MultiProgress::new();
        let bar = screen.add(ProgressBar::new(0));
        let style = ProgressStyle::with_template("{spinner:.green} {pos}/{len} {wide_bar:.green/dim} {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { screen, bar, head: None, rows: BTreeMap::new(), hidden: Vec::new() }
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
            Event::StepWaiting { node, copies: Some(copies), elapsed, .. } => self.count(node, copies, *elapsed),
            Event::StepWaiting { node, state, elapsed, .. } => self.state(node, &format!("{state} for {}", duration(*elapsed))),
            Event::StepFinished { node, .. } | Event::StepFailed { node, .. } | Event::StepSkipped { node, .. } => {
                self.bar.inc(1);
                self.end(node);
            }
            Event::RunFinished { .. } => self.finish(),
            Event::StopRequested { .. } | Event::StepTrouble { .. } => {}
        }
        self.bar.set_message(duration(since_start));
    }

    fn start(&mut self, node: &NodeName, doing: Doing) {
        if self.rows.len() >= ROWS {
            self.hidden.push((node.clone(), doing));
            return;
        }
        let bar = self.line(self.head.as_ref().unwrap_or(&self.bar));
        self.rows.insert(node.clone(), Row { bar, doing, in_table: false });
        self.state(node, "");
    }

    fn line(&self, above: &ProgressBar) -> ProgressBar {
        let bar = self.screen.insert_before(above, ProgressBar::new_spinner());
        let style = ProgressStyle::with_template("  {spinner:.dim} {wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.enable_steady_tick(Duration::from_millis(120));
        bar
    }

    /// Moves the node's row into the table, which is right above the bar.
    fn count(&mut self, node: &NodeName, copies: &Copies, elapsed: Duration) {
        if self.head.is_none() {
            let head = self.screen.insert_before(&self.bar, ProgressBar::new_spinner());
            head.set_style(ProgressStyle::with_template("  {wide_msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()));
            head.set_message(style::dim(&table::head()));
            self.head = Some(head);
        }
        let Some(row) = self.rows.get(node) else { return };
        if !row.in_table {
            row.bar.finish_and_clear();
            self.screen.remove(&row.bar);
            let moved = Row { bar: self.line(&self.bar), doing: row.doing, in_table: true };
            self.rows.insert(node.clone(), moved);
        }
        self.rows[node].bar.set_message(table::row(node, copies, elapsed));
    }

    /// Frees the row for the one that has run longest without one.
    fn end(&mut self, node: &NodeName) {
        self.hidden.retain(|(hidden, _)| hidden != node);
        let Some(row) = self.rows.remove(node) else { return };
        row.bar.finish_and_clear();
        self.screen.remove(&row.bar);
        if !self.rows.values().any(|row| row.in_table) {
            self.behead();
        }
        if !self.hidden.is_empty() {
            let (next, doing) = self.hidden.remove(0);
            self.start(&next, doing);
        }
    }

    fn state(&self, node: &NodeName, state: &str) {
        let Some(Row { bar, doing, .. }) = self.rows.get(node) else { return };
        let word = match doing {
            Doing::Creating => "creating",
            Doing::Updating => "updating",
            Doing::Deleting => "deleting",
            Doing::Checking => "checking",
        };
        bar.set_message(format!("{word} {node}  {state}"));
    }

    fn behead(&mut self) {
        if let Some(head) = self.head.take() {
            head.finish_and_clear();
            self.screen.remove(&head);
        }
    }

    pub(crate) fn finish(&mut self) {
        self.behead();
        for row in std::mem::take(&mut self.rows).into_values() {
            row.bar.finish_and_clear();
        }
        self.bar.finish_and_clear();
    }
}
