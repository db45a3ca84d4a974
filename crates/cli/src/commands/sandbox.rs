//! `landing sandbox serve`: the in-process AWS for any AWS client.

use landing_sandbox::{Sandbox, World, serve, serve_registry};
use tokio::net::TcpListener;

use super::{print, say};
use crate::args::{Common, SandboxCommand};
use crate::failure::{Exit, Failure};
use crate::interrupt::Interrupts;
use crate::world;

pub(crate) async fn run(common: &Common, command: &SandboxCommand, interrupts: &Interrupts) -> Result<Exit, Failure> {
    let SandboxCommand::Serve { port, registry, world: file, faults } = command;
    let failed = |what: &str, error: std::io::Error| Failure::new(Exit::Failed, format!("{what}: {error}"));
    let faults = world::faults(faults.as_deref())?;
    let loaded = match file {
        Some(path) if path.exists() => {
            let text = std::fs::read_to_string(path).map_err(|e| failed(&path.display().to_string(), e))?;
            World::load(&text)
                .map_err(|e| Failure::new(Exit::Failed, format!("{} is not a saved sandbox: {e}", path.display())))?
        }
        _ => World::new(common.region.as_deref().unwrap_or(world::REGION)),
    };
    let sandbox = Sandbox::with_faults(loaded, common.time_scale.unwrap_or(world::SCALE), faults);
    let listener =
        TcpListener::bind(("127.0.0.1", *port)).await.map_err(|e| failed(&format!("cannot listen on port {port}"), e))?;
    let address = listener.local_addr().map_err(|e| failed("cannot tell the port", e))?;
    print(&format!("http://{address}"));
    let folder = world::registry_folder().map_err(|e| failed("cannot make a folder for images", e))?;
    if let Some(address) = registry {
        let listener = TcpListener::bind(address).await.map_err(|e| failed(&format!("cannot listen on {address}"), e))?;
        let address = listener.local_addr().map_err(|e| failed("cannot tell the registry's port", e))?;
        tokio::spawn(
            serve_registry(sandbox.clone(), listener, folder.path()).map_err(|e| failed("cannot open the registry", e))?,
        );
        print(&format!("registry {address}"));
    }
    say("an AWS of its own; any access key will do. Ctrl-C ends it");
    tokio::select! {
        served = serve(sandbox.clone(), listener) => served.map_err(|e| failed("the server ended", e))?,
        () = interrupts.first() => {}
    }
    if let Some(path) = file {
        std::fs::write(path, sandbox.save()).map_err(|e| failed(&path.display().to_string(), e))?;
    }
    Ok(Exit::Done)
}
