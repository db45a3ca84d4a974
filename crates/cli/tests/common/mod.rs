//! The real program, run on a project of its own in an environment of its own.
#![allow(dead_code, reason = "each test file uses its own part")]

pub(crate) mod canary;
pub(crate) mod process;
pub(crate) mod served;
pub(crate) mod town;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

pub(crate) struct Project {
    folder: TempDir,
}

pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Project {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let project = Self { folder: tempfile::tempdir().expect("a folder for the test") };
        files.iter().for_each(|(path, text)| project.write(path, text));
        project
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().expect("it is in the folder")).expect("the folder can be made");
        fs::write(path, text).expect("the file can be written");
    }

    /// `landing -C <project> <args>` without a terminal, with nothing of the environment of whoever runs the tests.
    pub(crate) fn landing(&self, args: &[&str]) -> Ran {
        self.landing_with(args, &[])
    }

    pub(crate) fn landing_with(&self, args: &[&str], environment: &[(&str, &str)]) -> Ran {
        let output: Output = Command::new(env!("CARGO_BIN_EXE_landing"))
            .arg("-C")
            .arg(self.path())
            .args(args)
            .env_clear()
            .env("HOME", self.path())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .output()
            .expect("the program starts");
        Ran {
            code: output.status.code().expect("it ends by itself"),
            stdout: self.plain(&output.stdout),
            stderr: self.plain(&output.stderr),
        }
    }

    /// Text with the folder's name taken out.
    fn plain(&self, bytes: &[u8]) -> String {
        String::from_utf8(bytes.to_vec())
            .expect("the program writes UTF-8")
            .replace(&self.path().display().to_string(), "PROJECT")
    }
}
