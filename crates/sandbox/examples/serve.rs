//! `cargo run -p landing-sandbox --example serve -- PORT SCALE`: the sandbox alone, without the AWS SDK in the build.

use landing_sandbox::{Sandbox, World, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let mut args = std::env::args().skip(1);
    let port: u16 = args.next().and_then(|text| text.parse().ok()).unwrap_or(4599);
    let scale: f64 = args.next().and_then(|text| text.parse().ok()).unwrap_or(60.0);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    serve(Sandbox::new(World::new("us-west-2"), scale), listener).await
}
