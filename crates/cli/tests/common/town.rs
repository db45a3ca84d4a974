//! A small project with most kinds, one account, and the program on both: what the tests of kills and of signals begin with.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use landing_engine::{Disk, State};

use super::Project;
use super::process::{Ended, Running, landing};
use super::served::{Fate, Served};

/// What stands in `GIVEN`, which a secret of the project is made from.
pub(crate) const GIVEN: &str = "canary given 5c7e \"quoted\" and 'so'\nsecond line ::add-mask:: ünïcödé §";
/// What stands in `API_TOKEN`, which compose's `environment` refers to, and in `SMTP_PASSWORD`, once for the secret and once in a file of compose's `env_file`.
const API_TOKEN: &str = "canary-of-the-api-token+/=&?%-77aa";
const SMTP_PASSWORD: &str = "canary of the mail password 0d1c";
const SMTP_IN_FILE: &str = "canary-in-the-env-file-93be-4410";

const SETTINGS: &str = r#"name = "town"
region = "us-west-2"

[services.web]
paths = ["/*"]
secrets = { TOKEN = "token", GIVEN = "given", DB = "database:main.password", API_TOKEN = "api", SMTP_PASSWORD = "smtp" }

[services.worker]

[secrets.token]
generate = {}

[secrets.given]
from = "env:GIVEN"

[secrets.api]
from = "env:API_TOKEN"

[secrets.smtp]
from = "env:SMTP_PASSWORD"

[databases.main]
engine = "postgres"
version = "16"
used-by = ["web"]

[spa]
dist = "dist"

[github]
repository = "example-org/town"
branch = "main"
install = "cargo install --locked --path ../landing"
"#;

const COMPOSE: &str = r#"services:
  web:
    image: nginx:1
    expose: [80]
    environment: { MOOD: calm, API_TOKEN: "${API_TOKEN}" }
    env_file: [web.env]
  worker:
    image: busybox:1
    command: sleep 1000
"#;

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

const SECRETS: [(&str, &str); 3] = [("GIVEN", GIVEN), ("API_TOKEN", API_TOKEN), ("SMTP_PASSWORD", SMTP_PASSWORD)];

pub(crate) struct Town {
    pub(crate) project: Project,
    pub(crate) served: Served,
    runs: Cell<usize>,
    log: Cell<Option<&'static str>>,
    on_a_runner: Cell<bool>,
}

impl Town {
    /// Nothing stands yet; `scale` AWS seconds pass in one.
    pub(crate) fn new(scale: f64) -> Self {
        let project = Project::new(&[("landing.toml", SETTINGS), ("compose.yaml", COMPOSE), ("dist/index.html", "<p>town</p>")]);
        project.write("web.env", &format!("SMTP_PASSWORD={SMTP_IN_FILE}\n"));
        for (what, value) in SECRETS.into_iter().chain([("SMTP_PASSWORD in a file", SMTP_IN_FILE)]) {
            project.canaries.add(what, value);
        }
        Self { project, served: Served::new(scale), runs: Cell::default(), log: Cell::default(), on_a_runner: Cell::default() }
    }

    /// From now on, with everything in the log.
    pub(crate) fn log(&self, filter: &'static str) {
        self.log.set(Some(filter));
    }

    /// From now on, or no longer, as a step on a runner of GitHub, which is told in a page of its own too.
    pub(crate) fn on_a_runner(&self, on: bool) {
        self.on_a_runner.set(on);
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

    /// What the program is given in its environment that must not be seen again; the account's keys are among it anyway.
    pub(crate) fn secrets(&self, command: &mut Command) {
        command.envs(SECRETS).envs(self.log.get().map(|filter| ("LANDING_LOG", filter)));
        if self.on_a_runner.get() {
            command
                .env("GITHUB_ACTIONS", "true")
                .env("GITHUB_WORKSPACE", self.path())
                .env("GITHUB_STEP_SUMMARY", self.path().join("page.md"));
        }
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
        self.project.canaries.learn(self.served.sandbox.with_world(|world| world.secret_values()));
        self.project.canaries.none_in("argv", &ended.argv);
        self.project.no_secret_in_files();
        ended
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.served.watch(|_| Fate::Answered);
        self.ended(self.start(arguments))
    }

    /// A run that must go well.
    pub(crate) fn done(&self, arguments: &[&str], story: &str) -> Ended {
        let ended = self.run(arguments);
        assert_eq!(ended.code(), Some(0), "{story}: {arguments:?} fails:\n{}\n{}", ended.stderr, ended.stdout);
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
