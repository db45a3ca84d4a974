//! The one place where an error becomes words and an exit code.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;

use landing_blueprint::{NoDeploy, NoRenewal, NoWorkflow};
use landing_engine::lock::LockError;
use landing_engine::scan::ScanError;
use landing_engine::state::StateError;
use landing_engine::store::{NotebookError, StoreError};
use landing_engine::{CallError, Class};
use landing_project::Problems;
use serde_json::json;

use crate::actions::{self, Note, Place};
use crate::commands::{print_json, say};
use crate::render::style;

/// The contract of `landing --help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Done = 0,
    Failed = 1,
    Configuration = 2,
    Credentials = 3,
    Permission = 4,
    Quota = 5,
    DeployRolledBack = 6,
    DeployFailed = 7,
    SmokeFailed = 8,
    LockHeld = 9,
    PlanHasChanges = 10,
    Drift = 11,
    StateNeedsRepair = 12,
    Interrupted = 130,
}

impl Exit {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Configuration => "configuration",
            Self::Credentials => "credentials",
            Self::Permission => "permission",
            Self::Quota => "quota",
            Self::DeployRolledBack => "deploy-rolled-back",
            Self::DeployFailed => "deploy-failed",
            Self::SmokeFailed => "smoke-failed",
            Self::LockHeld => "lock-held",
            Self::PlanHasChanges => "plan-has-changes",
            Self::Drift => "drift",
            Self::StateNeedsRepair => "state-needs-repair",
            Self::Interrupted => "interrupted",
        }
    }

    pub(crate) fn of_class(class: Class) -> Self {
        match class {
            Class::Denied => Self::Permission,
            Class::Credentials => Self::Credentials,
            Class::Quota => Self::Quota,
            Class::RolledBack => Self::DeployRolledBack,
            Class::NeverHealthy => Self::DeployFailed,
            _ => Self::Failed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// What a command could not do: one line, its causes, what to do next.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    title: String,
    causes: Vec<String>,
    help: Option<String>,
    /// Already drawn, with its source lines.
    drawn: Option<String>,
    /// What can be said at lines of files.
    notes: Vec<Note>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, title: impl Into<String>) -> Self {
        Self { exit, title: title.into(), causes: Vec::new(), help: None, drawn: None, notes: Vec::new() }
    }

    /// What is wrong with the project in `dir`.
    pub(crate) fn problems(dir: &Path, problems: &Problems, color: bool) -> Self {
        let note = |problem: &landing_project::Problem| Note {
            title: problem.title.clone(),
            message: [Some(&problem.label), problem.help.as_ref()]
                .into_iter()
                .flatten()
                .filter(|text| !text.is_empty())
                .cloned()
                .collect::<Vec<_>>()
                .join("\n"),
            place: (problem.line > 0).then(|| Place {
                file: dir.join(&problem.file),
                line: problem.line,
                column: problem.column,
            }),
        };
        let notes = problems.0.iter().map(note).collect();
        Self { drawn: Some(problems.render(color)), notes, ..Self::new(Exit::Configuration, problems.to_string()) }
    }

    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    #[must_use]
    pub(crate) fn because(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// Says it to the runner of GitHub, if there is one.
    pub(crate) fn annotate(&self, command: &str) {
        let whole = || Note { title: format!("landing {command}"), message: self.text(), place: None };
        actions::annotate(&if self.notes.is_empty() { vec![whole()] } else { self.notes.clone() });
    }

    /// All of it, as it is printed.
    pub(crate) fn text(&self) -> String {
        if let Some(drawn) = &self.drawn {
            return drawn.trim_end().to_owned();
        }
        let mut lines = vec![format!("{}: {}", style::error("error"), self.title)];
        lines.extend(self.causes.iter().map(|cause| format!("{}: {cause}", style::dim("cause"))));
        lines.extend(self.help.iter().map(|help| format!(" {}: {help}", style::good("help"))));
        lines.join("\n")
    }

    /// Prints it, and answers with the exit code.
    pub(crate) fn report(self, as_json: bool) -> Exit {
        if as_json {
            let exit = json!({ "code": self.exit as u8, "name": self.exit.name() });
            let error = json!({ "error": self.title, "causes": self.causes, "help": self.help, "exit": exit });
            print_json(&error);
        }
        say(&self.text());
        self.exit
    }
}

/// What to do about a class of error, when the error itself does not say.
pub(crate) fn help_of(error: &CallError) -> Option<String> {
    if error.help.is_some() {
        return error.help.clone();
    }
    Some(match error.class {
        Class::Credentials => {
            "sign in (`aws sso login`, or set AWS_PROFILE or AWS_ACCESS_KEY_ID), or try it on the in-process AWS with --sandbox"
                .into()
        }
        Class::Denied => format!("allow {} to whoever runs landing", error.operation),
        Class::Quota => "ask AWS for more of it (Service Quotas), or delete what is not needed, and run again".into(),
        Class::Throttled => "the account's other users share this limit; run again in a minute".into(),
        Class::Ambiguous => "nothing is lost: run the same command again".into(),
        _ => return None,
    })
}

/// The permissions that these errors say are missing, once each and sorted.
pub(crate) fn missing_actions<'a>(errors: impl Iterator<Item = &'a CallError>) -> Vec<&'a str> {
    errors.filter_map(landing_aws::missing_action).collect::<BTreeSet<_>>().into_iter().collect()
}

/// The exit code of several failures: without credentials nothing else says much, else the worst.
pub(crate) fn exit_of<'a>(errors: impl Iterator<Item = &'a CallError>) -> Exit {
    let exits: Vec<Exit> = errors.map(|error| Exit::of_class(error.class)).collect();
    let worst = exits.iter().max_by_key(|exit| **exit as u8);
    if exits.contains(&Exit::Credentials) { Exit::Credentials } else { worst.copied().unwrap_or(Exit::Failed) }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        let exit = match (error.class, error.operation.as_str()) {
            (Class::Invalid, "sts:GetCallerIdentity") => Exit::Configuration,
            (class, _) => Exit::of_class(class),
        };
        let help = help_of(&error);
        let title = match exit {
            Exit::Credentials => "no usable AWS credentials",
            Exit::Permission => "AWS denies a call that landing needs",
            // Nothing was sent: the message says all.
            Exit::Configuration => return Self { help, ..Self::new(exit, error.message) },
            _ => "a call to AWS failed",
        };
        Self { help, ..Self::new(exit, title).because(error.to_string()) }
    }
}

impl From<ScanError> for Failure {
    fn from(error: ScanError) -> Self {
        match error {
            ScanError::Calls(errors) => {
                let errors_only = || errors.iter().map(|(_, error)| error);
                let missing = missing_actions(errors_only());
                let help = match missing.is_empty() {
                    true => errors_only().next().and_then(help_of),
                    false => Some(format!("allow to whoever runs landing: {}", missing.join(", "))),
                };
                let title = "what stands in AWS could not be read; nothing was touched";
                let failure = Self { help, ..Self::new(exit_of(errors_only()), title) };
                errors.iter().fold(failure, |failure, (kind, error)| failure.because(format!("{kind}: {error}")))
            }
            ScanError::Twice { .. } => Self::new(Exit::StateNeedsRepair, error.to_string())
                .help("delete the one that is not in use (`landing status` shows what the others name), then run again; nothing was touched"),
        }
    }
}

impl From<NoDeploy> for Failure {
    fn from(error: NoDeploy) -> Self {
        let help = match &error {
            NoDeploy::Unknown { .. } => "name services and jobs as the compose file does, or none for all of them",
            NoDeploy::Beyond { .. } => {
                "`landing plan` shows all of it, `landing up` does it and releases too; nothing was touched"
            }
        };
        Self::new(Exit::Configuration, error.to_string()).help(help)
    }
}

impl From<NoWorkflow> for Failure {
    fn from(error: NoWorkflow) -> Self {
        let help = match error {
            NoWorkflow::Nobody => "add to landing.toml:\n\n[github]\nrepository = \"org/repo\"\nbranch = \"main\"",
            NoWorkflow::NoInstall => {
                "add the lines that put it into ~/.cargo/bin, under [github] in landing.toml; from its source, for example:\n\n\
                 install = \"cargo install --locked --git https://github.com/OWNER/landing --rev COMMIT landing-cli\""
            }
            NoWorkflow::NoRegion => "add it to landing.toml, `region = \"us-west-2\"`, or give --region",
        };
        Self::new(Exit::Configuration, error.to_string()).help(help)
    }
}

impl From<NoRenewal> for Failure {
    fn from(error: NoRenewal) -> Self {
        let help = match &error {
            NoRenewal::Unknown(_) => "`landing secrets list` names all that there are".to_owned(),
            NoRenewal::NotThere(_) => "`landing up` makes it, with a value of its own; nothing was touched".to_owned(),
            NoRenewal::Beyond { service, .. } => format!(
                "leave --roll out, and release what waits (`landing deploy {service}`, `landing up`): its new tasks read the new value; nothing was touched"
            ),
        };
        Self::new(Exit::Configuration, error.to_string()).help(help)
    }
}

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        let exit = match &error {
            StateError::Io { .. } => Exit::Failed,
            _ => Exit::StateNeedsRepair,
        };
        let help = match &error {
            StateError::Damaged { .. } => {
                "`landing state rebuild` makes it anew from the tags in AWS and keeps the damaged file; nothing was touched".to_owned()
            }
            StateError::Mixed { .. } => {
                "put the state back that it belongs to, or let `landing state rebuild` make it anew from the tags in AWS".to_owned()
            }
            StateError::NoFile { .. } => "put a plain file there, or name another place with --state".to_owned(),
            StateError::Exposed { .. } => {
                "make sure that nobody has changed it, then `chmod 600` it; nothing was touched".to_owned()
            }
            StateError::Newer { .. } => "use that landing, or a newer one; `landing state rebuild` would make it anew from the tags in AWS, in the format of this one".to_owned(),
            StateError::Foreign { .. } => {
                "check --env, --region and the AWS account, or name another file with --state".to_owned()
            }
            StateError::Io { .. } => "check the folder's permissions and free space".to_owned(),
        };
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        let failure = Self::new(exit, error.to_string()).help(help);
        cause.into_iter().fold(failure, Self::because)
    }
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Held { ref place, .. } => Self::new(Exit::LockHeld, error.to_string())
                .because(format!("its state is in {place}"))
                .help("wait for it to end, or say how long to wait: --lock-wait 15m. A lock whose owner has died frees itself"),
            LockError::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let (exit, help) = match error {
            StoreError::Call(error) => return error.into(),
            StoreError::Io { .. } => (Exit::Failed, "check the folder's permissions and free space".to_owned()),
            StoreError::Changed { .. } => {
                (Exit::LockHeld, "another run was at work, or somebody restored the state: run again".to_owned())
            }
            StoreError::Lost { .. } => {
                (Exit::LockHeld, "wait for the other run to end and run again: what was done is found".to_owned())
            }
            StoreError::Unreadable { .. } => {
                (Exit::StateNeedsRepair, "use the newer landing, or delete it when no run is at work".to_owned())
            }
            StoreError::Refused { ref help, .. } => (Exit::StateNeedsRepair, help.clone()),
        };
        Self::new(exit, error.to_string()).help(help)
    }
}

impl From<NotebookError> for Failure {
    fn from(error: NotebookError) -> Self {
        match error {
            NotebookError::State(error) => error.into(),
            NotebookError::Store(error) => error.into(),
        }
    }
}
