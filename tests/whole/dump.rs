use landing_tests::Site;
use std::collections::BTreeMap;
#[tokio::test(start_paused = true)]
async fn dump() {
    let site = Site::pulse();
    site.up().await.done();
    let repositories = site.push_images().await;
    println!("{repositories:?}");
    let t = std::time::Instant::now();
    let run = site.up().await;
    println!("{:?} {:?} {}", t.elapsed(), run.outcome.failed, landing_tests::shown(&run.plan));
    std::fs::write("/tmp/b-world.json", site.sandbox.save()).unwrap();
    let t = std::time::Instant::now();
    let look = site.look(false).await;
    println!("look {:?}", t.elapsed());
    let mut seen = BTreeMap::new();
    for (node, live) in &look.live.nodes {
        seen.entry(node.kind().to_owned()).or_insert_with(Vec::new).push((node.clone(), live.id.clone(), live.shape.clone(), live.outputs.clone()));
    }
    for (kind, nodes) in seen {
        println!("## {kind} tagged={} fixed={:?}", look.registry.get(&kind).unwrap().traits().tagged, look.registry.get(&kind).unwrap().traits().fixed);
        for (node, id, shape, outputs) in nodes.iter().take(if kind.contains("rollout") || kind.contains("listener") {3} else {1}) {
            println!("  {node} {id} {outputs:?}");
            for (field, value) in shape.as_object().unwrap() {
                println!("     {field}: {}", value.to_string().chars().take(700).collect::<String>());
            }
        }
    }
}
