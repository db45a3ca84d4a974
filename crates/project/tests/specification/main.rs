//! The Compose Specification's rules as cases: files and environment in, the model out. Written anew from its text, each file for one of its chapters.

mod case;
mod shown;

use std::{fs, path::Path};

use case::{Case, cases};

fn run(chapter: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/specification/cases/{chapter}.yaml"));
    let cases = cases(&fs::read_to_string(path).expect("the fixtures are as they should be"));
    let wrong: Vec<String> = cases.iter().filter_map(Case::wrong).collect();
    // A chapter that lost its cases would pass.
    assert!(cases.len() >= 10, "{chapter}: only {} cases", cases.len());
    assert!(wrong.is_empty(), "{chapter}: {} of {} cases\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn interpolation() {
    run("interpolation");
}

#[test]
fn merging_of_several_files() {
    run("merge");
}

#[test]
fn extends() {
    run("extends");
}

#[test]
fn include() {
    run("include");
}

#[test]
fn profiles() {
    run("profiles");
}

#[test]
fn environment_and_its_files() {
    run("environment");
}

#[test]
fn short_and_long_forms() {
    run("forms");
}

#[test]
fn fragments_and_extensions() {
    run("fragments");
}
