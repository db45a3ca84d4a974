//! A project in a folder, and builders that are small shell scripts: they write down how they were called, and say what the story wants them to say.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use landing_images::{Base, Build, Builder, Recipe, Tagger, Workshop};
use tempfile::TempDir;

/// What every fake builder begins with: its arguments, one call a line, and what of its environment the stories look at.
const RECORDER: &str = r#"#!/bin/sh
here="$(dirname "$0")"
printf '%s %s\n' "$(basename "$0")" "$*" >> "$here/calls"
"#;

pub struct Project {
    pub folder: TempDir,
}

impl Project {
    pub fn new(files: &[(&str, &str)]) -> Self {
        let project = Self { folder: tempfile::tempdir().unwrap() };
        files.iter().for_each(|(path, text)| project.write(path, text));
        project
    }

    /// One service with two files.
    pub fn shop() -> Self {
        Self::new(&[("app/Dockerfile", "FROM scratch\nCOPY main.py /\n"), ("app/main.py", "print(1)\n")])
    }

    pub fn dir(&self) -> &Path {
        self.folder.path()
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.dir().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn tag(&self, recipe: &Recipe) -> String {
        Tagger::new(self.dir()).tag(recipe).unwrap()
    }

    pub fn workshop(&self, builder: Builder, recipe: &Recipe) -> (Workshop, String) {
        let tag = self.tag(recipe);
        let home = self.dir().join("home").display().to_string();
        let environment = BTreeMap::from([("HOME".to_owned(), home), ("NPM_TOKEN".to_owned(), "npm-secret-1".to_owned())]);
        (Workshop::new(self.dir().to_owned(), builder, BTreeMap::from([(tag.clone(), recipe.clone())]), &environment), tag)
    }
}

pub fn build() -> Build {
    Build { context: "app".into(), dockerfile: "app/Dockerfile".into(), ..Build::default() }
}

pub fn recipe(build: Build) -> Recipe {
    Recipe { base: Base::Build(build), platform: "linux/amd64".into(), baked: Vec::new(), hidden: Vec::new() }
}

/// A folder to be the whole `PATH`.
pub struct Machine {
    folder: TempDir,
}

impl Machine {
    pub fn with(tools: &[(&str, &str)]) -> Self {
        let machine = Self { folder: tempfile::tempdir().unwrap() };
        for (name, script) in tools {
            let path = machine.folder.path().join(name);
            fs::write(&path, format!("{RECORDER}{script}\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        machine
    }

    pub fn path(&self) -> OsString {
        self.folder.path().as_os_str().to_owned()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub async fn builder(&self) -> Builder {
        Builder::find(None, &self.path()).await.unwrap()
    }

    /// What was called since the last time that this was asked, with temporary folders named so.
    pub fn calls(&self) -> String {
        let calls = fs::read_to_string(self.file("calls")).unwrap_or_default();
        let _ = fs::remove_file(self.file("calls"));
        let temporary = std::env::temp_dir().display().to_string();
        let words = calls.split(' ').map(|word| match (word.find(&temporary), word.find("landing-")) {
            (Some(at), Some(_)) => {
                let rest = word[at + temporary.len() + 1..].split_once('/').map_or("", |(_, rest)| rest);
                let end = if word.ends_with('\n') && !rest.ends_with('\n') { "\n" } else { "" };
                format!("{}TMP/{rest}{end}", &word[..at])
            }
            _ => word.to_owned(),
        });
        words.collect::<Vec<_>>().join(" ").trim_end().to_owned()
    }
}
