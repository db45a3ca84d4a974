//! `.dockerignore`: which files of a context a build does not see.
//!
//! Source: the patterns section of Docker's build documentation (`.dockerignore` files): Go's `filepath.Match`, `**` for any number of folders, `!` for
//! exceptions, the last match wins, and what lies in a folder that matches is matched with it.

use std::path::Path;

use regex_lite::Regex;

use crate::context::ContextError;

/// The patterns of one file, in order.
#[derive(Clone, Debug, Default)]
pub struct Ignore {
    patterns: Vec<Pattern>,
    /// How paths begin that are hidden whatever the patterns say.
    hidden: Vec<String>,
}

#[derive(Clone, Debug)]
struct Pattern {
    exception: bool,
    matcher: Regex,
}

impl Ignore {
    /// The patterns for one Dockerfile: those of the file named after it, if there is one, else those of the context.
    ///
    /// # Errors
    /// When the file is there and cannot be read, or a pattern in it cannot be understood.
    pub(crate) fn of(context: &Path, dockerfile: Option<&Path>) -> Result<Self, ContextError> {
        let own = dockerfile.map(|path| {
            let mut name = path.as_os_str().to_owned();
            name.push(".dockerignore");
            name.into()
        });
        for path in own.into_iter().chain([context.join(".dockerignore")]) {
            match std::fs::read_to_string(&path) {
                Ok(text) => return Self::parse(&text).map_err(|pattern| ContextError::Pattern { path, pattern }),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(ContextError::read(&path, error)),
            }
        }
        Ok(Self::default())
    }

    /// # Errors
    /// The pattern that cannot be understood.
    pub fn parse(text: &str) -> Result<Self, String> {
        let lines = text.trim_start_matches('\u{feff}').lines().filter(|line| !line.starts_with('#')).map(str::trim);
        let patterns = lines.filter(|line| !line.is_empty()).map(|line| {
            let (exception, rest) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest.trim()));
            let clean = cleaned(rest);
            if exception && clean.is_empty() {
                return Err(line.to_owned());
            }
            let matcher = Regex::new(&translated(&clean)).map_err(|_| line.to_owned())?;
            Ok(Pattern { exception, matcher })
        });
        Ok(Self { patterns: patterns.collect::<Result<_, _>>()?, hidden: Vec::new() })
    }

    /// Hides what of `hidden`, in the project, is in the folder `context` of it.
    pub(crate) fn hiding(mut self, context: &Path, hidden: &[String]) -> Self {
        let context = context.to_string_lossy();
        let folder = if context.is_empty() { String::new() } else { format!("{context}/") };
        self.hidden = hidden.iter().filter_map(|path| path.strip_prefix(&folder)).map(str::to_owned).collect();
        self
    }

    /// Whether something hidden may lie in the folder: whether that is there must not show, not even as an empty folder.
    pub(crate) fn holds_hidden(&self, folder: &str) -> bool {
        self.hidden.iter().any(|path| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))
    }

    /// Whether a build does not see `path`, which is relative to the context and has slashes.
    pub fn hides(&self, path: &str) -> bool {
        if self.hidden.iter().any(|beginning| path.starts_with(beginning)) {
            return true;
        }
        let mut hidden = false;
        for pattern in &self.patterns {
            // One that could change nothing need not be asked.
            if pattern.exception == hidden && covers(&pattern.matcher, path) {
                hidden = !pattern.exception;
            }
        }
        hidden
    }

    /// Whether something below a hidden folder may be seen all the same.
    pub(crate) fn has_exceptions(&self) -> bool {
        self.patterns.iter().any(|pattern| pattern.exception)
    }
}

/// The path itself or one of the folders that it lies in.
fn covers(matcher: &Regex, path: &str) -> bool {
    let folders = path.char_indices().filter(|(_, c)| *c == '/').map(|(end, _)| &path[..end]);
    matcher.is_match(path) || folders.into_iter().any(|folder| matcher.is_match(folder))
}

/// Without `.`, `..`, doubled slashes and a slash at either end, as Go's `filepath.Clean` and Docker leave it.
fn cleaned(pattern: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in pattern.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if pattern.starts_with('/') => {}
            part => parts.push(part),
        }
    }
    if parts.is_empty() && !pattern.is_empty() && !pattern.starts_with('/') { ".".into() } else { parts.join("/") }
}

/// The pattern as a regular expression for a whole path.
fn translated(pattern: &str) -> String {
    let mut regex = String::from("^");
    let mut chars = pattern.chars().peekable();
    let mut in_class = false;
    while let Some(c) = chars.next() {
        match c {
            '*' if chars.peek() == Some(&'*') => {
                chars.next();
                if chars.peek() == Some(&'/') {
                    chars.next();
                }
                // At the end it is everything, elsewhere any number of whole folders.
                regex.push_str(if chars.peek().is_none() { ".*" } else { "(.*/)?" });
            }
            '*' => regex.push_str("[^/]*"),
            '?' => regex.push_str("[^/]"),
            '[' | ']' => {
                in_class = c == '[';
                regex.push(c);
            }
            '\\' => {
                if let Some(next) = chars.next() {
                    push_literal(&mut regex, next);
                }
            }
            '-' | '^' if in_class => regex.push(c),
            c => push_literal(&mut regex, c),
        }
    }
    regex.push('$');
    regex
}

fn push_literal(regex: &mut String, c: char) {
    if c.is_ascii_punctuation() {
        regex.push('\\');
    }
    regex.push(c);
}

#[cfg(test)]
mod tests {
    use super::Ignore;

    fn hidden(patterns: &str, paths: &[&str]) -> Vec<bool> {
        let ignore = Ignore::parse(patterns).unwrap();
        paths.iter().map(|path| ignore.hides(path)).collect()
    }

    /// The table of Docker's documentation.
    #[test]
    fn the_documented_patterns_hide_what_the_documentation_says() {
        assert_eq!(
            hidden("# comment\n*/temp*", &["a/temporary.txt", "a/temp/x", "temp", "a/b/temp"]),
            [true, true, false, false]
        );
        assert_eq!(hidden("*/*/temp*", &["a/b/temporary.txt", "a/temp"]), [true, false]);
        assert_eq!(hidden("temp?", &["tempa", "tempb/x", "temp", "a/tempa"]), [true, true, false, false]);
        assert_eq!(hidden("**/*.go", &["x.go", "a/x.go", "a/b/x.go", "x.gob"]), [true, true, true, false]);
        assert_eq!(hidden("*.md\n!README.md", &["a.md", "README.md", "b/a.md"]), [true, false, false]);
        let last_wins = "*.md\n!README*.md\nREADME-secret.md";
        assert_eq!(hidden(last_wins, &["a.md", "README.md", "README-secret.md"]), [true, false, true]);
        let useless = "*.md\nREADME-secret.md\n!README*.md";
        assert_eq!(hidden(useless, &["README-secret.md", "README.md"]), [false, false]);
    }

    #[test]
    fn a_folder_takes_its_files_along_and_an_exception_takes_some_back() {
        assert_eq!(hidden("node_modules", &["node_modules/a/b.js", "a/node_modules/b.js"]), [true, false]);
        assert_eq!(hidden("**/node_modules", &["node_modules/a", "a/b/node_modules/c"]), [true, true]);
        let only = "*\n!src\n!web/index.html\n**/*.pyc";
        assert_eq!(
            hidden(only, &["src/a.py", "src/b/c.py", "src/a.pyc", "web/index.html", "web/other.html", "Makefile"]),
            [false, false, true, false, true, true]
        );
    }

    #[test]
    fn patterns_are_cleaned_as_paths_and_special_characters_are_themselves() {
        assert_eq!(hidden("/foo/bar", &["foo/bar", "x/foo/bar"]), [true, false]);
        assert_eq!(hidden("./a//b/../c/ ", &["a/c", "a/b"]), [true, false]);
        assert_eq!(hidden("a.b+c$(d)", &["a.b+c$(d)", "axb+c$(d)"]), [true, false]);
        assert_eq!(hidden("[ab].txt\n\\*.x", &["a.txt", "b.txt", "c.txt", "*.x", "y.x"]), [true, true, false, true, false]);
        assert_eq!(hidden("a/**", &["a", "a/b", "a/b/c", "ab"]), [false, true, true, false]);
        assert_eq!(hidden("a/**/b", &["a/b", "a/x/b", "a/x/y/b", "a/xb"]), [true, true, true, false]);
        assert_eq!(hidden("dir/", &["dir/x", "dir"]), [true, true]);
        assert_eq!(hidden("", &["x"]), [false]);
    }

    #[test]
    fn what_cannot_be_understood_is_named() {
        assert_eq!(Ignore::parse("ok\n[").unwrap_err(), "[");
        assert_eq!(Ignore::parse("!").unwrap_err(), "!");
    }
}
