//! Compose files in the manner of well-known stacks, as somebody has them who tries `landing` for the first time: each gives a plan, or the list of
//! all that must be decided, with its place and what to do. Beside it may lie a landing.toml with these decisions, which must then be enough.

use std::{collections::BTreeMap, fs, path::Path};

use landing_project::{Input, Problem, Problems, Project, load};

/// One file of `files/`.
struct Stack {
    name: String,
    compose: String,
    /// Files that it names: `# beside: Dockerfile nginx.conf`.
    beside: Vec<String>,
    decided: Option<Decided>,
}

struct Decided {
    toml: String,
    /// `# set: NAME=value OTHER=value`, as they would be set in the environment.
    environment: BTreeMap<String, String>,
}

fn stacks() -> Vec<Stack> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/census/files");
    let mut paths: Vec<_> = fs::read_dir(&dir)
        .expect("the fixtures are as they should be")
        .map(|entry| entry.expect("the fixtures are as they should be").path())
        .collect();
    paths.sort();
    let composes = paths.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    composes
        .map(|path| {
            let compose = fs::read_to_string(&path).expect("the fixtures are as they should be");
            let decided = fs::read_to_string(path.with_extension("toml")).ok().map(|toml| {
                let set = words(&toml, "# set: ").into_iter().map(|word| {
                    let (name, value) = word.split_once('=').expect("the fixtures are as they should be");
                    (name.to_owned(), value.to_owned())
                });
                Decided { environment: set.collect(), toml }
            });
            let name = path
                .file_stem()
                .expect("the fixtures are as they should be")
                .to_str()
                .expect("the fixtures are as they should be")
                .to_owned();
            Stack { name, beside: words(&compose, "# beside: "), compose, decided }
        })
        .collect()
}

fn words(text: &str, mark: &str) -> Vec<String> {
    text.lines().filter_map(|line| line.strip_prefix(mark)).flat_map(str::split_whitespace).map(str::to_owned).collect()
}

impl Stack {
    fn load(&self, toml: &str, environment: &BTreeMap<String, String>) -> Result<Project, Problems> {
        let dir = tempfile::tempdir().expect("a folder for the test");
        let put = |path: &str, text: &str| {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().expect("it is in the folder")).expect("the folder can be made");
            fs::write(path, text).expect("the file can be written");
        };
        put("docker-compose.yml", &self.compose);
        put("landing.toml", toml);
        self.beside.iter().for_each(|path| put(path, ""));
        load(&Input { dir: dir.path(), environment, env_name: "dev", region: None })
    }
}

fn counts(project: &Project) -> String {
    format!(
        "{} services, {} jobs, {} databases, {} secrets",
        project.services.len(),
        project.jobs.len(),
        project.databases.len(),
        project.secrets.len()
    )
}

fn row(problem: &Problem) -> String {
    let help = problem.help.as_deref().unwrap_or_default().replace('\n', "\n          ");
    let also = if problem.also.is_empty() { String::new() } else { format!("      also at {}\n", problem.also.join(", ")) };
    format!("  {}:{}:{} {}\n{also}      help: {help}\n", problem.file.display(), problem.line, problem.column, problem.title)
}

#[test]
fn each_gives_a_plan_or_all_that_must_be_decided() {
    let stacks = stacks();
    assert!(stacks.len() >= 30, "{} stacks", stacks.len());
    let mut table = String::new();
    for stack in &stacks {
        match stack.load("name = \"census\"\n", &BTreeMap::new()) {
            Ok(project) => table.push_str(&format!("{}: a plan: {}\n", stack.name, counts(&project))),
            Err(problems) => {
                table.push_str(&format!("{}: {} to decide\n", stack.name, problems.0.len()));
                for problem in &problems.0 {
                    assert!(problem.help.as_ref().is_some_and(|help| !help.is_empty()), "without a fix: {problem:?}");
                    assert!(problem.line > 0 && problem.column > 0, "without a place: {problem:?}");
                    assert!(
                        !matches!(problem.code, "bad-yaml" | "unknown-key" | "bad-value"),
                        "{}: not read: {problem:?}",
                        stack.name
                    );
                    table.push_str(&row(problem));
                }
                for line in problems.proposal().into_iter().flat_map(str::lines) {
                    table.push_str(format!("  | {line}").trim_end());
                    table.push('\n');
                }
            }
        }
    }
    insta::assert_snapshot!(table);
}

/// What is proposed for landing.toml is valid, makes no new problem, and leaves nothing to propose.
#[test]
fn what_is_proposed_can_be_pasted() {
    let before = "name = \"census\"\n";
    let mut pasted = 0;
    for stack in &stacks() {
        let Err(problems) = stack.load(before, &BTreeMap::new()) else { continue };
        let Some(proposal) = problems.proposal() else { continue };
        let (lines, _) = proposal.split_once("\nset in the environment").unwrap_or((proposal, ""));
        let lines = lines.split_once("\n\n").expect("a heading, and the lines, in one piece").1;
        let after = format!("{before}{lines}\n");
        pasted += 1;
        let Err(left) = stack.load(&after, &BTreeMap::new()) else { continue };
        assert!(left.proposal().is_none(), "{}: still to be said:\n{after}\n{left}", stack.name);
        let told: Vec<&str> = problems.0.iter().map(|problem| problem.title.as_str()).collect();
        let new: Vec<_> = left.0.iter().filter(|problem| !told.contains(&problem.title.as_str())).collect();
        assert!(new.is_empty(), "{}: made by what was proposed:\n{after}\n{new:?}", stack.name);
    }
    assert!(pasted > 20, "{pasted}");
}

#[test]
fn once_decided_each_gives_a_plan() {
    let mut table = String::new();
    for stack in &stacks() {
        let Some(decided) = &stack.decided else { continue };
        let project = stack.load(&decided.toml, &decided.environment);
        let project = project.unwrap_or_else(|problems| panic!("{}:\n{problems}", stack.name));
        table.push_str(&format!("{}: {}\n", stack.name, counts(&project)));
    }
    insta::assert_snapshot!(table);
}
