//! Lines of several services: merged by time, in pages, late, and on a day on which AWS refuses and forgets. Whoever follows gets each one once.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::time::Duration;

use aws_sdk_cloudwatchlogs::config::{Credentials, Region};
use aws_sdk_cloudwatchlogs::types::InputLogEvent;
use landing_aws::Aws;
use landing_aws::ecs::last_ended;
use landing_aws::logs::{Line, Reader, Source};
use landing_sandbox::Faults;
use landing_tests::{Site, small};
use serde_json::json;

/// An account in which somebody writes.
struct Room {
    site: Site,
    writer: aws_sdk_cloudwatchlogs::Client,
    aws: Aws,
}

impl Room {
    async fn new(faults: &str) -> Self {
        let site = Site::new(small::STACK).fork(Faults::from_toml(faults).unwrap_or_else(|error| panic!("{error}")));
        let config = aws_sdk_cloudwatchlogs::Config::builder()
            .behavior_version_latest()
            .region(Region::new("us-west-2"))
            .credentials_provider(Credentials::new("SOMEBODY", "else", None, None, "tests"))
            .http_client(site.sandbox.http_client())
            .build();
        let writer = aws_sdk_cloudwatchlogs::Client::from_conf(config);
        let aws = site.connect(&site.project()).await;
        Self { site, writer, aws }
    }

    /// A task of the service begins.
    async fn starts(&self, service: &str, task: &str) {
        let group = format!("/ecs/small-dev/{service}");
        // It may be there already.
        let _ = self.writer.create_log_group().log_group_name(&group).send().await;
        let stream = self.writer.create_log_stream().log_group_name(&group);
        stream.log_stream_name(format!("ecs/{service}/{task}")).send().await.unwrap();
    }

    async fn writes(&self, service: &str, task: &str, lines: impl IntoIterator<Item = (i64, String)>) {
        let events = lines.into_iter().map(|(at, text)| InputLogEvent::builder().timestamp(at).message(text).build().unwrap());
        let put = self.writer.put_log_events().log_group_name(format!("/ecs/small-dev/{service}"));
        put.log_stream_name(format!("ecs/{service}/{task}")).set_log_events(Some(events.collect())).send().await.unwrap();
    }

    /// Milliseconds since 1970.
    fn now(&self) -> i64 {
        self.site.sandbox.with_world(|world| i64::try_from(world.now).unwrap())
    }

    async fn read(&self, reader: &mut Reader) -> Vec<Line> {
        let mut lines = Vec::new();
        let each = |line| {
            lines.push(line);
            ControlFlow::Continue(())
        };
        reader.read(&self.aws, self.now(), each).await.unwrap();
        lines
    }
}

fn sources(services: &[&str]) -> Vec<Source> {
    let source =
        |service: &&str| Source { service: (*service).to_owned(), group: format!("/ecs/small-dev/{service}"), task: None };
    services.iter().map(source).collect()
}

fn shown(lines: &[Line]) -> Vec<String> {
    lines.iter().map(|line| format!("{} {}: {}", line.service, line.task, line.message)).collect()
}

#[tokio::test(start_paused = true)]
async fn lines_of_all_services_come_by_their_times_and_each_once() {
    let room = Room::new("").await;
    for (service, task) in [("web", "one"), ("web", "two"), ("broker", "three")] {
        room.starts(service, task).await;
    }
    let now = room.now();
    room.writes("web", "one", [(now - 9_000, "up".into()), (now - 1_000, "GET /".into())]).await;
    room.writes("web", "two", [(now - 5_000, "up too".into())]).await;
    room.writes("broker", "three", [(now - 7_000, "up".into()), (now - 500, "a client".into())]).await;
    let mut reader = Reader::new(sources(&["web", "broker", "nobody"]), now - 60_000);
    let mut first = Vec::new();
    let each = |line| {
        first.push(line);
        ControlFlow::Continue(())
    };
    let missing = reader.read(&room.aws, room.now(), each).await.unwrap();
    assert_eq!(shown(&first), ["web one: up", "broker three: up", "web two: up too", "web one: GET /", "broker three: a client"]);
    assert_eq!(missing, ["nobody"], "a service without a log is no mistake");
    let of_two = Source { task: Some("two".into()), ..sources(&["web"]).remove(0) };
    assert_eq!(shown(&room.read(&mut Reader::new(vec![of_two], 0)).await), ["web two: up too"], "one task's own lines");

    assert_eq!(shown(&room.read(&mut reader).await), Vec::<String>::new(), "nothing comes twice");
    // One that is late, from before what was read, and one like another.
    room.writes("web", "two", [(now - 2_000, "late".into()), (now - 1_000, "GET /".into())]).await;
    room.starts("nobody", "four").await;
    room.writes("nobody", "four", [(now + 100, "somebody after all".into())]).await;
    assert_eq!(shown(&room.read(&mut reader).await), ["web two: late", "web two: GET /", "nobody four: somebody after all"]);
    // Too late for whoever follows; a fresh reading has it.
    room.writes("web", "two", [(now - 40_000, "from another age".into())]).await;
    assert_eq!(shown(&room.read(&mut reader).await), Vec::<String>::new());
    assert_eq!(room.read(&mut Reader::new(sources(&["web"]), now - 60_000)).await[0].message, "from another age");
}

#[tokio::test(start_paused = true)]
async fn a_log_of_many_pages_is_read_to_its_end_and_no_further_than_somebody_wants() {
    let room = Room::new("").await;
    room.starts("web", "one").await;
    let now = room.now();
    for half in 0..2 {
        let line = |nth: i64| (now - 20_000 + nth, format!("line {nth}"));
        room.writes("web", "one", (half * 6_000..(half + 1) * 6_000).map(line)).await;
    }
    let lines = room.read(&mut Reader::new(sources(&["web"]), 0)).await;
    assert_eq!((lines.len(), lines[11_999].message.as_str()), (12_000, "line 11999"));
    let mut taken = 0;
    let calls =
        || room.site.sandbox.with_world(|world| world.calls.iter().filter(|call| call.operation == "FilterLogEvents").count());
    let before = calls();
    let each = |_| {
        taken += 1;
        if taken == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    Reader::new(sources(&["web"]), 0).read(&room.aws, room.now(), each).await.unwrap();
    assert_eq!((taken, calls() - before), (3, 1), "`| head` costs one page");
}

/// AWS refuses a third of the calls, and its copies know of new lines up to 20 seconds late; three tasks write on, their clocks apart by up to five seconds.
#[tokio::test(start_paused = true)]
async fn whoever_follows_through_a_storm_gets_each_line_once() {
    let room = Room::new("[throttle]\nrefuse = 0.33\n[consistency]\nwindow = 20\nservices = [\"logs\"]\n").await;
    let tasks = [("web", "one"), ("web", "two"), ("broker", "three")];
    for (service, task) in tasks {
        // The writer has no patience of its own.
        while room
            .writer
            .create_log_group()
            .log_group_name(format!("/ecs/small-dev/{service}"))
            .send()
            .await
            .is_err_and(|error| !error.into_service_error().is_resource_already_exists_exception())
        {}
        tokio::time::sleep(Duration::from_secs(25)).await;
        let stream = || room.writer.create_log_stream().log_group_name(format!("/ecs/small-dev/{service}"));
        while stream().log_stream_name(format!("ecs/{service}/{task}")).send().await.is_err() {}
    }
    tokio::time::sleep(Duration::from_secs(25)).await;
    let mut reader = Reader::new(sources(&["web", "broker"]), room.now() - 60_000);
    let (mut written, mut got) = (BTreeSet::new(), Vec::new());
    for round in 0..40 {
        for (nth, (service, task)) in tasks.iter().enumerate() {
            let text = format!("{task} {round}");
            let at = room.now() - i64::try_from(nth).unwrap() * 2_500;
            let event = || InputLogEvent::builder().timestamp(at).message(&text).build().unwrap();
            let put = || room.writer.put_log_events().log_group_name(format!("/ecs/small-dev/{service}"));
            while put().log_stream_name(format!("ecs/{service}/{task}")).log_events(event()).send().await.is_err() {}
            written.insert(text);
        }
        got.extend(room.read(&mut reader).await);
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    for _ in 0..20 {
        got.extend(room.read(&mut reader).await);
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    let refused = |call: &&landing_sandbox::Record| call.operation == "FilterLogEvents" && call.refused.is_some();
    assert!(room.site.sandbox.with_world(|world| world.calls.iter().filter(refused).count()) > 20, "it was a storm");
    let texts: BTreeSet<String> = got.iter().map(|line| line.message.clone()).collect();
    assert_eq!(got.len(), texts.len(), "none comes twice");
    assert_eq!(texts, written, "none is lost");
}

/// Ends the tasks that run, and gives others the time to take their place.
async fn tasks_end(site: &mut Site) {
    site.tamper(|world| {
        let now = world["now"].as_u64().unwrap();
        let end = json!({ "stop_code": "EssentialContainerExited", "reason": "gone", "exit_code": 1, "container_reason": null });
        let tasks = world["ecs"]["tasks"].as_object_mut().unwrap().values_mut();
        tasks.filter(|task| task["stopping_at"].is_null()).for_each(|task| task["ends"] = json!([now, end]));
    });
    tokio::time::sleep(Duration::from_secs(300)).await;
}

/// Ids of the tasks that have ended, in this order, and of those that run.
fn tasks(site: &Site) -> (Vec<String>, Vec<String>) {
    let world = site.world();
    let mut all: Vec<_> = world["ecs"]["tasks"].as_object().unwrap().iter().collect();
    all.sort_by_key(|(_, task)| task["stopping_at"].as_u64());
    let id = |arn: &String| arn.rsplit('/').next().unwrap().to_owned();
    let (ended, running): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, task)| task["stopping_at"].is_u64());
    (ended.iter().map(|(arn, _)| id(arn)).collect(), running.iter().map(|(arn, _)| id(arn)).collect())
}

/// However many have ended; and once ECS has forgotten all of them, by who wrote last and does not run.
#[tokio::test(start_paused = true)]
async fn the_task_that_ended_last_is_found_for_as_long_as_its_log_is_kept() {
    let mut site = Site::new(&[
        ("landing.toml", "name = \"small\"\nregion = \"us-west-2\"\n"),
        ("docker-compose.yml", "services:\n  worker:\n    image: python:3.13-alpine\n"),
    ]);
    site.up().await.done();
    let last = async |site: &Site| {
        let aws = site.connect(&site.project()).await;
        last_ended(&aws, "small-dev", "small-dev-worker", "/ecs/small-dev/worker").await.unwrap()
    };
    assert_eq!(last(&site).await, None, "one that runs has not ended");
    for _ in 0..3 {
        tasks_end(&mut site).await;
    }
    let (ended, running) = tasks(&site);
    assert_eq!((ended.len(), running.len()), (3, 1));
    let known = last(&site).await.unwrap();
    assert_eq!((&known.task, known.exit_code), (&ended[2], Some(1)));
    tokio::time::sleep(Duration::from_secs(2 * 3600)).await;
    let forgotten = last(&site).await.unwrap();
    assert_eq!((&forgotten.task, forgotten.at), (&ended[2], None), "{ended:?} {running:?}");
}
