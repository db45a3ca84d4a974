//! Where something stands in a file that was read.

use std::{ops::Range, path::PathBuf, sync::Arc};

/// One file that was read.
#[derive(PartialEq)]
pub(crate) struct Source {
    /// Relative to the project's folder, as problems show it.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
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
        self.source.text[..self.span.start].matches('\n').count() + 1
    }

    /// From 1, in characters.
    pub(crate) fn column(&self) -> usize {
        self.source.text[self.line_start()..self.span.start].chars().count() + 1
    }

    pub(crate) fn line_start(&self) -> usize {
        self.source.text[..self.span.start].rfind('\n').map_or(0, |at| at + 1)
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
