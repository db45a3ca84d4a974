//! GitHub Actions around the program: what a runner takes for a command, notes at lines of files, and the page that is shown of a run.
//!
//! A runner reads what a step says, line by line, on both streams, and obeys lines that begin with `::` (blanks before it do not matter) and, in the older form,
//! lines with `##[` anywhere in them. What a program in a container wrote, or what AWS answers, is shown by `landing` and may contain either. So all that is said
//! passes [`harmless`], and only [`annotate`] says something that is meant as a command. A marker (`::stop-commands::`) would hold for one stream's order only, and
//! be left open by a run that is killed.
//!
//! Source: GitHub Docs, "Workflow commands for GitHub Actions"; actions/runner, `ActionCommand.cs`.

use std::borrow::Cow;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tracing_subscriber::fmt::MakeWriter;

use crate::commands::say;
use crate::render::style;

/// More notes of one step are not shown. Source: GitHub Docs, "Usage limits", annotations.
const NOTES: usize = 10;
/// Bytes of a step's page; a page above 1 MiB is dropped whole.
const PAGE: u64 = 900_000;

/// Whether a runner listens.
pub(crate) fn are_around() -> bool {
    static AROUND: OnceLock<bool> = OnceLock::new();
    *AROUND.get_or_init(|| std::env::var("GITHUB_ACTIONS").is_ok_and(|value| value == "true"))
}

/// The text as it may be said: what a runner would obey has a backslash in it.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    if !(text.contains("::") || text.contains("##[")) {
        return Cow::Borrowed(text);
    }
    // To a runner a carriage return ends a line, too.
    let lines = text.split_inclusive(['\n', '\r']).map(|line| {
        let line = line.replace("##[", "##\\[");
        let start = line.len() - line.trim_start_matches(is_blank).len();
        if line[start..].starts_with("::") { format!("{}\\{}", &line[..start], &line[start..]) } else { line }
    });
    Cow::Owned(lines.collect())
}

/// What is passed over at the beginning of a line, or shows as nothing.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '\u{feff}' | '\u{200b}'..='\u{200f}')
}

/// The same for JSON, which stays what it is: none of its lines begins with `::`.
pub(crate) fn harmless_json(text: &str) -> Cow<'_, str> {
    if text.contains("##[") { Cow::Owned(text.replace("##[", "#\\u0023[")) } else { Cow::Borrowed(text) }
}

/// What is [`harmless`] where a runner listens, and as it is elsewhere.
pub(crate) fn spoken(text: &str) -> Cow<'_, str> {
    if are_around() { harmless(text) } else { text.into() }
}

/// The same for JSON.
pub(crate) fn spoken_json(text: &str) -> Cow<'_, str> {
    if are_around() { harmless_json(text) } else { text.into() }
}

/// What the log writes to.
pub(crate) struct Stderr;

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if are_around() {
            // One event is one write.
            io::stderr().write_all(harmless(&String::from_utf8_lossy(bytes)).as_bytes())?;
            return Ok(bytes.len());
        }
        io::stderr().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl MakeWriter<'_> for Stderr {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Self
    }
}

/// A note that GitHub shows with a run and, where it has a place, at the line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) title: String,
    pub(crate) message: String,
    pub(crate) place: Option<Place>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: PathBuf,
    /// From 1.
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// Says them to the runner, if there is one.
pub(crate) fn annotate(notes: &[Note]) {
    if !are_around() {
        return;
    }
    let root = std::env::var_os("GITHUB_WORKSPACE").map(PathBuf::from);
    for note in notes.iter().take(NOTES) {
        let _ = writeln!(io::stderr(), "{}", command(note, root.as_deref()));
    }
}

fn command(note: &Note, root: Option<&Path>) -> String {
    let mut properties = format!("title={}", property(&note.title));
    // GitHub knows files from the root of the repository; one elsewhere has no line to show.
    let file = |place: &Place| {
        let (file, root) = (place.file.canonicalize().ok()?, root?.canonicalize().ok()?);
        Some(file.strip_prefix(root).ok()?.display().to_string())
    };
    if let Some(place) = &note.place
        && let Some(file) = file(place)
    {
        properties.push_str(&format!(",file={},line={},col={}", property(&file), place.line, place.column));
    }
    format!("::error {properties}::{}", message(&note.message))
}

fn message(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string().replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

/// Bytes that may still be written to the page of this step; none without a page.
pub(crate) fn room() -> usize {
    let written = |path: PathBuf| std::fs::metadata(path).map_or(0, |file| file.len());
    page().map_or(0, |path| usize::try_from(PAGE.saturating_sub(written(path))).unwrap_or(0))
}

fn page() -> Option<PathBuf> {
    are_around().then(|| std::env::var_os("GITHUB_STEP_SUMMARY")).flatten().filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// Adds to the page that GitHub shows of this step. It is never the reason why a run fails.
pub(crate) fn add_to_page(markdown: &str) {
    let Some(path) = page() else { return };
    let gap = if std::fs::metadata(&path).is_ok_and(|file| file.len() > 0) { "\n" } else { "" };
    let written = OpenOptions::new().append(true).create(true).open(&path).and_then(|mut file| writeln!(file, "{gap}{markdown}"));
    if let Err(error) = written {
        say(&format!("{}: the summary of this step cannot be written: {error}", style::change("note")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The commands that a runner finds in what a step says, as its own source reads lines: the newer form at the beginning, the older one anywhere.
    pub(crate) fn heard(said: &str) -> Vec<String> {
        let lines = said.split(['\n', '\r']);
        let obeyed = |line: &&str| {
            let newer = line.trim_start().strip_prefix("::").is_some_and(|rest| rest.contains("::"));
            let older = line.find("##[").is_some_and(|at| line[at..].contains(']'));
            newer || older
        };
        lines.filter(obeyed).map(str::to_owned).collect()
    }

    #[test]
    fn nothing_that_is_only_shown_is_obeyed() {
        for hostile in [
            "::error::no",
            "  ::add-mask::a",
            "fine\n\t::set-env name=PATH::/tmp",
            "downloading\r::stop-commands::x",
            "\u{a0}::add-path::/tmp",
            "before ##[add-path]/tmp",
            "##[##[set-env name=A;]b",
            "\u{feff}::debug::x",
        ] {
            assert!(!heard(hostile).is_empty() || hostile.starts_with('\u{feff}'), "the judge must hear it: {hostile:?}");
            let said = harmless(hostile);
            assert_eq!(heard(&said), Vec::<String>::new(), "{said:?}");
            assert_eq!(said.replace('\\', ""), hostile, "nothing is lost");
        }
        assert_eq!(harmless("arn:aws:iam::123:role/x"), "arn:aws:iam::123:role/x");
        let json = serde_json::json!({ "log": "##[add-path]/tmp" });
        let said = harmless_json(&json.to_string()).into_owned();
        assert_eq!(heard(&said), Vec::<String>::new());
        assert_eq!(serde_json::from_str::<serde_json::Value>(&said).unwrap(), json);
    }

    #[test]
    fn a_note_is_one_command_whatever_is_in_it() {
        let note = Note { title: "a, b: c\n::debug::x".into(), message: "100 %\r\n::add-mask::y".into(), place: None };
        let said = command(&note, None);
        assert_eq!(said, "::error title=a%2C b%3A c%0A%3A%3Adebug%3A%3Ax::100 %25%0D%0A::add-mask::y");
        assert_eq!(heard(&said).len(), 1);
    }
}
