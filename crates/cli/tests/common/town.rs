//! A small project with most kinds, one account, and the program on both: what the tests of kills and of signals begin with.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use landing_engine::{Disk, State};

use super::Project;
use super::canary::Canaries;
use super::process::{Ended, Running, landing};
use super::served::{Fate, Served};

/// What stands in `GIVEN`, which a secret of the project is made from.
pub(crate) const GIVEN: &str = "canary given 5c7e \"quoted\" and 'so'\nsecond line ::add-mask:: ünïcödé §";
const SECRET_KEY: &str = "canary-of-the-secret-access-key-91d2";
const SESSION: &str = "canary-of-the-session-token-b41f-00";

const SETTINGS: &str = r#"name = "town"
region = "us-west-2"

[services.web]
paths = ["/*"]
secrets = { TOKEN = "token", GIVEN = "given", DB = "database:main.password" }

[services.worker]

[secrets.token]
generate = {}

[secrets.given]
from = "env:GIVEN"

[databases.main]
engine = "postgres"
version = "16"
used-by = ["web"]

[spa]
dist = "dist"

[github]
repository = "example-org/town"
branch = "main"
"#;

const COMPOSE: &str = "services:
  web:
    image: nginx:1
    expose: [80]
    environment: { MOOD: calm }
  worker:
    image: busybox:1
    command: sleep 1000
";

/// Another size, another variable, a service gone and one that is new.
pub(crate) const CHANGES: [(&str, &str, &str); 4] = [
    ("landing.toml", "[services.worker]\n", "[services.clerk]\npaths = [\"/desk/*\"]\n"),
    ("landing.toml", "paths = [\"/*\"]\n", "paths = [\"/*\"]\ncpu = 512\nmemory = 1024\n"),
    ("compose.yaml", "MOOD: calm", "MOOD: busy"),
    (
        "compose.yaml",
        "  worker:\n    image: busybox:1\n    command: sleep 1000\n",
        "  clerk:\n    image: busybox:1\n    expose: [81]\n",
    ),
];

pub(crate) struct Town {
    pub(crate) project: Project,
    pub(crate) served: Served,
    pub(crate) canaries: Canaries,
    runs: std::cell::Cell<usize>,
}

impl Town {
    /// Nothing stands yet; `scale` AWS seconds pass in one.
    pub(crate) fn new(scale: f64) -> Self {
        let project = Project::new(&[("landing.toml", SETTINGS), ("compose.yaml", COMPOSE), ("dist/index.html", "<p>town</p>")]);
        let canaries = Canaries::new([("GIVEN", GIVEN), ("the secret access key", SECRET_KEY), ("the session token", SESSION)]);
        Self { project, served: Served::new(scale), canaries, runs: std::cell::Cell::new(0) }
    }

    pub(crate) fn path(&self) -> &Path {
        self.project.path()
    }

    pub(crate) fn state_path(&self) -> PathBuf {
        self.path().join("state/town-dev.json")
    }

    /// Another wish, or the first one again.
    pub(crate) fn wish(&self, changed: bool) {
        let mut files = BTreeMap::from([("landing.toml", SETTINGS.to_owned()), ("compose.yaml", COMPOSE.to_owned())]);
        for (file, old, new) in CHANGES.iter().filter(|_| changed) {
            let text = files.get_mut(file).expect("it is one of the two");
            assert_eq!(text.matches(old).count(), 1, "{old:?} stands once in {file}");
            *text = text.replace(old, new);
        }
        files.iter().for_each(|(file, text)| self.project.write(file, text));
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = landing(self.path(), &self.served, arguments);
        self.secrets(&mut command);
        command
    }

    /// What the program is given in its environment that must not be seen again.
    pub(crate) fn secrets(&self, command: &mut Command) {
        command.env("GIVEN", GIVEN).env("AWS_SECRET_ACCESS_KEY", SECRET_KEY).env("AWS_SESSION_TOKEN", SESSION);
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        self.start_command(self.command(arguments))
    }

    pub(crate) fn start_command(&self, command: Command) -> Running {
        Running::start(command, self.path())
    }

    /// Waits for the end of a run, and looks for secrets in all that it left.
    pub(crate) fn ended(&self, running: Running) -> Ended {
        let ended = running.end();
        self.runs.set(self.runs.get() + 1);
        for (place, text) in [("stdout", &ended.stdout), ("stderr", &ended.stderr)] {
            self.canaries.none_in(place, text);
        }
        self.canaries.none_below(&self.path().join("state"), &[]);
        self.canaries.none_below(&self.path().join("tmp"), &[]);
        ended
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.served.watch(|_| Fate::Answered);
        self.ended(self.start(arguments))
    }

    /// A run that must go well.
    pub(crate) fn done(&self, arguments: &[&str], story: &str) -> Ended {
        let ended = self.run(arguments);
        assert_eq!(ended.code(), Some(0), "{story}: {arguments:?} fails:\n{}", ended.stderr);
        ended
    }

    pub(crate) fn runs(&self) -> usize {
        self.runs.get()
    }

    pub(crate) fn objects(&self) -> BTreeSet<String> {
        self.served.objects()
    }

    pub(crate) fn state(&self) -> State {
        State::read(&Disk, &self.state_path()).expect("the state is whole").expect("there is a state")
    }

    /// The journal of a run that did not end by itself can be read.
    pub(crate) fn journal_is_readable(&self) {
        let journal = landing_engine::journal::beside(&self.state_path());
        landing_engine::journal::read(&Disk, &journal).expect("the journal can be read");
        assert!(fs::read(self.state_path()).is_err() || State::read(&Disk, &self.state_path()).is_ok(), "the state is whole");
    }
}

/// What stands, without what is another in every life: ids become `#`.
pub(crate) fn kinds_of(objects: &BTreeSet<String>) -> Vec<String> {
    let mut lines: Vec<String> = objects.iter().map(|line| without_ids(line)).collect();
    lines.sort();
    lines
}

fn without_ids(line: &str) -> String {
    // Every life of a task definition goes on counting its revisions.
    let line = line
        .rsplit_once(':')
        .filter(|(_, end)| line.contains(":task-definition/") && end.parse::<u32>().is_ok())
        .map_or(line, |(rest, _)| rest);
    let mut text = String::new();
    let mut run = String::new();
    for c in line.chars().chain(['\n']) {
        if c.is_ascii_hexdigit() {
            run.push(c);
            continue;
        }
        text.push_str(if run.len() >= 8 { "#" } else { &run });
        run.clear();
        text.push(c);
    }
    text.trim_end().to_owned()
}
