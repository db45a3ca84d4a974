//! Projects of a few lines, written to a folder of their own.

use std::{collections::BTreeMap, fs, path::Path};

use landing_project::{Input, Problems, Project, load};

/// Loads a project of these files; a test names only what it is about.
pub(crate) fn project(files: &[(&str, &str)]) -> Result<Project, Problems> {
    project_with(files, &[])
}

pub(crate) fn project_with(files: &[(&str, &str)], environment: &[(&str, &str)]) -> Result<Project, Problems> {
    let dir = tempfile::tempdir().expect("a folder for the test");
    write(dir.path(), files);
    load_dir(dir.path(), environment, "dev")
}

pub(crate) fn write(dir: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().expect("it is in the folder")).expect("the folder can be made");
        fs::write(path, text).expect("the file can be written");
    }
}

pub(crate) fn load_dir(dir: &Path, environment: &[(&str, &str)], env_name: &str) -> Result<Project, Problems> {
    let environment: BTreeMap<String, String> =
        environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    load(&Input { dir, environment: &environment, env_name, region: None })
}
