//! The stacks of the compose census with their decisions made: each becomes a graph.

use std::{collections::BTreeMap, fs, path::Path};

use landing_blueprint::{Facts, draw};
use landing_project::{Input, load};

fn words(text: &str, mark: &str) -> Vec<String> {
    text.lines().filter_map(|line| line.strip_prefix(mark)).flat_map(str::split_whitespace).map(str::to_owned).collect()
}

/// How many objects of AWS each kind has in the graph of one stack.
fn kinds(toml: &Path) -> String {
    let dir = tempfile::tempdir().expect("a folder for the test");
    let put = |path: &str, text: &str| {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().expect("it is in the folder")).expect("the folder can be made");
        fs::write(path, text).expect("the file can be written");
    };
    let compose = fs::read_to_string(toml.with_extension("yaml")).expect("its compose file lies beside it");
    let toml = fs::read_to_string(toml).expect("it can be read");
    words(&compose, "# beside: ").iter().for_each(|path| put(path, ""));
    put("docker-compose.yml", &compose);
    put("landing.toml", &toml);
    let set = words(&toml, "# set: ");
    let environment: BTreeMap<String, String> =
        set.iter().filter_map(|word| word.split_once('=')).map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let input = Input { dir: dir.path(), environment: &environment, env_name: "dev", region: Some("eu-central-1") };
    let project = load(&input).unwrap_or_else(|problems| panic!("{problems}"));
    let facts = Facts {
        account: "123456789012".to_owned(),
        region: "eu-central-1".to_owned(),
        partition: "aws".to_owned(),
        zones: ["eu-central-1a", "eu-central-1b"].map(str::to_owned).into(),
        ..Facts::default()
    };
    let drawn = draw(&project, &facts).expect("the region holds it");
    let count = |kind: &str| drawn.graph.iter().filter(|(node, _)| node.to_string().starts_with(kind)).count();
    let shown = ["ecs.service", "elbv2.rule", "elbv2.target-group", "rds.instance", "secretsmanager.secret", "ecr.repository"];
    let shown = shown.map(|kind| format!("{} {kind}", count(kind)));
    format!("{} objects: {}", drawn.graph.len(), shown.join(", "))
}

#[test]
fn each_decided_stack_becomes_a_graph() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../project/tests/census/files");
    let mut tomls: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    tomls.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    tomls.sort();
    assert!(tomls.len() >= 15, "{} stacks", tomls.len());
    let rows = tomls.iter().map(|path| format!("{}: {}\n", path.file_stem().unwrap().display(), kinds(path)));
    insta::assert_snapshot!(rows.collect::<String>());
}
