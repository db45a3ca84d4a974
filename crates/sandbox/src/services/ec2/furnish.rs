//! What a fresh account has: a default VPC with a public subnet in every zone.

use crate::tags::Tags;
use crate::world::World;

use super::route::{Route, Target};
use super::subnet::Subnet;
use super::{gateway, route_table, vpc, zone};

pub(crate) fn furnish(world: &mut World) {
    let vpc = vpc::make(world, "172.31.0.0/16", true, Tags::new());
    let gateway = gateway::make(world, Some(vpc.clone()), Tags::new());
    if let Some(main) = route_table::main_of(&mut world.ec2, &vpc) {
        main.routes.insert("0.0.0.0/0".into(), Route { target: Target::Gateway(gateway) });
    }
    for (index, (zone, zone_id)) in zone::all(&world.region).into_iter().enumerate() {
        let id = world.id("subnet-");
        let subnet = Subnet {
            id: id.clone(),
            vpc: vpc.clone(),
            cidr: format!("172.31.{}.0/20", index * 16),
            zone,
            zone_id,
            default_for_az: true,
            map_public_ip: true,
            ready_at: world.now,
            tags: Tags::new(),
        };
        world.ec2.subnets.insert(id, subnet);
    }
}
