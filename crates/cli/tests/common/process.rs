//! The program as a process that somebody signals or kills.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::KEYS;
use super::canary::argv;
use super::served::Served;

/// Longer than anything here may take, and shorter than the patience of whoever runs the tests.
const HANGS: Duration = Duration::from_secs(120);

/// A running program; its output goes into files, so that nobody has to read while it runs.
pub(crate) struct Running {
    child: Arc<Mutex<Child>>,
    out: PathBuf,
    err: PathBuf,
    argv: Vec<u8>,
    since: Instant,
}

#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// The words that it was started with, as everybody on the machine could read them.
    pub(crate) argv: Vec<u8>,
}

impl Ended {
    /// The exit code; `None` when a signal ended it.
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.code()
    }
}

/// What every run is given: the project, the account, and nothing of whoever runs the tests.
pub(crate) fn landing(project: &Path, served: &Served, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_landing"));
    command.arg("-C").arg(project).args(arguments).args([
        "--endpoint-url",
        &served.url,
        "--time-scale",
        &served.scale.to_string(),
    ]);
    alone(&mut command, project);
    command
}

/// Nothing of the environment of whoever runs the tests.
pub(crate) fn alone(command: &mut Command, project: &Path) {
    command.env_clear();
    command.env("PATH", "/usr/bin:/bin").env("HOME", project).env("TMPDIR", project.join("tmp"));
    command.env("AWS_EC2_METADATA_DISABLED", "true").envs(KEYS);
}

impl Running {
    pub(crate) fn start(mut command: Command, folder: &Path) -> Self {
        let file = |name: &str| folder.join(name);
        let (out, err) = (file("stdout"), file("stderr"));
        fs::create_dir_all(folder.join("tmp")).expect("the folder can be made");
        let open = |path: &Path| File::create(path).expect("the file can be written");
        command.stdin(Stdio::null()).stdout(open(&out)).stderr(open(&err));
        let child = command.spawn().expect("the program starts");
        let argv = argv(child.id());
        Self { child: Arc::new(Mutex::new(child)), out, err, argv, since: Instant::now() }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.lock().unwrap_or_else(PoisonError::into_inner).id()
    }

    /// SIGKILL, for others to call.
    pub(crate) fn killer(&self) -> impl Fn() + Send + 'static {
        let child = self.child.clone();
        move || {
            // It may have ended by itself in the meantime.
            let _ = child.lock().unwrap_or_else(PoisonError::into_inner).kill();
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }

    pub(crate) fn is_running(&self) -> bool {
        matches!(self.child.lock().unwrap_or_else(PoisonError::into_inner).try_wait(), Ok(None))
    }

    /// What it has said on stderr so far.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(&self.err).expect("the program writes UTF-8")
    }

    pub(crate) fn end(self) -> Ended {
        loop {
            let ended = self.child.lock().unwrap_or_else(PoisonError::into_inner).try_wait().expect("its end can be waited for");
            let text =
                |path: &Path| String::from_utf8(fs::read(path).expect("the file is there")).expect("the program writes UTF-8");
            if let Some(status) = ended {
                return Ended { status, stdout: text(&self.out), stderr: text(&self.err), argv: self.argv };
            }
            if self.since.elapsed() > HANGS {
                self.killer()();
                panic!("it hangs: {}", text(&self.err));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// As `kill -NAME PID`; one that has ended already is no mistake.
pub(crate) fn signal(pid: u32, name: &str) {
    let killed = Command::new("sh").args(["-c", &format!("kill -{name} {pid} 2>/dev/null")]).status();
    killed.expect("there is a shell");
}
