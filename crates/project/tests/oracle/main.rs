//! The specification's own JSON schema as a judge, by a validator that knows nothing of us: what it refuses we refuse, and what it accepts we read.
//! A thing that has no counterpart in AWS may still be a decision to make, but never something that was not understood.

#![expect(clippy::print_stdout, reason = "how much was tried is for people to read")]

mod samples;

use std::{collections::BTreeMap, fs, path::Path};

use landing_project::{Input, Problems, Project};
use serde_json::{Value, json};

const SCHEMA: &str = include_str!("../../src/compose/specification/compose-spec.json");
/// `+ key: value` of a service that the schema accepts, `- key: value` of one that it refuses.
const LINES: &str = include_str!("lines.txt");

/// Both judges, and a folder that is used again and again.
struct Court {
    schemas: boon::Schemas,
    schema: boon::SchemaIndex,
    dir: tempfile::TempDir,
}

impl Court {
    fn new() -> Self {
        let mut compiler = boon::Compiler::new();
        compiler
            .add_resource("compose-spec.json", serde_json::from_str(SCHEMA).expect("the fixtures are as they should be"))
            .expect("the fixtures are as they should be");
        let mut schemas = boon::Schemas::new();
        let schema = compiler.compile("compose-spec.json", &mut schemas).expect("the fixtures are as they should be");
        let dir = tempfile::tempdir().expect("the fixtures are as they should be");
        for (name, text) in [("landing.toml", "name = \"shop\"\nprofiles = [\"*\"]\n"), ("Dockerfile", ""), ("text", "")] {
            fs::write(dir.path().join(name), text).expect("the fixtures are as they should be");
        }
        Self { schemas, schema, dir }
    }

    fn accepts(&self, document: &Value) -> bool {
        self.schemas.validate(document, self.schema).is_ok()
    }

    fn load(&self, text: &str) -> Result<Project, Problems> {
        fs::write(self.dir.path().join("compose.yaml"), text).expect("the fixtures are as they should be");
        let environment = BTreeMap::new();
        landing_project::load(&Input { dir: self.dir.path(), environment: &environment, env_name: "dev", region: None })
    }

    /// Whether both say the same of a document. `exact`: texts have the form that their keys want, too.
    fn agrees(&self, document: &Value, exact: bool) -> Result<(), String> {
        let ours = self.load(&document.to_string());
        match (self.accepts(document), ours) {
            (false, Ok(_)) => Err(format!("the schema refuses what we take: {document}")),
            (true, Err(problems)) => {
                let misread = ["bad-yaml", "unknown-key", "yaml-too-large"];
                let told =
                    problems.0.iter().find(|problem| misread.contains(&problem.code) || exact && problem.code == "bad-value");
                told.map_or(Ok(()), |problem| Err(format!("the schema accepts {document}, and we say: {problem}")))
            }
            (false, Err(problems)) if !is_misread(&problems) => {
                Err(format!("the schema refuses {document}, and we only say: {problems}"))
            }
            _ => Ok(()),
        }
    }
}

/// Refused for its form, not for what it asks for.
fn is_misread(problems: &Problems) -> bool {
    problems.0.iter().any(|problem| ["bad-yaml", "bad-value", "unknown-key", "no-services"].contains(&problem.code))
}

#[track_caller]
fn all_agree(name: &str, found: &[String], tried: usize) {
    println!("{name}: {tried} documents, {} disagreements", found.len());
    assert!(found.is_empty(), "{} of {tried}:\n{}", found.len(), found[..found.len().min(40)].join("\n"));
}

#[test]
fn lines_that_somebody_thought_of() {
    let court = Court::new();
    let mut found = Vec::new();
    let lines: Vec<&str> = LINES.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    assert!(lines.len() >= 150, "{} lines", lines.len());
    for line in &lines {
        let (sign, text) = line.split_at(2);
        let text = match text.strip_prefix("top: ") {
            Some(top) => format!("{{{top}, services: {{web: {{image: nginx}}}}}}"),
            None if text.starts_with("image:") => format!("services: {{web: {{{text}}}}}"),
            None => format!("services: {{web: {{image: nginx, {text}}}}}"),
        };
        let document: Value = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{line}: {error}"));
        if court.accepts(&document) != (sign == "+ ") {
            found.push(format!("the schema does not say `{sign}` of {text}"));
        }
        let ours = court.load(&text);
        match (sign, ours) {
            ("- ", Ok(_)) => found.push(format!("taken: {text}")),
            ("- ", Err(problems)) if !is_misread(&problems) => {
                found.push(format!("refused, but not for its form: {text}: {problems}"))
            }
            ("+ ", Err(problems)) if is_misread(&problems) => found.push(format!("not read: {text}: {problems}")),
            _ => {}
        }
    }
    all_agree("lines", &found, lines.len());
}

#[test]
fn every_form_of_every_key() {
    let court = Court::new();
    let documents = samples::documents(&serde_json::from_str(SCHEMA).expect("the fixtures are as they should be"));
    let mut found = Vec::new();
    for document in &documents {
        assert!(court.accepts(document), "a sample is not valid: {document}");
        found.extend(court.agrees(document, true).err());
    }
    all_agree("forms", &found, documents.len());
}

#[test]
fn every_form_with_something_wrong_in_it() {
    let court = Court::new();
    let documents = samples::documents(&serde_json::from_str(SCHEMA).expect("the fixtures are as they should be"));
    let broken: Vec<Value> = documents.iter().flat_map(samples::broken).collect();
    // Every so-manieth, from all over the schema.
    let step = if std::env::var_os("LANDING_DEEP").is_some() { 1 } else { broken.len() / 1200 + 1 };
    let chosen: Vec<&Value> = broken.iter().step_by(step).collect();
    let found: Vec<String> = chosen.iter().filter_map(|document| court.agrees(document, false).err()).collect();
    let refused = chosen.iter().filter(|document| !court.accepts(document)).count();
    println!("{refused} of them are refused");
    all_agree("broken forms", &found, chosen.len());
}

#[test]
fn the_schema_is_the_one_that_the_program_carries() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/compose/specification/compose-spec.json");
    let schema: Value = serde_json::from_str(&fs::read_to_string(path).expect("the fixtures are as they should be"))
        .expect("the fixtures are as they should be");
    assert_eq!(schema["properties"]["services"]["type"], json!("object"));
}
