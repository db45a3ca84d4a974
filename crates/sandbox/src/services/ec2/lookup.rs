//! Finds an object, or says AWS's own code for its absence.

use crate::fault::Fault;

use super::Ec2;
use super::address::Address;
use super::endpoint::Endpoint;
use super::gateway::Gateway;
use super::group::Group;
use super::nat::Nat;
use super::route_table::RouteTable;
use super::subnet::Subnet;
use super::vpc::Vpc;

pub(super) fn no_vpc(id: &str) -> Fault {
    Fault::new("InvalidVpcID.NotFound", format!("The vpc ID '{id}' does not exist"))
}

pub(super) fn no_gateway(id: &str) -> Fault {
    Fault::new("InvalidInternetGatewayID.NotFound", format!("The internetGateway ID '{id}' does not exist"))
}

pub(super) fn no_subnet(id: &str) -> Fault {
    Fault::new("InvalidSubnetID.NotFound", format!("The subnet ID '{id}' does not exist"))
}

pub(super) fn no_address(id: &str) -> Fault {
    Fault::new("InvalidAllocationID.NotFound", format!("The allocation ID '{id}' does not exist"))
}

pub(super) fn no_nat(id: &str) -> Fault {
    Fault::new("NatGatewayNotFound", format!("The Nat Gateway {id} was not found"))
}

pub(super) fn no_route_table(id: &str) -> Fault {
    Fault::new("InvalidRouteTableID.NotFound", format!("The routeTable ID '{id}' does not exist"))
}

pub(super) fn no_group(id: &str) -> Fault {
    if id.starts_with("sg-") && id[3..].bytes().all(|b| b.is_ascii_hexdigit()) {
        Fault::new("InvalidGroup.NotFound", format!("The security group '{id}' does not exist"))
    } else {
        Fault::new("InvalidGroupId.Malformed", format!("Invalid id: \"{id}\" (expecting \"sg-...\")"))
    }
}

pub(super) fn no_rule(id: &str) -> Fault {
    Fault::new("InvalidSecurityGroupRuleId.NotFound", format!("The security group rule ID '{id}' does not exist"))
}

pub(super) fn no_endpoint(id: &str) -> Fault {
    Fault::new("InvalidVpcEndpointId.NotFound", format!("The Vpc Endpoint Id '{id}' does not exist"))
}

pub(super) fn no_interface(id: &str) -> Fault {
    Fault::new("InvalidNetworkInterfaceID.NotFound", format!("The networkInterface ID '{id}' does not exist"))
}

pub(super) fn no_prefix_list(id: &str) -> Fault {
    Fault::new("InvalidPrefixListID.NotFound", format!("The prefix list ID '{id}' does not exist"))
}

pub(super) fn in_use(kind: &str, id: &str) -> Fault {
    Fault::new("DependencyViolation", format!("The {kind} '{id}' has dependencies and cannot be deleted."))
}

pub(super) fn invalid(message: impl Into<String>) -> Fault {
    Fault::new("InvalidParameterValue", message)
}

macro_rules! find {
    ($($one:ident $change:ident: $map:ident -> $kind:ty, $missing:ident;)*) => {
        impl Ec2 {
            $(
                pub(super) fn $one(&self, id: &str) -> Result<&$kind, Fault> {
                    self.$map.get(id).ok_or_else(|| $missing(id))
                }

                pub(super) fn $change(&mut self, id: &str) -> Result<&mut $kind, Fault> {
                    self.$map.get_mut(id).ok_or_else(|| $missing(id))
                }
            )*
        }
    };
}

find! {
    vpc vpc_mut: vpcs -> Vpc, no_vpc;
    gateway gateway_mut: gateways -> Gateway, no_gateway;
    subnet subnet_mut: subnets -> Subnet, no_subnet;
    address address_mut: addresses -> Address, no_address;
    nat nat_mut: nats -> Nat, no_nat;
    route_table route_table_mut: route_tables -> RouteTable, no_route_table;
    group group_mut: groups -> Group, no_group;
    endpoint endpoint_mut: endpoints -> Endpoint, no_endpoint;
}

impl Ec2 {
    pub(super) fn default_vpc(&self) -> Option<&Vpc> {
        self.vpcs.values().find(|vpc| vpc.default)
    }

    /// The VPC that an interface or anything else in a subnet lives in.
    pub(super) fn vpc_of_subnet(&self, subnet: &str) -> Option<&str> {
        self.subnets.get(subnet).map(|subnet| subnet.vpc.as_str())
    }
}

pub(super) fn invalid_id(id: &str) -> Fault {
    Fault::new("InvalidID", format!("The ID '{id}' is not valid"))
}
