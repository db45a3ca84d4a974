//! Projects of a few lines, drawn for the tests of this crate.

use std::collections::BTreeMap;

use landing_project::{Input, Project};

use crate::image::ImageFacts;
use crate::{Blueprint, Facts, SiteFacts, draw, recipes};

/// The project of a `landing.toml` and a compose file, and its drawing; each of its own images stands. A folder with built files is there, or none is.
pub(crate) fn drawn(toml: &str, compose: &str, published: bool) -> (Project, Blueprint) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    for (name, text) in [("landing.toml", toml), ("compose.yaml", compose), ("Dockerfile", "FROM scratch\n")] {
        std::fs::write(folder.path().join(name), text).expect("it can be written");
    }
    let input = Input { dir: folder.path(), environment: &BTreeMap::new(), env_name: "dev", region: Some("eu-central-1") };
    let project = landing_project::load(&input).unwrap_or_else(|problems| panic!("{problems}"));
    let stands = |name| (name, ImageFacts { tag: "content-1".into(), standing: Some("content-1".into()) });
    let facts = Facts {
        account: "123456789012".into(),
        region: "eu-central-1".into(),
        partition: "aws".into(),
        zones: ["eu-central-1a", "eu-central-1b"].map(str::to_owned).into(),
        images: recipes(&project).into_keys().map(stands).collect(),
        site: Some(SiteFacts { files: published.then(BTreeMap::new), standing: None }),
        ..Facts::default()
    };
    let drawn = draw(&project, &facts).expect("the region holds it");
    (project, drawn)
}
