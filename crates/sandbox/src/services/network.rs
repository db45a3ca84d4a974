//! What services outside EC2 ask about subnets, groups and VPCs before they put something there.

use crate::services::ec2;
use crate::world::World;

/// Where a subnet lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) vpc: String,
    pub(crate) zone: String,
}

/// `None` when there is no such subnet.
pub(crate) fn subnet(world: &World, id: &str) -> Option<Place> {
    world.ec2.subnets.get(id).map(|subnet| Place { vpc: subnet.vpc.clone(), zone: subnet.zone.clone() })
}

/// A load balancer wants a /27 at least, with eight addresses free (catalogue, section 3.3).
pub(crate) fn fits_load_balancer(world: &World, subnet: &str) -> bool {
    world.ec2.subnets.get(subnet).is_some_and(|subnet| {
        let bits = subnet.cidr.rsplit('/').next().and_then(|bits| bits.parse::<u8>().ok());
        bits.is_some_and(|bits| bits <= 27) && ec2::free_addresses(&world.ec2, subnet) >= 8
    })
}

/// The VPC of a security group; `None` when there is no such group.
pub(crate) fn group(world: &World, id: &str) -> Option<String> {
    world.ec2.groups.get(id).map(|group| group.vpc.clone())
}

/// The VPC's default security group, which is taken where none is given.
pub(crate) fn default_group(world: &World, vpc: &str) -> Option<String> {
    world.ec2.groups.values().find(|group| group.vpc == vpc && group.name == "default").map(|group| group.id.clone())
}

pub(crate) fn vpc_exists(world: &World, id: &str) -> bool {
    world.ec2.vpcs.contains_key(id)
}

/// Whether an internet gateway is attached.
pub(crate) fn has_gateway(world: &World, vpc: &str) -> bool {
    world.ec2.gateways.values().any(|gateway| gateway.vpc.as_deref() == Some(vpc))
}
