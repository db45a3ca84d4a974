//! CloudFront: the distribution, its function and its access to the bucket. Global: its tags are listed in us-east-1.

pub mod distribution;
pub mod function;
pub mod origin_access_control;
mod reading;
mod settings;

pub use distribution::{ApiOrigin, Distribution, S3Origin};
pub use function::Function;
use landing_engine::{NodeName, Scan, Stack};
pub use origin_access_control::OriginAccessControl;
pub(crate) use origin_access_control::list as access_controls;

/// What a description or comment says of an object that cannot carry tags, so that a scan without state finds it again. Nothing but a scan reads it.
pub fn mark(stack: &Stack, node: &NodeName) -> String {
    format!("landing {}/{} {node}", stack.project, stack.env)
}

/// The node of an object that cannot carry tags: its name, which nobody else would choose, is that of a wanted node, the state knows its id, or it
/// bears the stack's mark.
fn node_of(scan: &Scan, id: &str, name: &str, text: &str) -> Option<NodeName> {
    let wanted = || scan.wanted.iter().find(|(_, shape)| shape["name"] == name).map(|(node, _)| node.clone());
    let known = || crate::ownership::known(scan, id);
    let marked = || text.strip_prefix(&format!("landing {}/{} ", scan.stack.project, scan.stack.env)).and_then(NodeName::parse);
    wanted().or_else(known).or_else(marked)
}
