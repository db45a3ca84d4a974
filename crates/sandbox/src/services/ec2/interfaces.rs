//! Network interfaces that services hold: they outlive their owners and block deletes (catalogue, section 15.2).

use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::world::World;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Interface {
    pub(crate) id: String,
    /// ARN or id of what it belongs to.
    pub(crate) owner: String,
    /// As AWS words it: `ELB app/<name>/<id>`, `RDSNetworkInterface`, `Interface for NAT Gateway nat-…`, `arn:aws:ecs:…:attachment/<uuid>`.
    pub(crate) description: String,
    pub(crate) subnet: String,
    pub(crate) groups: Vec<String>,
    /// Has a public address, so that the internet gateway cannot be detached.
    pub(crate) public: bool,
    /// When it is freed, once its owner is on the way out.
    pub(crate) free_at: Option<Millis>,
}

/// Puts an interface of `owner` into a subnet.
pub(crate) fn attach(world: &mut World, owner: &str, description: &str, subnet: &str, groups: &[String], public: bool) {
    let id = world.id("eni-");
    let interface = Interface {
        id: id.clone(),
        owner: owner.to_owned(),
        description: description.to_owned(),
        subnet: subnet.to_owned(),
        groups: groups.to_vec(),
        public,
        free_at: None,
    };
    world.ec2.interfaces.insert(id, interface);
}

/// The interfaces of `owner` go away `after` milliseconds from now.
pub(crate) fn release(world: &mut World, owner: &str, after: Millis) {
    let at = world.now + after;
    for interface in world.ec2.interfaces.values_mut().filter(|interface| interface.owner == owner) {
        interface.free_at = Some(at);
    }
}

pub(super) fn advance(world: &mut World) {
    let now = world.now;
    world.ec2.interfaces.retain(|_, interface| interface.free_at.is_none_or(|at| at > now));
}
