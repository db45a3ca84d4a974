//! What the fuzzers found, each by its name. `tests/fuzz/bombs.rs` has the inputs that only took too long.

mod common;

use common::{load_dir, project, project_with, write};

const NAME: &str = "name = \"shop\"\n";
const WEB: &str = "services:\n  web:\n    image: nginx\n";

/// Code and title of each problem, and whether it says how to mend it.
#[track_caller]
fn refused(files: &[(&str, &str)]) -> Vec<String> {
    let problems = project(files).expect_err("the project should not load").0;
    for problem in &problems {
        assert!(problem.help.as_ref().is_some_and(|help| !help.is_empty()), "without a fix: {problem:?}");
    }
    problems.iter().map(|problem| format!("{}: {}", problem.code, problem.title)).collect()
}

#[test]
#[cfg(unix)]
fn the_env_file_beside_the_compose_file_is_no_way_out_of_the_folder() {
    let outside = tempfile::tempdir().unwrap();
    write(outside.path(), &[("secret.env", "TAG=from-outside\n")]);
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[("landing.toml", NAME), ("compose.yaml", "services: { web: { image: \"nginx:${TAG:-1}\" } }\n")]);
    std::os::unix::fs::symlink(outside.path().join("secret.env"), dir.path().join(".env")).unwrap();
    let problems = load_dir(dir.path(), &[], "dev").unwrap_err();
    assert_eq!(problems.0.len(), 1, "{}", problems.render(false));
    assert_eq!(
        (problems.0[0].code, problems.0[0].label.as_str()),
        ("path-traversal", "a symbolic link on the way leads outside")
    );
    assert!(!problems.render(false).contains("from-outside"));
    // A link within the folder is as good as the file.
    std::fs::remove_file(dir.path().join(".env")).unwrap();
    write(dir.path(), &[("shared.env", "TAG=2\n")]);
    std::os::unix::fs::symlink("shared.env", dir.path().join(".env")).unwrap();
    let web = load_dir(dir.path(), &[], "dev").unwrap().find("web").unwrap().image.clone();
    assert_eq!(web, landing_project::Image::External("nginx:2".to_owned()));
}

#[test]
fn a_file_of_variables_that_doubles_with_every_line_is_refused() {
    let mut env = "A0=0123456789\n".to_owned();
    for line in 1..64 {
        env.push_str(&format!("A{line}=${{A{}}}${{A{}}}\n", line - 1, line - 1));
    }
    let compose = format!("{WEB}    env_file: a.env\n");
    let found = refused(&[("landing.toml", NAME), ("compose.yaml", &compose), ("a.env", &env)]);
    assert_eq!(found, ["bad-env-file: line 17 of a.env is not an assignment"]);
}

#[test]
fn defaults_in_defaults_without_end_are_refused_and_a_few_are_fine() {
    let nested = |depth: usize| format!("{WEB}    command: \"{}x{}\"\n", "${NO:-".repeat(depth), "}".repeat(depth));
    let found = refused(&[("landing.toml", NAME), ("compose.yaml", &nested(10_000))]);
    assert_eq!(found, ["bad-interpolation: the variables in this text never come to an end"]);
    let web = project(&[("landing.toml", NAME), ("compose.yaml", &nested(20))]).unwrap().find("web").unwrap().clone();
    assert_eq!(web.command.unwrap(), ["x"]);
}

#[test]
fn a_text_that_grows_to_megabytes_is_refused() {
    let compose = format!("{WEB}    command: \"{}\"\n", "${LONG}".repeat(200));
    let long = "x".repeat(100_000);
    let problems = project_with(&[("landing.toml", NAME), ("compose.yaml", &compose)], &[("LONG", long.as_str())]).unwrap_err();
    assert_eq!(problems.0[0].title, "the variables in this text never come to an end");
}

#[test]
fn a_chain_of_extends_may_be_long_but_not_endless() {
    let chain = |length: usize| {
        let links: String = (1..length).map(|i| format!("  s{i}: {{ extends: s{} }}\n", i - 1)).collect();
        format!("services:\n  s0: {{ image: nginx }}\n{links}")
    };
    assert!(project(&[("landing.toml", NAME), ("compose.yaml", &chain(30))]).is_ok());
    let found = refused(&[("landing.toml", NAME), ("compose.yaml", &chain(60))]);
    assert!(found[0].starts_with("extends-cycle: "), "{found:?}");
}

#[test]
fn thousands_of_services_that_name_one_another_are_looked_through_once() {
    let services: String =
        (0..2000).map(|i| format!("  s{i}: {{ image: nginx, environment: {{ A: 'http://s{}:80/' }} }}\n", i / 2)).collect();
    let compose = format!("services:\n{services}");
    let project = project(&[("landing.toml", NAME), ("compose.yaml", &compose)]).unwrap();
    assert_eq!(project.find("s1999").unwrap().calls.iter().collect::<Vec<_>>(), ["s999"]);
}

#[test]
fn what_is_shown_of_a_line_of_megabytes_can_be_read() {
    let long = "x".repeat(1 << 20);
    for (toml, compose) in [
        (NAME.to_owned(), format!("services: {{ web: {{ image: nginx, nope: {long} }} }}\n")),
        (NAME.to_owned(), format!("services: {{ web: {{ image: nginx, {long}: nope }} }}\n")),
        (format!("{NAME}{long} = 1\n"), WEB.to_owned()),
        (format!("{NAME}skip = [\"{long}\"]\n"), WEB.to_owned()),
    ] {
        let problems = project(&[("landing.toml", &toml), ("compose.yaml", &compose)]).unwrap_err();
        let shown = problems.render(false).len() + problems.to_string().len();
        assert!(shown < 20_000, "{shown} bytes to read");
    }
}

#[test]
fn values_of_a_wrong_kind_in_landing_toml_say_what_the_key_is_for() {
    let toml = format!("{NAME}[services.web]\nmemory = \"lots\"\n");
    let problems = project(&[("landing.toml", &toml), ("compose.yaml", WEB)]).unwrap_err();
    assert_eq!(problems.0[0].help.as_deref(), Some("`services.web.memory`: MiB."));
}

#[test]
fn a_quotation_sign_or_a_line_end_in_a_name_breaks_nothing() {
    for name in ["\"a\\\"b\"", "\"a\\nb\"", "\"\\u0000\"", "\"\u{2028}\"", "\"\"", "\"🚀\""] {
        let found =
            refused(&[("landing.toml", NAME), ("compose.yaml", &format!("services: {{ {name}: {{ image: nginx }} }}\n"))]);
        assert!(!found.is_empty(), "{name}");
    }
}
