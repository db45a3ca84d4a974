//! Where something stands in a file that was read.

use std::{
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

/// One file that was read.
#[derive(PartialEq)]
pub(crate) struct Source {
    /// Relative to the project's folder, as problems show it.
    pub(crate) path: PathBuf,
    /// Where the paths that it names begin: its own folder, or that of the file which it is laid over.
    pub(crate) folder: PathBuf,
    pub(crate) text: String,
    /// Where each line begins, in bytes: a large file has as many places to tell as lines.
    lines: Vec<usize>,
}

impl Source {
    pub(crate) fn new(path: impl Into<PathBuf>, text: String) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let path = path.into();
        let folder = path.parent().map(PathBuf::from).unwrap_or_default();
        Self { path, folder, text, lines }
    }

    pub(crate) fn in_folder(self, folder: &Path) -> Self {
        Self { folder: folder.to_owned(), ..self }
    }

    /// Where a line begins, counted from 1; the end of the text for one that is not there.
    pub(crate) fn start_of(&self, line: usize) -> usize {
        self.lines.get(line.saturating_sub(1)).copied().unwrap_or(self.text.len())
    }

    /// The line of a byte, from 1.
    fn line_of(&self, byte: usize) -> usize {
        self.lines.partition_point(|start| *start <= byte)
    }
}

/// Without the text: it may hold credentials, and is long.
impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Source").field(&self.path).finish()
    }
}

/// A stretch of one file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Place {
    pub(crate) source: Arc<Source>,
    /// Bytes.
    pub(crate) span: Range<usize>,
}

impl Place {
    pub(crate) fn new(source: &Arc<Source>, span: Range<usize>) -> Self {
        let mut end = span.end.min(source.text.len());
        let mut start = span.start.min(end);
        while !source.text.is_char_boundary(start) {
            start -= 1;
        }
        while !source.text.is_char_boundary(end) {
            end += 1;
        }
        Self { source: Arc::clone(source), span: start..end }
    }

    /// The file's first character, for what the whole file lacks.
    pub(crate) fn top(source: &Arc<Source>) -> Self {
        Self::new(source, 0..0)
    }

    /// From 1.
    pub(crate) fn line(&self) -> usize {
        self.source.line_of(self.span.start)
    }

    /// From 1, in characters.
    pub(crate) fn column(&self) -> usize {
        self.source.text[self.line_start()..self.span.start].chars().count() + 1
    }

    pub(crate) fn line_start(&self) -> usize {
        self.source.start_of(self.line())
    }

    pub(crate) fn text(&self) -> &str {
        &self.source.text[self.span.clone()]
    }

    /// The first `needle` within, or all of it.
    pub(crate) fn narrowed_to(&self, needle: &str) -> Self {
        match self.text().find(needle) {
            Some(at) if !needle.is_empty() => {
                let start = self.span.start + at;
                Self::new(&self.source, start..start + needle.len())
            }
            _ => self.clone(),
        }
    }
}
