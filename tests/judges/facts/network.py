"""VPC, subnets, gateways, routes."""
from expected import PRIVATE, PUBLIC, REGION, VPC
from facts import fact
from report import equal


@fact("network: one VPC of the stack, 10.0.0.0/16")
def _(stack):
    equal(stack.vpc["CidrBlock"], VPC)


@fact("network: the VPC resolves names and gives its hosts names")
def _(stack):
    for attribute in ("enableDnsSupport", "enableDnsHostnames"):
        reply = stack.client("ec2").describe_vpc_attribute(VpcId=stack.vpc["VpcId"], Attribute=attribute)
        assert reply[attribute[0].upper() + attribute[1:]]["Value"], attribute


@fact("network: two public and two private subnets of 256 addresses each")
def _(stack):
    equal(set(stack.subnets), PUBLIC | PRIVATE)


@fact("network: the public subnets lie in two zones, and so do the private ones")
def _(stack):
    zones = [{stack.subnets[cidr]["AvailabilityZone"] for cidr in side} for side in (PUBLIC, PRIVATE)]
    equal([len(zone) for zone in zones], [2, 2])
    equal(*zones)


@fact("network: no subnet gives out public addresses by itself")
def _(stack):
    equal({cidr for cidr, subnet in stack.subnets.items() if subnet["MapPublicIpOnLaunch"]}, set())


@fact("network: one internet gateway, attached to the VPC")
def _(stack):
    [gateway] = stack.ours("describe_internet_gateways", "InternetGateways")
    equal([one["VpcId"] for one in gateway["Attachments"]], [stack.vpc["VpcId"]])


@fact("network: one NAT gateway, available, in the first public subnet")
def _(stack):
    [gateway] = stack.nat_gateways
    equal((gateway["State"], gateway["SubnetId"]), ("available", stack.subnets["10.0.0.0/24"]["SubnetId"]))


@fact("network: the NAT gateway has the stack's only Elastic IP")
def _(stack):
    addresses = stack.client("ec2").describe_addresses()["Addresses"]
    [gateway] = stack.nat_gateways
    equal([one["AllocationId"] for one in addresses], [one["AllocationId"] for one in gateway["NatGatewayAddresses"]])


def table_of(stack, ranges):
    """The one table that exactly these subnets are associated with, and its routes beyond the VPC. A gateway endpoint's routes are no way out."""
    wanted = stack.subnet_ids(ranges)
    tables = {one["RouteTableId"]: one for one in stack.route_tables
              if wanted & {association.get("SubnetId") for association in one["Associations"]}}
    [table] = tables.values()
    equal({association["SubnetId"] for association in table["Associations"]}, wanted)
    return {route.get("DestinationCidrBlock", route.get("DestinationIpv6CidrBlock")): route.get("GatewayId") or route.get("NatGatewayId")
            for route in table["Routes"] if not (route.get("GatewayId") or "").startswith("vpce-")}


@fact("network: both public subnets reach the internet through the internet gateway, and have no other route")
def _(stack):
    [gateway] = stack.ours("describe_internet_gateways", "InternetGateways")
    equal(table_of(stack, PUBLIC), {VPC: "local", "0.0.0.0/0": gateway["InternetGatewayId"]})


@fact("network: both private subnets reach the internet through the NAT gateway alone")
def _(stack):
    [gateway] = stack.nat_gateways
    equal(table_of(stack, PRIVATE), {VPC: "local", "0.0.0.0/0": gateway["NatGatewayId"]})


@fact("network: the private subnets reach S3 through a gateway endpoint, and so their image layers pass no NAT gateway")
def _(stack):
    [endpoint] = stack.endpoints
    equal((endpoint["VpcEndpointType"], endpoint["ServiceName"]), ("Gateway", f"com.amazonaws.{REGION}.s3"))
    private = stack.subnet_ids(PRIVATE)
    tables = {one["RouteTableId"] for one in stack.route_tables if private & {two.get("SubnetId") for two in one["Associations"]}}
    equal(set(endpoint["RouteTableIds"]), tables)


@fact("network: the VPC's main route table leads nowhere and holds no subnet")
def _(stack):
    [main] = [one for one in stack.route_tables if any(association["Main"] for association in one["Associations"])]
    equal([route.get("GatewayId") for route in main["Routes"]], ["local"])
    equal([association.get("SubnetId") for association in main["Associations"]], [None])
