//! A project's folder with traps around it, and what must hold for every one.

use std::{collections::BTreeMap, fmt, fs, path::Path};

use landing_project::{Input, Problem, Problems, Project, load};

/// What is read of a file; a larger one has no place to point at.
const LARGEST: usize = 4 * 1024 * 1024;

/// A project's files by their paths.
#[derive(Default)]
pub(crate) struct Files(pub(crate) Vec<(&'static str, Vec<u8>)>);

impl Files {
    pub(crate) fn with(mut self, path: &'static str, content: impl Into<Vec<u8>>) -> Self {
        self.0.push((path, content.into()));
        self
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(path, content)| writeln!(f, "--- {path}\n{}", String::from_utf8_lossy(content)))
    }
}

/// The answer is the same a second time, whatever lies outside of the folder; it can be shown; problems have a place and a fix.
pub(crate) fn check(files: &Files) {
    let outer = tempfile::tempdir().expect("a folder for the test");
    let dir = outer.path().join("project");
    fs::create_dir(&dir).expect("the folder is new");
    fs::write(dir.join("Dockerfile"), "FROM scratch\n").expect("the folder can be written");
    #[cfg(unix)]
    for (link, to) in
        [("link.env", "../outside.env"), ("link.yaml", "../outside.yaml"), ("linked", ".."), (".env", "../outside.env")]
    {
        if files.0.iter().any(|(path, _)| *path == link) {
            continue;
        }
        std::os::unix::fs::symlink(to, dir.join(link)).expect("the folder can be written");
    }
    for (path, content) in &files.0 {
        let path = dir.join(path);
        // An input may name a link or a folder, and then has nothing to say there.
        let _ = fs::write(path, content);
    }
    outside(outer.path(), "one");
    let first = answer(&dir);
    outside(outer.path(), "two");
    let second = answer(&dir);
    assert_eq!(first, second, "the second answer is another one");
    match &first {
        Ok(project) => {
            serde_json::to_string(project).expect("a project can be shown");
        }
        Err(problems) => {
            assert!(!problems.0.is_empty(), "refused without a problem");
            problems.0.iter().for_each(|problem| placed(problem, &dir));
            let shown = (problems.render(false), problems.render(true), problems.to_string());
            assert!(!shown.0.is_empty() && !shown.1.is_empty() && !shown.2.is_empty());
        }
    }
}

/// What nobody may read: its content, and whether it is there at all, must not make a difference.
fn outside(outer: &Path, word: &str) {
    for (name, content) in [
        ("outside.env", format!("OUTSIDE={word}\nA={word}\n")),
        ("outside.yaml", format!("services: {{ base: {{ image: {word}, environment: {{ A: {word} }} }} }}\n")),
        (".env", format!("A={word}\nTAG={word}\n")),
    ] {
        fs::write(outer.join(name), content).expect("the folder can be written");
    }
}

fn answer(dir: &Path) -> Result<Project, Problems> {
    let environment = [("A", "a"), ("TAG", "1.27"), ("EMPTY", ""), ("DOLLAR", "$A ${A}"), ("PASSWORD", "hunter2")];
    let environment: BTreeMap<String, String> = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    load(&Input { dir, environment: &environment, env_name: "dev", region: None })
}

fn placed(problem: &Problem, dir: &Path) {
    assert!(!problem.file.as_os_str().is_empty() && problem.file.is_relative(), "without a file: {problem:?}");
    assert!(!problem.title.is_empty() && !problem.code.is_empty(), "without words: {problem:?}");
    assert!(problem.help.as_ref().is_some_and(|help| !help.is_empty()), "without a fix: {problem:?}");
    let length = problem.title.len() + problem.label.len() + problem.help.as_ref().map_or(0, String::len);
    assert!(length < 4096, "nobody reads {length} bytes: {problem:?}");
    // Only what cannot be read has no line.
    match fs::read(dir.join(&problem.file)) {
        Ok(bytes) if bytes.len() <= LARGEST && str::from_utf8(&bytes).is_ok() => {
            assert!(problem.line >= 1 && problem.column >= 1, "without a place: {problem:?}");
            assert!(
                problem.span.end <= bytes.len() && problem.span.start <= problem.span.end,
                "outside of the file: {problem:?}"
            );
            let line = bytes[..problem.span.start].iter().filter(|byte| **byte == b'\n').count() + 1;
            assert_eq!(line, problem.line, "the line and the bytes do not agree: {problem:?}");
        }
        _ => assert_eq!(problem.line, 0, "a place in what cannot be read: {problem:?}"),
    }
}
