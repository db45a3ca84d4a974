//! `landing ci github`: the workflow, and what becomes of a file that is there already.

mod common;

use std::fs;

use common::Project;

const GITHUB: &str = r#"
[github]
repository = "example-org/shop"
branch = "main"
plan = true
install = "cargo install --locked --git https://github.com/example-org/landing --rev 0123456789abcdef landing-cli"

[github.env]
NPM_TOKEN = "${{ secrets.NPM_TOKEN }}"
STRIPE_KEY = "${{ secrets.STRIPE_KEY }}"
MOOD = "${{ vars.MOOD }}"
"#;

const COMPOSE: &str = "services:\n  web:\n    image: nginx:1\n    expose: [80]\n";

fn settings(more: &str) -> String {
    format!(
        "name = \"shop\"\nregion = \"eu-central-1\"\nstate = \"s3\"\n\n[services.web]\npaths = [\"/*\"]\nsecrets = {{ STRIPE_KEY = \"stripe\" }}\n\n\
         [secrets.stripe]\nfrom = \"env:STRIPE_KEY\"\n{more}"
    )
}

fn shop(more: &str) -> Project {
    let project = Project::new(&[("landing.toml", &settings(more)), ("compose.yaml", COMPOSE)]);
    fs::create_dir(project.path().join(".git")).expect("the folder is empty");
    project
}

#[test]
fn the_workflow_plans_for_pull_requests_and_deploys_from_the_branch() {
    let shop = shop(GITHUB);
    let ran = shop.landing(&["ci", "github"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
    let written = fs::read_to_string(shop.path().join(".github/workflows/landing.yml")).expect("it was written");
    insta::assert_snapshot!(written);
    insta::assert_snapshot!(ran.stderr);
    let shown = shop.landing(&["ci", "github", "--stdout"]);
    assert_eq!(shown.stdout, written, "the same on both ways, and every time");
}

#[test]
fn with_a_role_for_it_the_branch_gets_all_of_up_from_its_environment() {
    let project = Project::new(&[("apps/my shop/compose.yaml", COMPOSE)]);
    fs::create_dir(project.path().join(".git")).expect("the folder is empty");
    let more = r#"
[github]
repository = "example-org/shop"
branch = "release/it's [1]"
environment = "production"
up-role = "arn:aws:iam::123456789012:role/landing-up"
install = """
curl -fsSL https://example.org/landing.tar.gz | tar -xz
mv landing ~/.cargo/bin/
"""
[github.env]
STRIPE_KEY = "${{ secrets.STRIPE_KEY }}"
"#;
    project.write("apps/my shop/landing.toml", &settings(more).replace("state = \"s3\"\n", ""));
    let ran = project.landing_in("apps/my shop", &["--env", "prod", "ci", "github"], &[], "");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let written = fs::read_to_string(project.path().join(".github/workflows/landing-prod.yml")).expect("it was written");
    insta::assert_snapshot!(written);
    insta::assert_snapshot!(ran.stderr);
}

#[test]
fn what_somebody_else_wrote_is_left_alone() {
    let shop = shop(GITHUB);
    let path = shop.path().join(".github/workflows/landing.yml");
    let read = || fs::read_to_string(&path).expect("the file is there");
    let check = |expected: i32, words: &str| {
        let ran = shop.landing(&["ci", "github", "--check"]);
        assert!(ran.code == expected && ran.stderr.contains(words), "{} {}", ran.code, ran.stderr);
    };
    check(1, "there is no ");
    assert_eq!(shop.landing(&["ci", "github"]).code, 0);
    check(0, "up to date");
    let again = shop.landing(&["ci", "github"]);
    assert!(again.code == 0 && again.stderr.contains("up to date"), "{}", again.stderr);

    // Another wish is written over what landing wrote.
    shop.write("landing.toml", &settings(&GITHUB.replace("plan = true", "plan = false")));
    check(1, "is not what landing.toml asks for");
    assert_eq!(shop.landing(&["ci", "github"]).code, 0);
    assert!(!read().contains("pull_request:"));
    check(0, "up to date");

    // Not over what a person changed, or wrote, or what is another project's.
    let edited = read().replace("timeout-minutes: 120", "timeout-minutes: 360");
    for (there, words) in [
        (edited.clone(), "was changed by hand"),
        ("name: mine\n".to_owned(), "was not written by landing"),
        (edited.replace("shop-dev in .", "books-dev in books"), "was not written by landing"),
    ] {
        fs::write(&path, &there).expect("the file can be written");
        check(1, words);
        let refused = shop.landing(&["ci", "github"]);
        assert!(refused.code == 2 && refused.stderr.contains(words), "{} {}", refused.code, refused.stderr);
        assert_eq!(read(), there, "it is as it was");
    }
    assert_eq!(shop.landing(&["ci", "github", "--file", "shop.yml"]).code, 0);
    assert_eq!(shop.landing(&["ci", "github", "--file", "../shop.yml"]).code, 2);
    assert_eq!(shop.landing(&["ci", "github", "--force"]).code, 0);
    check(0, "up to date");
}

#[test]
fn what_it_is_made_from_is_asked_for_with_the_lines_to_add() {
    let refused = |more: &str, region: bool| {
        let mut settings = settings(more);
        if !region {
            settings = settings.replace("region = \"eu-central-1\"\n", "");
        }
        let project = shop("");
        project.write("landing.toml", &settings);
        let ran = project.landing(&["ci", "github"]);
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(!project.path().join(".github").exists());
        ran.stderr
    };
    insta::assert_snapshot!(refused("", true));
    insta::assert_snapshot!(refused("[github]\nrepository = \"example-org/shop\"\n", true));
    insta::assert_snapshot!(refused(GITHUB, false));
    insta::assert_snapshot!(refused(
        "[github]\nrepository = \"example-org/shop\"\nup-role = \"admin\"\naccount = \"12\"\ninstall = \" \"\nenv = { \"A-B\" = \"x\", AWS_PROFILE = \"y\" }\n",
        true
    ));
    let nowhere = Project::new(&[("landing.toml", &settings(GITHUB)), ("compose.yaml", COMPOSE)]);
    let ran = nowhere.landing(&["ci", "github"]);
    assert!(ran.code == 2 && ran.stderr.contains("is in no git repository"), "{}", ran.stderr);
}
