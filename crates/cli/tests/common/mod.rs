//! The real program, run on a project of its own in an environment of its own.
#![allow(dead_code, reason = "each test file uses its own part")]

pub(crate) mod canary;
pub(crate) mod process;
pub(crate) mod served;
pub(crate) mod town;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use canary::Canaries;
use tempfile::TempDir;

/// The account's keys that every run on a sandbox or over a wire is given.
pub(crate) const KEYS: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", "AKIACANARYCANARYKEY1"),
    ("AWS_SECRET_ACCESS_KEY", "canary-of-the-secret-access-key-91d2"),
    ("AWS_SESSION_TOKEN", "canary-of-the-session-token-b41f-00"),
];

pub(crate) struct Project {
    folder: TempDir,
    /// Secret values, which no run may show or write down.
    pub(crate) canaries: Canaries,
    /// Files that the test wrote; a project's own may hold secrets.
    inputs: RefCell<BTreeSet<String>>,
}

pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Project {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let project = Self { folder, canaries: Canaries::new(KEYS), inputs: RefCell::default() };
        files.iter().for_each(|(path, text)| project.write(path, text));
        project
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        self.inputs.borrow_mut().insert(path.to_owned());
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().expect("it is in the folder")).expect("the folder can be made");
        fs::write(path, text).expect("the file can be written");
    }

    /// `landing -C <project> <args>` without a terminal, with nothing of the environment of whoever runs the tests.
    pub(crate) fn landing(&self, args: &[&str]) -> Ran {
        self.landing_with(args, &[])
    }

    pub(crate) fn landing_with(&self, args: &[&str], environment: &[(&str, &str)]) -> Ran {
        self.landing_in("", args, environment, "")
    }

    /// With a text on stdin.
    pub(crate) fn landing_fed(&self, args: &[&str], environment: &[(&str, &str)], stdin: &str) -> Ran {
        self.landing_in("", args, environment, stdin)
    }

    /// The same for a project in a folder of this one.
    pub(crate) fn landing_in(&self, folder: &str, args: &[&str], environment: &[(&str, &str)], stdin: &str) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_landing"));
        command.arg("-C").arg(self.path().join(folder)).args(args).env_clear();
        command.env("HOME", self.path()).env("AWS_EC2_METADATA_DISABLED", "true");
        if args.contains(&"--sandbox") {
            command.envs(KEYS);
        }
        command.envs(environment.iter().copied()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        // One that does not want it may have ended already.
        let _ = child.stdin.take().expect("it is piped").write_all(stdin.as_bytes());
        let argv = canary::argv(child.id());
        let output: Output = child.wait_with_output().expect("its end can be waited for");
        self.canaries.learn(self.held());
        for (place, text) in [("argv", &argv), ("stdout", &output.stdout), ("stderr", &output.stderr)] {
            self.canaries.none_in(place, text);
        }
        self.no_secret_in_files();
        Ran {
            code: output.status.code().expect("it ends by itself"),
            stdout: self.plain(&output.stdout),
            stderr: self.plain(&output.stderr),
        }
    }

    /// Looks into every file that a run may have written.
    ///
    /// # Panics
    /// When a secret is in one of them.
    pub(crate) fn no_secret_in_files(&self) {
        // The world of `--sandbox` is AWS itself.
        self.canaries.none_below(self.path(), |name| is_world(name) || self.inputs.borrow().contains(name));
    }

    /// What the AWS of `--sandbox` keeps as secrets.
    fn held(&self) -> Vec<(String, String)> {
        let files = fs::read_dir(self.path().join("state")).into_iter().flatten().flatten();
        let worlds = files.filter(|file| is_world(&file.file_name().to_string_lossy()));
        let worlds = worlds.filter_map(|file| landing_sandbox::World::load(&fs::read_to_string(file.path()).ok()?).ok());
        let made_up = |value: &str| value == "made up by landing for the sandbox";
        worlds.flat_map(|world| world.secret_values()).filter(|(_, value)| !made_up(value)).collect()
    }

    /// Text with the folder's name taken out.
    fn plain(&self, bytes: &[u8]) -> String {
        String::from_utf8(bytes.to_vec())
            .expect("the program writes UTF-8")
            .replace(&self.path().display().to_string(), "PROJECT")
    }
}

fn is_world(name: &str) -> bool {
    name.ends_with(".sandbox.json")
}

impl Drop for Project {
    #[expect(clippy::print_stdout, reason = "the numbers are what whoever runs this wants to see")]
    fn drop(&mut self) {
        if !std::thread::panicking() {
            println!("{}", self.canaries.told());
        }
    }
}
