use landing_tests::Site;

#[tokio::test(start_paused = true)]
async fn dump() {
    let site = Site::pulse();
    site.up().await.done();
    site.push_images().await;
    site.up().await.done();
    std::fs::write("/tmp/lo_world.json", site.sandbox.save()).unwrap();
    let down = site.down().await;
    println!("{:#?}", down.left);
    println!("{:#?}", down.outcome.failed);
    std::fs::write("/tmp/lo_world_down.json", site.sandbox.save()).unwrap();
}
