//! The operations: which parameters each one takes and who answers it.

use crate::call::Call;
use crate::fault::Fault;
use crate::wire::Reply;
use crate::world::World;

use super::{
    address, association, endpoint, gateway, group, interfaces, nat, prefix_list, route, route_table, rule, subnet, tagging, vpc,
    zone,
};

type Handler = fn(&mut World, &Call) -> Result<Reply, Fault>;

const PAGED: &[&str] = &["Filter", "MaxResults", "NextToken"];
const RULES: &[&str] =
    &["GroupId", "GroupName", "IpPermissions", "CidrIp", "IpProtocol", "FromPort", "ToPort", "TagSpecification"];
const REVOKED: &[&str] =
    &["GroupId", "GroupName", "IpPermissions", "CidrIp", "IpProtocol", "FromPort", "ToPort", "SecurityGroupRuleId"];
const ROUTE: &[&str] =
    &["RouteTableId", "DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId", "GatewayId", "NatGatewayId"];

pub(crate) fn handle(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let (own, more, handler) =
        operation(&call.operation).ok_or_else(|| Fault::unknown_operation(call.service, &call.operation))?;
    for name in call.input.as_object().into_iter().flat_map(|map| map.keys()) {
        let known = matches!(name.as_str(), "Action" | "Version" | "DryRun")
            || own.contains(&name.as_str())
            || more.contains(&name.as_str());
        if !known {
            return Err(Fault::new(
                "UnknownParameter",
                format!("The parameter {name} is not recognized, or the sandbox does not model it"),
            ));
        }
    }
    if call.flag("DryRun") == Some(true) {
        return Err(Fault::unknown_operation(call.service, "a dry run"));
    }
    handler(world, call)
}

/// Parameters (its own, and those it shares with others) and handler.
fn operation(name: &str) -> Option<(&'static [&'static str], &'static [&'static str], Handler)> {
    Some(match name {
        "CreateVpc" => (&["CidrBlock", "InstanceTenancy", "AmazonProvidedIpv6CidrBlock", "TagSpecification"], &[], vpc::create),
        "DescribeVpcs" => (&["VpcId"], PAGED, vpc::describe),
        "DescribeVpcAttribute" => (&["VpcId", "Attribute"], &[], vpc::describe_attribute),
        "ModifyVpcAttribute" => (&["VpcId", "EnableDnsSupport", "EnableDnsHostnames"], &[], vpc::modify_attribute),
        "DeleteVpc" => (&["VpcId"], &[], vpc::delete),
        "CreateInternetGateway" => (&["TagSpecification"], &[], gateway::create),
        "AttachInternetGateway" => (&["InternetGatewayId", "VpcId"], &[], gateway::attach),
        "DetachInternetGateway" => (&["InternetGatewayId", "VpcId"], &[], gateway::detach),
        "DeleteInternetGateway" => (&["InternetGatewayId"], &[], gateway::delete),
        "DescribeInternetGateways" => (&["InternetGatewayId"], PAGED, gateway::describe),
        "CreateSubnet" => {
            (&["VpcId", "CidrBlock", "AvailabilityZone", "AvailabilityZoneId", "TagSpecification"], &[], subnet::create)
        }
        "DescribeSubnets" => (&["SubnetId"], PAGED, subnet::describe),
        "ModifySubnetAttribute" => (&["SubnetId", "MapPublicIpOnLaunch"], &[], subnet::modify_attribute),
        "DeleteSubnet" => (&["SubnetId"], &[], subnet::delete),
        "DescribeAvailabilityZones" => (&["ZoneName", "ZoneId", "AllAvailabilityZones", "Filter"], &[], zone::describe),
        "AllocateAddress" => (&["Domain", "TagSpecification"], &[], address::allocate),
        "DescribeAddresses" => (&["AllocationId", "PublicIp", "Filter"], &[], address::describe),
        "ReleaseAddress" => (&["AllocationId"], &[], address::release),
        "CreateNatGateway" => {
            (&["SubnetId", "AllocationId", "ClientToken", "ConnectivityType", "TagSpecification"], &[], nat::create)
        }
        "DescribeNatGateways" => (&["NatGatewayId"], PAGED, nat::describe),
        "DeleteNatGateway" => (&["NatGatewayId"], &[], nat::delete),
        "CreateRouteTable" => (&["VpcId", "ClientToken", "TagSpecification"], &[], route_table::create),
        "DescribeRouteTables" => (&["RouteTableId"], PAGED, route_table::describe),
        "DeleteRouteTable" => (&["RouteTableId"], &[], route_table::delete),
        "CreateRoute" => (ROUTE, &[], route::create),
        "ReplaceRoute" => (ROUTE, &[], route::replace),
        "DeleteRoute" => (ROUTE, &[], route::delete),
        "AssociateRouteTable" => (&["RouteTableId", "SubnetId"], &[], association::associate),
        "DisassociateRouteTable" => (&["AssociationId"], &[], association::disassociate),
        "ReplaceRouteTableAssociation" => (&["AssociationId", "RouteTableId"], &[], association::replace),
        "CreateSecurityGroup" => (&["GroupName", "GroupDescription", "VpcId", "TagSpecification"], &[], group::create),
        "DescribeSecurityGroups" => (&["GroupId", "GroupName"], PAGED, group::describe),
        "DeleteSecurityGroup" => (&["GroupId", "GroupName"], &[], group::delete),
        "AuthorizeSecurityGroupIngress" => (RULES, &[], |world, call| rule::authorize(world, call, false)),
        "AuthorizeSecurityGroupEgress" => (RULES, &[], |world, call| rule::authorize(world, call, true)),
        "RevokeSecurityGroupIngress" => (REVOKED, &[], |world, call| rule::revoke(world, call, false)),
        "RevokeSecurityGroupEgress" => (REVOKED, &[], |world, call| rule::revoke(world, call, true)),
        "DescribeSecurityGroupRules" => (&["SecurityGroupRuleId"], PAGED, rule::describe),
        "ModifySecurityGroupRules" => (&["GroupId", "SecurityGroupRule"], &[], rule::modify),
        "UpdateSecurityGroupRuleDescriptionsIngress" => {
            (DESCRIBED, &[], |world, call| rule::update_descriptions(world, call, false))
        }
        "UpdateSecurityGroupRuleDescriptionsEgress" => {
            (DESCRIBED, &[], |world, call| rule::update_descriptions(world, call, true))
        }
        "CreateVpcEndpoint" => (
            &["VpcEndpointType", "VpcId", "ServiceName", "PolicyDocument", "RouteTableId", "ClientToken", "TagSpecification"],
            &[],
            endpoint::create,
        ),
        "DescribeVpcEndpoints" => (&["VpcEndpointId"], PAGED, endpoint::describe),
        "ModifyVpcEndpoint" => {
            (&["VpcEndpointId", "ResetPolicy", "PolicyDocument", "AddRouteTableId", "RemoveRouteTableId"], &[], endpoint::modify)
        }
        "DeleteVpcEndpoints" => (&["VpcEndpointId"], &[], endpoint::delete),
        "CreateTags" => (&["ResourceId", "Tag"], &[], tagging::create),
        "DeleteTags" => (&["ResourceId", "Tag"], &[], tagging::delete),
        "DescribeTags" => (&[], PAGED, tagging::describe),
        "DescribeNetworkInterfaces" => (&["NetworkInterfaceId"], PAGED, interfaces::describe),
        "DescribeManagedPrefixLists" => (&["PrefixListId"], PAGED, prefix_list::describe_managed),
        "DescribePrefixLists" => (&["PrefixListId"], PAGED, prefix_list::describe),
        _ => return None,
    })
}

const DESCRIBED: &[&str] = &["GroupId", "GroupName", "IpPermissions", "SecurityGroupRuleDescription"];
