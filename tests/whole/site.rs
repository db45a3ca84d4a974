//! The files of a single-page application: what differs goes up, what is gone goes last, and the edges are told of exactly that.

use std::sync::{Arc, Mutex};

use landing_engine::NodeName;
use landing_engine::plan::Action;
use landing_sandbox::{CallFault, Faults, Moment, Refusal, Sight, Then, Watcher, What, World};
use landing_tests::small::STACK;
use landing_tests::{Run, Site, node, shown};
use serde_json::{Value, json};

const APP: &str = "dist/assets/app-7ea3a983.js";

fn small() -> Site {
    let site = Site::new(STACK);
    site.write(APP, "app()");
    site.write("dist/assets/style.css", "a {}");
    site
}

fn spa() -> NodeName {
    node("s3.site.spa")
}

/// What a run did to bucket and edges, in this order.
fn calls(run: &Run) -> Vec<String> {
    run.mutations()
        .into_iter()
        .filter(|call| call.ends_with("Object") || call.ends_with("Objects") || call.contains("Invalidation"))
        .collect()
}

/// The paths of every invalidation, in the order of their times.
fn invalidated(site: &Site) -> Vec<Vec<String>> {
    let world = site.world();
    let mut all: Vec<&Value> = world["cloudfront"]["invalidations"].as_object().unwrap().values().collect();
    all.sort_by_key(|one| one["created"].as_u64());
    let paths = |one: &Value| {
        let items = one["batch"]["Paths"]["Items"].as_object().unwrap().values().next().unwrap();
        match items {
            Value::Array(paths) => paths.iter().map(|path| path.as_str().unwrap().to_owned()).collect(),
            path => vec![path.as_str().unwrap().to_owned()],
        }
    };
    all.into_iter().map(paths).collect()
}

fn bucket(world: &mut Value) -> &mut serde_json::Map<String, Value> {
    world["s3"]["buckets"]["small-dev-spa-123456789012"]["objects"].as_object_mut().unwrap()
}

/// Key, type and how long it may be kept.
fn standing(site: &Site) -> Vec<String> {
    let mut world = site.world();
    let told = |(key, versions): (&String, &Value)| {
        let headers = &versions[0]["headers"];
        format!("{key}: {}, {}", headers["content-type"].as_str().unwrap(), headers["cache-control"].as_str().unwrap())
    };
    bucket(&mut world).iter().map(told).collect()
}

fn refused(on: &str) -> Faults {
    let refusal = Refusal { status: 403, code: "AccessDenied".into(), message: "Access Denied".into(), acted: false };
    let what = What::Error(refusal);
    Faults { calls: vec![CallFault { on: on.parse().unwrap(), nth: vec![1], share: None, what }], ..Faults::default() }
}

#[tokio::test(start_paused = true)]
async fn a_first_up_publishes_with_types_and_times_and_the_next_has_nothing_to_do() {
    let site = small();
    let first = site.up().await.done();
    assert_eq!(calls(&first), ["s3:PutObject"; 5], "that it has begun, three files, and that it is done");
    assert_eq!(invalidated(&site), Vec::<Vec<String>>::new(), "no edge has seen anything");
    insta::assert_snapshot!(standing(&site).join("\n"));
    assert_eq!(site.up().await.done().mutations(), Vec::<String>::new());
    site.forget_state();
    assert_eq!(site.up().await.done().mutations(), Vec::<String>::new(), "without a state file just the same");
    let down = site.down().await.done();
    assert!(down.left.unwrap().is_nothing());
}

#[tokio::test(start_paused = true)]
async fn one_changed_file_is_one_upload_and_its_path() {
    let site = small();
    site.up().await.done();
    site.write(APP, "app(1)");
    insta::assert_snapshot!(shown(&site.plan().await));
    let changed = site.up().await.done();
    assert_eq!(changed.mutations(), ["s3:PutObject", "cloudfront:CreateInvalidation", "s3:PutObject"]);
    assert_eq!(invalidated(&site), [["/assets/app-7ea3a983.js"]]);
    assert_eq!(site.up().await.done().mutations(), Vec::<String>::new());

    site.write("dist/index.html", "<!doctype html><title>new</title>");
    site.up().await.done();
    assert_eq!(invalidated(&site)[1], ["/", "/index.html"]);
}

/// AWS takes a request that it knows by its reference for the same one, and does nothing.
#[tokio::test(start_paused = true)]
async fn a_site_that_goes_back_and_forth_is_told_to_the_edges_every_time() {
    let site = small();
    site.up().await.done();
    for text in ["app(1)", "app()", "app(1)", "app()"] {
        site.write(APP, text);
        site.up().await.done();
    }
    assert_eq!(invalidated(&site), [["/assets/app-7ea3a983.js"]; 4]);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_gone_goes_after_everything_is_up_and_before_the_edges_ask_again() {
    let site = small();
    site.up().await.done();
    std::fs::remove_file(site.path(APP)).unwrap();
    site.write("dist/assets/app-0c1d2e3f.js", "app(2)");
    site.write("dist/index.html", "<!doctype html><title>new</title>");
    let run = site.up().await.done();
    let expected = ["s3:PutObject", "s3:PutObject", "s3:DeleteObjects", "cloudfront:CreateInvalidation", "s3:PutObject"];
    assert_eq!(run.mutations(), expected);
    assert_eq!(invalidated(&site), [["/", "/index.html", "/assets/app-7ea3a983.js"]]);
    assert!(!standing(&site).iter().any(|line| line.contains("7ea3a983")));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_dies_before_the_edges_are_told_is_finished_by_the_next() {
    let site = small();
    site.up().await.done();
    site.write(APP, "app(1)");
    let broken = site.fork(refused("cloudfront:CreateInvalidation"));
    let run = broken.up().await;
    assert_eq!(run.outcome.failed[0].0, spa());
    assert_eq!(calls(&broken.up().await.done()), ["cloudfront:CreateInvalidation", "s3:PutObject"], "nothing goes up again");
    assert_eq!(invalidated(&broken), [["/*"]], "nobody knows any more what was not told");

    // And when somebody takes the change back in between, the marker of before does not say that all is well.
    let back = site.fork(refused("cloudfront:CreateInvalidation"));
    back.up().await;
    back.write(APP, "app()");
    let run = back.up().await.done();
    assert_eq!(calls(&run), ["s3:PutObject", "s3:PutObject", "cloudfront:CreateInvalidation", "s3:PutObject"]);
    assert!(back.plan().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn without_a_folder_what_is_published_stays_and_up_says_what_to_do() {
    let site = small();
    std::fs::rename(site.path("dist"), site.path("away")).unwrap();
    let first = site.up().await.done();
    assert_eq!((calls(&first).len(), first.plan.step(&spa())), (0, None));
    let notice = |run: &Run| run.notices.iter().find(|notice| notice.contains("dist")).unwrap().clone();
    let mut notices = vec![notice(&first)];
    std::fs::rename(site.path("away"), site.path("dist")).unwrap();
    assert_eq!(site.up().await.done().plan.step(&spa()).unwrap().action, Action::Create);
    std::fs::remove_dir_all(site.path("dist")).unwrap();
    let later = site.up().await.done();
    assert_eq!(later.mutations(), Vec::<String>::new());
    notices.push(notice(&later));
    site.edit("landing.toml", "dist = \"dist\"", "dist = \"dist\"\nbuild = \"npm run build\"");
    notices.push(notice(&site.up().await.done()));
    insta::assert_snapshot!(notices.join("\n"));
}

/// 2,100 files that nobody asks for: three pages of a list, three deletions, and one path for all.
#[tokio::test(start_paused = true)]
async fn a_bucket_of_many_pages_is_read_to_its_end() {
    let mut site = small();
    site.up().await.done();
    site.tamper(|world| {
        let objects = bucket(world);
        let one = objects["index.html"].clone();
        objects.extend((0..2100).map(|n| (format!("old/{n:04}.js"), one.clone())));
        objects.sort_keys();
    });
    let run = site.up().await.done();
    assert_eq!(run.plan.step(&spa()).unwrap().action, Action::Update);
    assert_eq!(calls(&run).iter().filter(|call| *call == "s3:DeleteObjects").count(), 3);
    assert_eq!(invalidated(&site), [["/*"]]);
    assert_eq!((standing(&site).len(), site.plan().await.is_empty()), (4, true));
}

/// Writes into the folder while `up` is at work.
struct Hasty {
    site: Mutex<Option<std::path::PathBuf>>,
}

impl Watcher for Hasty {
    fn see(&self, _: Moment, call: Sight<'_>, _: &World) -> Then {
        if call.operation == "CreateBucket"
            && let Some(path) = self.site.lock().unwrap().take()
        {
            std::fs::write(path, "something else").unwrap();
        }
        Then::Go
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_changes_meanwhile_is_not_published_and_said() {
    let site = small();
    site.sandbox.watch(Arc::new(Hasty { site: Mutex::new(Some(site.path(APP))) }));
    let run = site.up().await;
    assert_eq!(run.outcome.failed.len(), 1);
    let (failed, error) = &run.outcome.failed[0];
    assert_eq!((failed, error.message.as_str()), (&spa(), "assets/app-7ea3a983.js has changed since the plan was made"));
    assert!(!standing(&site).iter().any(|line| line.starts_with("index.html")), "no page goes up without what it names");
    site.up().await.done();
    assert_eq!(standing(&site).len(), 4);
}

/// By `aws s3 sync`, as the guide said before: their contents are right, and their headers are not.
#[tokio::test(start_paused = true)]
async fn files_that_somebody_else_put_are_put_anew() {
    let mut site = small();
    site.up().await.done();
    site.tamper(|world| {
        let objects = bucket(world);
        objects.shift_remove(".landing-published").unwrap();
        objects["index.html"][0]["headers"] = json!({ "content-type": "binary/octet-stream", "cache-control": "" });
    });
    let run = site.up().await.done();
    assert_eq!(calls(&run).iter().filter(|call| *call == "s3:PutObject").count(), 4);
    assert!(standing(&site).contains(&"index.html: text/html; charset=utf-8, no-cache".to_owned()));
}
