//! Lines of logs, each behind the name of who wrote it, or as JSON.
//!
//! They are foreign text. What goes to a terminal loses its escape sequences and control characters, which could move the cursor, rewrite what is above or speak
//! to the terminal itself. What goes into a file or to another program stays as it was written.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, IsTerminal, Stdout, Write};

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use landing_aws::logs::Line;
use serde_json::json;

use crate::actions;

/// Told apart on dark and on light ground; red is left to errors.
const COLOURS: [AnsiColor; 6] =
    [AnsiColor::Cyan, AnsiColor::Yellow, AnsiColor::Green, AnsiColor::Magenta, AnsiColor::Blue, AnsiColor::BrightCyan];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Json,
    /// For people, on a terminal or on the way to one.
    Coloured,
    /// On a terminal without colours.
    Clean,
    /// As it was written.
    Raw,
}

pub(crate) struct Lines<W: Write = BufWriter<Stdout>> {
    out: W,
    form: Form,
    /// Service → its place, and so its colour.
    services: BTreeMap<String, usize>,
    width: usize,
}

impl Lines {
    /// For what these services write.
    pub(crate) fn new<'a>(services: impl IntoIterator<Item = &'a str>, json: bool) -> Self {
        let out = io::stdout();
        let coloured = !matches!(anstream::AutoStream::choice(&out), anstream::ColorChoice::Never);
        let form = match (json, coloured, out.is_terminal()) {
            (true, ..) => Form::Json,
            (_, true, _) => Form::Coloured,
            (_, _, true) => Form::Clean,
            // A runner of GitHub would obey some of it.
            _ if actions::are_around() => Form::Clean,
            _ => Form::Raw,
        };
        Self::to(BufWriter::new(out), form, services)
    }
}

impl<W: Write> Lines<W> {
    fn to<'a>(out: W, form: Form, services: impl IntoIterator<Item = &'a str>) -> Self {
        let services: BTreeMap<String, usize> = services.into_iter().map(str::to_owned).zip(0..).collect();
        let width = services.keys().map(|name| name.chars().count()).max().unwrap_or(0);
        Self { out, form, services, width }
    }

    /// # Errors
    /// When nobody reads any more, or the disk is full.
    pub(crate) fn write(&mut self, line: &Line) -> io::Result<()> {
        if self.form == Form::Json {
            let record = json!({ "time": time(line.at), "service": line.service, "task": line.task, "message": line.message });
            return writeln!(self.out, "{}", actions::spoken_json(&record.to_string()));
        }
        // A message may be several lines, and each belongs to somebody.
        for text in line.message.trim_end_matches(['\n', '\r']).split('\n') {
            let (name, width) = (&line.service, self.width);
            match self.form {
                Form::Raw => writeln!(self.out, "{name:<width$} | {text}")?,
                Form::Clean => writeln!(self.out, "{name:<width$} | {}", clean(text))?,
                Form::Coloured | Form::Json => {
                    let place = self.services.get(name).copied().unwrap_or_default();
                    let style = Style::new().fg_color(Some(COLOURS[place % COLOURS.len()].into()));
                    writeln!(self.out, "{style}{name:<width$} |{style:#} {}", clean(text))?;
                }
            }
        }
        Ok(())
    }

    /// # Errors
    /// As [`Lines::write`].
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn time(at: i64) -> String {
    Timestamp::from_millisecond(at).map(|at| at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()).unwrap_or_default()
}

/// Text that can only be read.
fn clean(text: &str) -> String {
    // Whole sequences first, so that nothing of a colour is left standing; then what is no character, C1 controls among it.
    let plain = anstream::adapter::strip_str(text).to_string();
    let plain: String = plain.chars().filter(|c| *c == '\t' || !c.is_control()).collect();
    actions::spoken(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(form: Form, message: &str) -> String {
        let mut lines = Lines::to(Vec::new(), form, ["web", "worker"]);
        let line = Line { at: 1_767_225_600_100, service: "web".into(), task: "3f0c".into(), message: message.into() };
        lines.write(&line).unwrap();
        String::from_utf8(lines.out).unwrap()
    }

    const EVIL: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{1b}[32mready\u{1b}[0m\r\u{9b}31mred\u{8}\tend";

    #[test]
    fn nothing_foreign_speaks_to_a_terminal() {
        let shown = written(Form::Clean, EVIL);
        assert_eq!(shown, "web    | ready31mred\tend\n");
        let coloured = written(Form::Coloured, EVIL);
        assert!(coloured.ends_with("\u{1b}[0m ready31mred\tend\n"), "{coloured:?}");
        // Our own colour is all there is.
        assert_eq!(coloured.matches('\u{1b}').count(), 2);
    }

    #[test]
    fn into_a_file_a_line_goes_as_it_was_written() {
        assert_eq!(written(Form::Raw, EVIL), format!("web    | {EVIL}\n"));
        assert_eq!(written(Form::Raw, "one\n  two\n"), "web    | one\nweb    |   two\n");
        assert_eq!(written(Form::Raw, ""), "web    | \n");
    }

    #[test]
    fn as_json_it_is_one_record_whatever_is_in_it() {
        let record = written(Form::Json, "a\u{1b}[0m\nb");
        assert_eq!(
            record,
            "{\"time\":\"2026-01-01T00:00:00.100Z\",\"service\":\"web\",\"task\":\"3f0c\",\"message\":\"a\\u001b[0m\\nb\"}\n"
        );
    }
}
