//! A builder, or another command, as a child process: its lines as they come, its last lines when it fails, and no process left behind when nobody waits for it any more.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Lines that are kept: what a builder says of a failure, with what the failing command said before.
const KEPT: usize = 60;
/// Lines on their way to whoever shows them; a builder that says more waits.
const LINES: usize = 256;
/// What a child has left behind may hold its pipes open; nothing more is heard of them after this.
const AFTER_THE_END: Duration = Duration::from_secs(1);
/// From being asked to end until being made to.
const TO_CLEAN_UP: Duration = Duration::from_secs(3);

/// One command. Its arguments are for everybody to see; what is nobody's business goes into `secrets`, and from there into its environment or into files.
pub struct Invocation {
    program: PathBuf,
    args: Vec<OsString>,
    folder: Option<PathBuf>,
    environment: BTreeMap<OsString, OsString>,
    withheld: Vec<OsString>,
    hidden: Vec<SecretString>,
}

/// How a command failed.
#[derive(Debug)]
pub struct Died {
    /// Its last lines.
    pub said: Vec<String>,
    pub how: String,
}

impl Invocation {
    pub fn new(program: &Path) -> Self {
        let plain = [("BUILDKIT_PROGRESS", "plain"), ("NO_COLOR", "1"), ("BUILDX_NO_DEFAULT_ATTESTATIONS", "1")];
        let environment = plain.map(|(name, value)| (name.into(), value.into())).into();
        let program = program.to_owned();
        Self { program, args: Vec::new(), folder: None, environment, withheld: Vec::new(), hidden: Vec::new() }
    }

    pub fn arg(&mut self, arg: impl AsRef<OsStr>) -> &mut Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    pub fn args<T: AsRef<OsStr>>(&mut self, args: impl IntoIterator<Item = T>) -> &mut Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    pub(crate) fn env(&mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> &mut Self {
        self.environment.insert(name.as_ref().to_owned(), value.as_ref().to_owned());
        self
    }

    /// Where it runs, if not where we do.
    pub fn folder(&mut self, folder: &Path) -> &mut Self {
        self.folder = Some(folder.to_owned());
        self
    }

    /// A variable of ours that is none of its business.
    pub fn withhold(&mut self, name: impl AsRef<OsStr>) -> &mut Self {
        self.withheld.push(name.as_ref().to_owned());
        self
    }

    /// Whatever the command says, this is not shown.
    pub(crate) fn hide(&mut self, secret: SecretString) -> &mut Self {
        self.hidden.push(secret);
        self
    }
}

/// Runs it to its end; `tell` is given each line as it comes. Dropped before, it ends with all that it has started.
///
/// # Errors
/// [`Died`] when it could not be started, or ended with another code than 0.
pub async fn run(invocation: Invocation, tell: &(dyn Fn(&str) + Send + Sync)) -> Result<(), Died> {
    let Invocation { program, args, folder, environment, withheld, hidden } = invocation;
    let mut command = Command::new(&program);
    if let Some(folder) = folder {
        command.current_dir(folder);
    }
    for name in &withheld {
        command.env_remove(name);
    }
    command.args(args).envs(environment).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A group of its own: Ctrl-C on the terminal is ours to hear, and what it starts can be ended with it.
    #[cfg(unix)]
    command.process_group(0);
    #[cfg(not(unix))]
    command.kill_on_drop(true);
    let child =
        command.spawn().map_err(|error| Died { said: Vec::new(), how: format!("cannot run {}: {error}", program.display()) })?;
    let mut group = Group { child, ended: false };
    let (sender, mut lines) = mpsc::channel(LINES);
    let pipes = (group.child.stdout.take(), group.child.stderr.take());
    if let (Some(out), Some(err)) = pipes {
        tokio::spawn(hear(out, sender.clone()));
        tokio::spawn(hear(err, sender));
    }
    let mut said = VecDeque::new();
    let mut keep = |line: String| {
        let line = masked(line, &hidden);
        tell(&line);
        if said.len() == KEPT {
            said.pop_front();
        }
        said.push_back(line);
    };
    let status = loop {
        tokio::select! {
            Some(line) = lines.recv() => keep(line),
            status = group.child.wait() => break status,
        }
    };
    group.ended = true;
    while let Ok(Some(line)) = timeout(AFTER_THE_END, lines.recv()).await {
        keep(line);
    }
    let how = match status {
        Ok(status) if status.success() => return Ok(()),
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    };
    Err(Died { said: said.into(), how })
}

/// The child and what it has started.
struct Group {
    child: Child,
    ended: bool,
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.ended {
            end(&self.child);
        }
    }
}

/// Asks for an end, so that a builder can tidy up, and sees to it a little later.
#[cfg(unix)]
fn end(child: &Child) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let Some(group) = child.id().and_then(|id| Pid::from_raw(id.cast_signed())) else { return };
    // An error means that nothing of it is left.
    if kill_process_group(group, Signal::TERM).is_ok() {
        std::thread::spawn(move || {
            std::thread::sleep(TO_CLEAN_UP);
            let _ = kill_process_group(group, Signal::KILL);
        });
    }
}

#[cfg(not(unix))]
fn end(_: &Child) {}

/// Lines end in a line feed, or in a carriage return where a builder draws over its last line.
async fn hear(pipe: impl AsyncRead + Unpin, sender: mpsc::Sender<String>) {
    let mut reader = BufReader::new(pipe);
    let mut bytes = Vec::new();
    while matches!(reader.read_until(b'\n', &mut bytes).await, Ok(read) if read > 0) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        for line in text.split(['\r', '\n']).map(clean).filter(|line| !line.trim().is_empty()) {
            // Nobody listens any more once the command has ended.
            if sender.send(line).await.is_err() {
                return;
            }
        }
        bytes.clear();
    }
}

/// Without what would change the terminal that it is shown on.
fn clean(line: &str) -> String {
    let mut clean = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            // An escape sequence ends with its first letter.
            '\u{1b}' => drop(chars.by_ref().find(char::is_ascii_alphabetic)),
            '\t' => clean.push(' '),
            c if c.is_control() => {}
            c => clean.push(c),
        }
    }
    clean.trim_end().to_owned()
}

fn masked(line: String, hidden: &[SecretString]) -> String {
    let lines = hidden.iter().flat_map(|secret| secret.expose_secret().lines()).map(str::trim);
    lines.filter(|part| part.len() > 3).fold(line, |line, part| line.replace(part, "***"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_builder_says_cannot_change_the_terminal_and_gives_no_secret_away() {
        assert_eq!(clean("\u{1b}[31mred\u{1b}[0m\tand \u{7}plain  "), "red and plain");
        let hidden = [SecretString::from("first-line\nsecond-line"), SecretString::from("ab")];
        assert_eq!(masked("x first-line y second-line ab".into(), &hidden), "x *** y *** ab");
    }
}
