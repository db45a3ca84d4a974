//! The scenarios: what is there, what is asked for, and how the project changes in between.

use std::time::Duration;

use landing_tests::Site;
use landing_tests::small::WITH_A_JOB;

use crate::story::{Going, Story};

const SPA: &str = "[spa]\ndist = \"dist\"\n\n";
const WORKER: &str = "  worker:\n    image: python:3.13-alpine\n    environment:\n      BROKER: broker:1883\n";

fn add_worker(site: &Site) {
    site.edit("docker-compose.yml", "  broker:\n", &format!("{WORKER}  broker:\n"));
}

fn build_web(site: &Site) {
    site.write("Dockerfile", "FROM nginx:1.29-alpine\n");
    site.edit("docker-compose.yml", "image: nginx:1.29-alpine", "build: .");
}

fn drop_spa(site: &Site) {
    site.edit("landing.toml", SPA, "");
}

fn two_scripts(site: &Site) {
    site.write("dist/a.js", "a()");
    site.write("dist/b.js", "b()");
}

/// One file more, one less, and another page.
fn other_scripts(site: &Site) {
    site.write("dist/c.js", "c()");
    site.write("dist/index.html", "<!doctype html><title>another</title>");
    std::fs::remove_file(site.path("dist/b.js")).expect("it was there");
}

/// An edit of the small stack that stands.
async fn change(name: &'static str, begin: impl Fn(&Site), edit: impl Fn(&Site)) -> Story {
    let mut site = Site::new(WITH_A_JOB);
    // Nothing builds here: what a service's image is made with is a stand-in, which takes its time.
    site.stand_ins = Some(Duration::from_secs(60));
    Story::new(name, site, Going::Up, async |site| {
        begin(site);
        site.up().await.done();
        edit(site);
    })
    .await
}

/// One of the file.
async fn compose(name: &'static str, old: &str, new: &str) -> Story {
    change(name, |_| {}, |site| site.edit("docker-compose.yml", old, new)).await
}

pub(crate) const NAMES: [&str; 19] = [
    "first up",
    "up with nothing to do",
    "another image",
    "an image of its own",
    "other files of its image",
    "another variable",
    "another command of the job",
    "more copies",
    "a service more",
    "a service less",
    "another database class",
    "a URL for its database",
    "a SPA more",
    "a SPA less",
    "other files of the SPA",
    "another VPC",
    "down",
    "up after down",
    "up without its state",
];

pub(crate) async fn scenario(name: &'static str) -> Story {
    match name {
        "first up" => Story::new(name, Site::new(WITH_A_JOB), Going::Up, async |_| {}).await,
        "up with nothing to do" => change(name, |_| {}, |_| {}).await,
        "another image" => compose(name, "nginx:1.29-alpine", "nginx:1.30-alpine").await,
        "an image of its own" => change(name, |_| {}, build_web).await,
        "other files of its image" => change(name, build_web, |site| site.write("index.html", "new")).await,
        "another variable" => compose(name, "BROKER: broker:1883", "BROKER: tcp://broker:1883").await,
        "another command of the job" => compose(name, "\"true\"", "\"echo again\"").await,
        "more copies" => {
            change(name, |_| {}, |site| site.edit("landing.toml", "default = true", "default = true\nreplicas = 3")).await
        }
        "a service more" => change(name, |_| {}, add_worker).await,
        "a service less" => change(name, add_worker, |site| site.edit("docker-compose.yml", WORKER, "")).await,
        "another database class" => change(name, |_| {}, |site| site.edit("landing.toml", "db.t3.micro", "db.t3.small")).await,
        "a URL for its database" => {
            let more = "\"database:things.password\", URL = \"database:things.url\"";
            change(name, |_| {}, |site| site.edit("landing.toml", "\"database:things.password\"", more)).await
        }
        "a SPA more" => change(name, drop_spa, |site| site.edit("landing.toml", "[github]", &format!("{SPA}[github]"))).await,
        "a SPA less" => change(name, |_| {}, drop_spa).await,
        "other files of the SPA" => change(name, two_scripts, other_scripts).await,
        "another VPC" => {
            let cidr = "[network]\ncidr = \"10.1.0.0/16\"\n\n[github]";
            change(name, |_| {}, |site| site.edit("landing.toml", "[github]", cidr)).await
        }
        "down" => {
            Story::new(name, Site::new(WITH_A_JOB), Going::Down, async |site| {
                site.up().await.done();
            })
            .await
        }
        "up after down" => {
            Story::new(name, Site::new(WITH_A_JOB), Going::Up, async |site| {
                site.up().await.done();
                site.down().await.done();
            })
            .await
        }
        "up without its state" => {
            Story::new(name, Site::new(WITH_A_JOB), Going::Up, async |site| {
                site.up().await.done();
                site.forget_state();
            })
            .await
        }
        other => panic!("there is no scenario {other:?}"),
    }
}
