//! What is wrong, where, and what to do about it.

use std::{fmt, ops::Range, path::PathBuf};

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use crate::{
    mask::{LineKind, masked_line},
    place::Place,
    proposal::Line,
};

/// Bytes of a line that is worth showing; a longer one is data, and is only pointed at.
const LONGEST_LINE: usize = 1000;

/// Bytes of a title or a label: they name what stands in the file, and a name may be megabytes of nonsense.
const LONGEST_WORDS: usize = 400;
/// Bytes of a help, which may have lines for each of many services.
const LONGEST_HELP: usize = 3000;

/// One answer serves all places: a variable is set once, a file made once.
const ANSWERED_ONCE: [&str; 3] = ["unset-variable", "missing-file", "unsupported-volume"];

/// One thing that is wrong. It holds the one source line that it shows, with credentials blotted out.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// Stable and short, e.g. `unknown-key`.
    pub code: &'static str,
    /// Relative to the project's folder.
    pub file: PathBuf,
    /// From 1; 0 when the file could not be read at all.
    pub line: usize,
    /// From 1, in characters; 0 when the file could not be read at all.
    pub column: usize,
    /// Bytes in the file.
    pub span: Range<usize>,
    pub title: String,
    /// Said at the place itself; may be empty.
    pub label: String,
    /// How to fix it.
    pub help: Option<String>,
    /// Where the same is to be decided once more, as `file:line:column`.
    pub also: Vec<String>,
    /// What the help wants in landing.toml.
    pub(crate) lines: Vec<Line>,
    excerpt: Option<Excerpt>,
}

/// The source line to show, and what to underline in it.
#[derive(Debug, Clone, PartialEq)]
struct Excerpt {
    line: String,
    span: Range<usize>,
}

impl Problem {
    pub(crate) fn at(place: &Place, code: &'static str, title: impl Into<String>) -> Self {
        let start = place.line_start();
        let rest = &place.source.text[start..];
        let line = rest.split_once('\n').map_or(rest, |(line, _)| line).trim_end_matches('\r');
        let from = (place.span.start - start).min(line.len());
        let to = (place.span.end - start).clamp(from, line.len());
        let to = from + line[from..to].trim_end().len();
        Self {
            code,
            file: place.source.path.clone(),
            line: place.line(),
            column: place.column(),
            span: place.span.clone(),
            title: clipped(title, LONGEST_WORDS),
            label: String::new(),
            help: None,
            also: Vec::new(),
            lines: Vec::new(),
            excerpt: (line.len() <= LONGEST_LINE).then(|| Excerpt { line: masked_line(line, line_kind(place)), span: from..to }),
        }
    }

    /// About a file that cannot be shown: missing, or not text.
    pub(crate) fn in_file(file: impl Into<PathBuf>, code: &'static str, title: impl Into<String>) -> Self {
        Self {
            code,
            file: file.into(),
            line: 0,
            column: 0,
            span: 0..0,
            title: clipped(title, LONGEST_WORDS),
            label: String::new(),
            help: None,
            also: Vec::new(),
            lines: Vec::new(),
            excerpt: None,
        }
    }

    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = clipped(label, LONGEST_WORDS);
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(clipped(help, LONGEST_HELP));
        self
    }

    /// The help in words of TOML.
    pub(crate) fn lines(mut self, lines: impl IntoIterator<Item = Line>) -> Self {
        self.lines.extend(lines);
        self
    }

    /// Without the source line, where it may be part of a credential of several lines.
    pub(crate) fn without_excerpt(mut self) -> Self {
        self.excerpt = None;
        self
    }

    /// Takes in the same problem, which an anchor brought to another service, or which has the same answer at another place.
    pub(crate) fn absorbs(&mut self, other: &Self) -> bool {
        let is_same = (self.code, &self.title, &self.help) == (other.code, &other.title, &other.help);
        let is_here = (&self.file, &self.span) == (&other.file, &other.span);
        if !is_same || !(is_here || ANSWERED_ONCE.contains(&self.code)) {
            return false;
        }
        if !is_here && other.line > 0 {
            self.also.push(format!("{}:{}:{}", other.file.display(), other.line, other.column));
        }
        self.lines.extend(other.lines.iter().cloned());
        true
    }

    fn render(&self, renderer: &Renderer) -> String {
        let path = self.file.display().to_string();
        let title = Level::ERROR.primary_title(self.title.as_str()).id(self.code);
        let mut group = match &self.excerpt {
            Some(excerpt) => {
                let label = (!self.label.is_empty()).then_some(self.label.as_str());
                let annotation = AnnotationKind::Primary.span(excerpt.span.clone()).label(label);
                title.element(Snippet::source(excerpt.line.as_str()).line_start(self.line).path(path).annotation(annotation))
            }
            None => {
                let origin = annotate_snippets::Origin::path(path);
                let group = if self.line > 0 {
                    title.element(origin.line(self.line).char_column(self.column))
                } else {
                    title.element(origin)
                };
                if self.label.is_empty() { group } else { group.element(Level::NOTE.message(self.label.as_str())) }
            }
        };
        if !self.also.is_empty() {
            group = group.element(Level::NOTE.message(format!("also at {}", self.also.join(", "))));
        }
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        renderer.render(&[group])
    }
}

/// A key as it is written in landing.toml.
pub(crate) fn toml_key(name: &str) -> String {
    let is_bare = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if is_bare { name.to_owned() } else { format!("{name:?}") }
}

fn clipped(words: impl Into<String>, longest: usize) -> String {
    let mut words = words.into();
    if words.len() > longest {
        words.truncate(words.floor_char_boundary(longest));
        words.push('…');
    }
    words
}

fn line_kind(place: &Place) -> LineKind {
    if place.source.path.extension().is_none_or(|extension| extension != "toml") {
        return LineKind::Compose;
    }
    let before = &place.source.text[..place.line_start()];
    let table = before.lines().rev().map(str::trim_start).find(|line| line.starts_with('[')).unwrap_or_default();
    let line = place.source.text[place.line_start()..].trim_start();
    let names_secrets = line.starts_with("secrets") || table.trim_end().ends_with(".secrets]");
    if names_secrets { LineKind::TomlReferences } else { LineKind::Toml }
}

/// `file:line:column: what is wrong: label`, and the help on a line of its own.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        write!(f, ": {}", self.title)?;
        if !self.label.is_empty() {
            write!(f, ": {}", self.label)?;
        }
        if !self.also.is_empty() {
            write!(f, "\n  also at {}", self.also.join(", "))?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n  help: {help}")?;
        }
        Ok(())
    }
}

/// All that is wrong, by file and line.
#[derive(Debug, Clone, PartialEq)]
pub struct Problems(pub Vec<Problem>, pub(crate) Option<String>);

impl Problems {
    /// What all of them ask for in landing.toml, as one text to paste.
    #[must_use]
    pub fn proposal(&self) -> Option<&str> {
        self.1.as_deref()
    }

    /// Every problem with its source line, for people.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let problems = self.0.iter().map(|problem| problem.render(&renderer));
        problems.chain(self.1.clone()).collect::<Vec<_>>().join("\n\n")
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        if let Some(proposal) = &self.1 {
            write!(f, "\n\n{proposal}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
