//! The single-page application as a separate process: its build, what is published by whom, and what is refused.

mod common;

use common::{Project, Ran};
use serde_json::Value;

const TOML: &str = "name = \"shop\"\nregion = \"us-west-2\"\n\n[services.worker]\nsecrets = { TOKEN = \"token\" }\n\n[secrets.token]\nfrom = \"env:TOKEN\"\n\n[spa]\ndist = \"web/dist\"\n";
const COMPOSE: &str = "services:\n  worker:\n    image: worker:1\n";

fn shop(build: &str) -> Project {
    Project::new(&[("landing.toml", &format!("{TOML}{build}")), ("compose.yaml", COMPOSE), ("web/src/index.html", "<p>one</p>")])
}

fn landing(shop: &Project, args: &[&str]) -> Ran {
    let fast = ["--sandbox", "--time-scale", "4000", "--color", "never"];
    shop.landing_with(&[args, &fast].concat(), &[("TOKEN", "canary-of-the-token-61c0")])
}

fn summary(ran: &Ran) -> Value {
    let last = ran.stdout.lines().last().unwrap_or_else(|| panic!("nothing was said: {}", ran.stderr));
    serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {last}"))
}

fn counted(ran: &Ran, operation: &str) -> u64 {
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    summary(ran)["calls"]["by_operation"][operation].as_u64().unwrap_or(0)
}

/// What the build was given of our environment goes into the page, so that one can see it.
const BUILD: &str = "build = \"mkdir -p dist && cp src/index.html dist/ && env | cut -d= -f1 | sort > dist/env.txt && echo built $((1 + 1)) >&2\"\n";

#[test]
fn up_and_deploy_build_first_and_plan_does_not() {
    let shop = shop(BUILD);
    let plan = landing(&shop, &["plan"]);
    assert_eq!(plan.code, 0, "{}", plan.stderr);
    assert!(
        plan.stderr.contains("there is no folder web/dist: nothing is published yet; `landing up` makes it"),
        "{}",
        plan.stderr
    );
    assert!(!shop.path().join("web/dist").exists());

    let first = landing(&shop, &["up", "--yes", "--json"]);
    assert_eq!(counted(&first, "S3:PutObject"), 4, "begun, two files, done");
    assert!(first.stderr.contains("build: built 2\n"), "{}", first.stderr);
    let given = std::fs::read_to_string(shop.path().join("web/dist/env.txt")).expect("the build wrote it");
    let ours = |name: &&str| name.starts_with("AWS_") || name.starts_with("LANDING_") || *name == "TOKEN";
    assert_eq!(given.lines().filter(ours).collect::<Vec<_>>(), [""; 0], "{given}");
    assert!(given.contains("HOME"), "{given}");

    let again = landing(&shop, &["up", "--yes", "--json"]);
    assert_eq!((again.code, summary(&again)["calls"]["mutating"].as_u64()), (0, Some(0)), "{}", again.stderr);
    assert!(again.stderr.contains("build: built 2\n"), "it is run every time");
    let plan = landing(&shop, &["plan", "--detailed-exitcode"]);
    assert_eq!(plan.code, 0, "{}", plan.stderr);
    assert!(plan.stderr.contains("runs `mkdir") && plan.stderr.contains("here, web/dist is taken as it is"), "{}", plan.stderr);

    shop.write("web/src/index.html", "<p>two</p>");
    let other = landing(&shop, &["deploy", "worker", "--json"]);
    assert_eq!((counted(&other, "S3:PutObject"), other.stderr.contains("build:")), (0, false), "the site was not named");
    let deployed = landing(&shop, &["deploy", "spa", "--json"]);
    assert_eq!(counted(&deployed, "S3:PutObject"), 2);
    assert_eq!(counted(&deployed, "CloudFront:CreateInvalidation"), 1);
    assert_eq!(landing(&shop, &["plan", "--detailed-exitcode"]).code, 0, "nothing is left to do");
    let unknown = landing(&shop, &["deploy", "sap"]);
    assert!(unknown.code == 2 && unknown.stderr.contains("worker, spa"), "{}", unknown.stderr);
}

#[test]
fn a_build_that_fails_touches_nothing_and_its_last_lines_are_said() {
    let shop = shop("build = \"echo compiling >&2; echo no such module >&2; exit 3\"\n");
    let failed = landing(&shop, &["up", "--yes"]);
    assert_eq!(failed.code, 1);
    insta::assert_snapshot!(failed.stderr);
    assert_eq!(landing(&shop, &["status"]).stdout, "", "nothing stands");
    let nowhere = landing(&{ self::shop("build = \"true\"\ndir = \"client\"\n") }, &["up", "--yes"]);
    assert_eq!(nowhere.code, 2);
    assert!(nowhere.stderr.contains("is to run in client, and there is no such folder"), "{}", nowhere.stderr);
}

#[test]
fn what_is_not_for_everybody_is_refused_with_its_path_and_nothing_is_touched() {
    let shop = shop("");
    shop.write("web/dist/index.html", "<p>one</p>");
    shop.write("web/dist/.env", "A=b");
    shop.write("web/dist/assets/app.js", "fetch('/api', { token: 'canary-of-the-token-61c0' })");
    shop.write("web/dist/keys/server.pem", "key");
    let refused = landing(&shop, &["up", "--yes"]);
    assert_eq!(refused.code, 2);
    insta::assert_snapshot!(refused.stderr);
    assert!(!shop.path().join("state/shop-dev.json").exists());
    assert_eq!(landing(&shop, &["plan"]).code, 2);
}

/// CloudFront asks the paths of services first: one that takes all of them leaves nothing for the site.
#[test]
fn a_service_that_hides_the_site_is_named_before_anything_is_made() {
    let shop = shop("");
    shop.write("web/dist/index.html", "<p>one</p>");
    shop.write("compose.yaml", "services:\n  worker:\n    image: worker:1\n    expose: [80]\n");
    for (paths, hidden) in [("/api/*", None), ("/*", Some("/*")), ("/api/*\", \"/?*", Some("/?*")), ("/", Some("/"))] {
        shop.write("landing.toml", &TOML.replace("[services.worker]\n", &format!("[services.worker]\npaths = [\"{paths}\"]\n")));
        let said = hidden.map(|pattern| {
            format!(
                "`{pattern}` in `paths` of [services.worker] takes the addresses of the site, so nobody sees what [spa] publishes; give worker paths of its own, such as \"/api/*\""
            )
        });
        let told = |ran: &Ran, word: &str| {
            let start = format!("{word}: `");
            ran.stderr.lines().find_map(|line| Some(format!("`{}", line.strip_prefix(&start)?)))
        };
        let validate = shop.landing(&["validate", "--color", "never"]);
        assert_eq!((validate.code, told(&validate, "warning")), (0, said.clone()), "{}", validate.stderr);
        let plan = landing(&shop, &["plan"]);
        assert_eq!((plan.code, told(&plan, "note")), (0, said), "{}", plan.stderr);
        let json: Value = serde_json::from_str(&shop.landing(&["validate", "--json"]).stdout).expect("it is JSON");
        assert_eq!(json["warnings"].as_array().map(Vec::len), Some(usize::from(hidden.is_some())));
    }
}
