//! The main job: up, up again, down.

use landing_tests::{Site, steps};

#[tokio::test(start_paused = true)]
async fn up_builds_everything_a_second_up_changes_nothing_and_down_leaves_nothing() {
    let site = Site::pulse();
    let before = site.objects();
    let first = site.up().await.done();
    println!("first up: {} calls, {} mutating", first.calls.len(), first.mutations().len());
    std::fs::write("/tmp/b-world.json", site.sandbox.save()).unwrap();

    let second = site.up().await.done();
    println!("second up: {} calls", second.calls.len());
    assert_eq!(second.mutations(), Vec::<String>::new());
    assert_eq!(steps(&second.plan), Vec::<String>::new());

    let down = site.down().await.done();
    println!("down: {} calls, {} mutating", down.calls.len(), down.mutations().len());
    assert_eq!(site.objects(), before);
}
