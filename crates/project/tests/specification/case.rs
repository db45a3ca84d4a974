//! One case, as it stands in the files.

use std::{collections::BTreeMap, fs};

use landing_project::{Input, load};
use serde::Deserialize;
use serde_json::Value;

use crate::shown::shown;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    name: String,
    /// The lines of the service `web` of compose.yaml, for cases that are about one service.
    #[serde(default)]
    web: Option<String>,
    #[serde(default)]
    files: BTreeMap<String, String>,
    /// Lines of landing.toml below its name.
    #[serde(default)]
    toml: String,
    /// The process's environment.
    #[serde(default)]
    environment: BTreeMap<String, String>,
    /// What each service has; what is not named is not looked at. `null` for what must not be there.
    #[serde(default)]
    expect: BTreeMap<String, Value>,
    /// Parts of the titles and labels of all problems, in their order.
    #[serde(default)]
    refused: Vec<String>,
}

pub(crate) fn cases(text: &str) -> Vec<Case> {
    let cases: Vec<Case> = serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}"));
    for (index, case) in cases.iter().enumerate() {
        let is_new = cases[..index].iter().all(|other| other.name != case.name);
        assert!(is_new, "two cases are named `{}`", case.name);
        assert!(case.expect.is_empty() != case.refused.is_empty(), "`{}` expects nothing, or both", case.name);
    }
    cases
}

impl Case {
    /// What is not as it should be.
    pub(crate) fn wrong(&self) -> Option<String> {
        let dir = tempfile::tempdir().expect("a folder for the test");
        let put = |path: &str, text: &str| {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().expect("it is in the folder")).expect("the folder can be made");
            fs::write(path, text).expect("the file can be written");
        };
        put("landing.toml", &format!("name = \"shop\"\n{}", self.toml));
        if let Some(lines) = &self.web {
            let lines: String = lines.lines().map(|line| format!("    {line}\n")).collect();
            let image = if lines.contains("image:") || lines.contains("build:") { "" } else { "    image: nginx\n" };
            put("compose.yaml", &format!("services:\n  web:\n{image}{lines}"));
        }
        self.files.iter().for_each(|(path, text)| put(path, text));
        let input = Input { dir: dir.path(), environment: &self.environment, env_name: "dev", region: None };
        let told = match load(&input) {
            Ok(_) if !self.refused.is_empty() => "it is taken".to_owned(),
            Ok(project) => {
                let differences = self.expect.iter().flat_map(|(service, expected)| match (project.find(service), expected) {
                    (None, Value::Null) => Vec::new(),
                    (Some(_), Value::Null) => vec![format!("there is a service `{service}`")],
                    (None, _) => vec![format!("there is no service `{service}`")],
                    (Some(found), Value::Object(expected)) => {
                        let has = |key: &str| shown(found, project.jobs.iter().any(|job| job.name == *service), key);
                        let differs = expected.iter().filter(|(key, value)| has(key) != **value);
                        differs.map(|(key, value)| format!("{service}.{key}: {} instead of {value}", has(key))).collect()
                    }
                    (Some(_), other) => vec![format!("`{service}` should not be {other}")],
                });
                differences.collect::<Vec<_>>().join("\n  ")
            }
            Err(problems) => {
                let all: Vec<String> = problems.0.iter().map(|problem| format!("{}: {}", problem.title, problem.label)).collect();
                let fits =
                    all.len() == self.refused.len() && all.iter().zip(&self.refused).all(|(said, part)| said.contains(part));
                if fits { String::new() } else { format!("it says {all:#?}") }
            }
        };
        (!told.is_empty()).then(|| format!("- {}\n  {told}", self.name))
    }
}
