//! Projects of a few lines, written to a folder of their own.

use std::{collections::BTreeMap, fs, path::Path};

use landing_project::{Input, Problems, Project, load};

/// Loads a project of these files; a test names only what it is about.
pub(crate) fn project(files: &[(&str, &str)]) -> Result<Project, Problems> {
    project_with(files, &[])
}

pub(crate) fn project_with(files: &[(&str, &str)], environment: &[(&str, &str)]) -> Result<Project, Problems> {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), files);
    load_dir(dir.path(), environment, "dev")
}

pub(crate) fn write(dir: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

pub(crate) fn load_dir(dir: &Path, environment: &[(&str, &str)], env_name: &str) -> Result<Project, Problems> {
    let environment: BTreeMap<String, String> =
        environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    load(&Input { dir, environment: &environment, env_name, region: None })
}

/// What a person sees when it fails.
#[track_caller]
pub(crate) fn problems(files: &[(&str, &str)]) -> String {
    project(files).expect_err("the project should not load").render(false)
}

#[track_caller]
pub(crate) fn loaded(files: &[(&str, &str)]) -> Project {
    project(files).unwrap_or_else(|problems| panic!("{}", problems.render(false)))
}
