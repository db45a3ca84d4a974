"""EC2 networking of the sandbox, as boto3 sees it: a landing zone goes up, is refused what AWS refuses, and comes down.

Usage: ec2.py ENDPOINT_URL (of a sandbox whose clock runs fast, such as 600).
"""

import sys
import time

import boto3
from botocore.exceptions import ClientError

REGION = "us-west-2"


def refused(code, call, **parameters):
    """The call must fail with exactly this code."""
    try:
        call(**parameters)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, f"{code} expected: {error}"
        return error.response["Error"]["Message"]
    raise AssertionError(f"{code} expected, but {parameters} was accepted")


def until(what, seconds=10):
    """Polls until `what()` is true."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)


def spec(kind, **tags):
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]


def by(name, *values):
    return [{"Name": name, "Values": list(values)}]


def a_fresh_account_has_a_default_vpc(ec2):
    (vpc,) = ec2.describe_vpcs(Filters=by("is-default", "true"))["Vpcs"]
    assert vpc["CidrBlock"] == "172.31.0.0/16" and vpc["State"] == "available"
    mine = by("vpc-id", vpc["VpcId"])
    subnets = ec2.describe_subnets(Filters=mine)["Subnets"]
    assert sorted(it["AvailabilityZone"] for it in subnets) == [f"{REGION}{letter}" for letter in "abcd"]
    assert all(it["DefaultForAz"] and it["MapPublicIpOnLaunch"] and it["AvailableIpAddressCount"] == 4091 for it in subnets)
    (table,) = ec2.describe_route_tables(Filters=mine)["RouteTables"]
    assert table["Associations"][0]["Main"] and [it["State"] for it in table["Routes"]] == ["active", "active"]
    (group,) = ec2.describe_security_groups(Filters=mine)["SecurityGroups"]
    assert group["GroupName"] == "default" and group["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"] == group["GroupId"]
    refused("CannotDelete", ec2.delete_security_group, GroupId=group["GroupId"])
    # In the default VPC a group goes by its name, and revoking what is not there is no error.
    web = ec2.create_security_group(GroupName="web", Description="by name")["GroupId"]
    assert ec2.describe_security_groups(GroupNames=["web"])["SecurityGroups"][0]["GroupId"] == web
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    answer = ec2.revoke_security_group_ingress(GroupName="web", IpPermissions=[rule])
    assert answer["UnknownIpPermissions"][0]["FromPort"] == 22
    ec2.authorize_security_group_ingress(GroupName="web", IpProtocol="tcp", FromPort=80, ToPort=80, CidrIp="0.0.0.0/0")
    ec2.delete_security_group(GroupName="web")
    refused("InvalidGroup.NotFound", ec2.describe_security_groups, GroupNames=["web"])


def zones(ec2):
    zones = ec2.describe_availability_zones(Filters=by("zone-type", "availability-zone") + by("state", "available"))["AvailabilityZones"]
    assert [it["ZoneName"] for it in zones] == [f"{REGION}{letter}" for letter in "abcd"]
    assert zones[0]["ZoneId"] == "usw2-az2" and zones[0]["State"] == "available" and zones[0]["OptInStatus"] == "opt-in-not-required"
    assert len(ec2.describe_availability_zones(ZoneIds=["usw2-az1"])["AvailabilityZones"]) == 1
    refused("InvalidParameterValue", ec2.describe_availability_zones, ZoneNames=["mars-1a"])


def a_vpc(ec2):
    refused("InvalidVpc.Range", ec2.create_vpc, CidrBlock="10.0.0.0/8")
    refused("InvalidParameterValue", ec2.create_vpc, CidrBlock="ten")
    refused("InvalidParameterValue", ec2.create_vpc, CidrBlock="10.0.0.0/16", TagSpecifications=spec("subnet", a="b"))
    refused("InvalidParameterValue", ec2.create_vpc, CidrBlock="10.0.0.0/16", TagSpecifications=spec("vpc", **{"aws:x": "y"}))
    vpc = ec2.create_vpc(CidrBlock="10.0.0.7/16", TagSpecifications=spec("vpc", Name="pulse-dev", node="main"))["Vpc"]
    assert vpc["CidrBlock"] == "10.0.0.0/16" and vpc["State"] == "pending" and {"Key": "node", "Value": "main"} in vpc["Tags"]
    id = vpc["VpcId"]
    ec2.get_waiter("vpc_available").wait(VpcIds=[id], WaiterConfig={"Delay": 1})
    assert len(ec2.describe_vpcs(Filters=by("tag:Name", "pulse-*"))["Vpcs"]) == 1
    assert ec2.describe_vpcs(Filters=by("tag-key", "nothing"))["Vpcs"] == []
    refused("InvalidVpcID.NotFound", ec2.describe_vpcs, VpcIds=[id, "vpc-00000000000000000"])
    refused("InvalidParameterValue", ec2.describe_vpcs, Filters=by("colour", "red"))
    attribute = lambda name: ec2.describe_vpc_attribute(VpcId=id, Attribute=name)[name[0].upper() + name[1:]]["Value"]
    assert attribute("enableDnsSupport") and not attribute("enableDnsHostnames")
    refused("InvalidParameterCombination", ec2.modify_vpc_attribute, VpcId=id, EnableDnsSupport={"Value": True}, EnableDnsHostnames={"Value": True})
    ec2.modify_vpc_attribute(VpcId=id, EnableDnsHostnames={"Value": True})
    assert attribute("enableDnsHostnames")
    refused("InvalidParameterCombination", ec2.modify_vpc_attribute, VpcId=id, EnableDnsSupport={"Value": False})
    refused("InvalidVpcID.NotFound", ec2.delete_vpc, VpcId="vpc-00000000000000000")
    return id


def a_gateway(ec2, vpc):
    gateway = ec2.create_internet_gateway(TagSpecifications=spec("internet-gateway", Name="gw"))["InternetGateway"]["InternetGatewayId"]
    ec2.get_waiter("internet_gateway_exists").wait(InternetGatewayIds=[gateway])
    refused("Gateway.NotAttached", ec2.detach_internet_gateway, InternetGatewayId=gateway, VpcId=vpc)
    refused("InvalidInternetGatewayID.NotFound", ec2.attach_internet_gateway, InternetGatewayId="igw-0", VpcId=vpc)
    refused("InvalidVpcID.NotFound", ec2.attach_internet_gateway, InternetGatewayId=gateway, VpcId="vpc-0")
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    refused("Resource.AlreadyAssociated", ec2.attach_internet_gateway, InternetGatewayId=gateway, VpcId=vpc)
    (found,) = ec2.describe_internet_gateways(Filters=by("attachment.vpc-id", vpc))["InternetGateways"]
    assert found["InternetGatewayId"] == gateway and found["Attachments"] == [{"VpcId": vpc, "State": "available"}]
    other = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    assert "already has" in refused("InvalidParameterValue", ec2.attach_internet_gateway, InternetGatewayId=other, VpcId=vpc)
    ec2.delete_internet_gateway(InternetGatewayId=other)
    refused("DependencyViolation", ec2.delete_internet_gateway, InternetGatewayId=gateway)
    return gateway


def subnets(ec2, vpc):
    new = lambda cidr, zone, **more: ec2.create_subnet(VpcId=vpc, CidrBlock=cidr, AvailabilityZone=zone, **more)["Subnet"]
    public = new("10.0.0.0/24", "us-west-2a", TagSpecifications=spec("subnet", Name="public-a"))
    assert public["State"] == "pending" and public["AvailabilityZoneId"] == "usw2-az2" and public["AvailableIpAddressCount"] == 251
    private = new("10.0.10.9/24", "us-west-2b")
    assert private["CidrBlock"] == "10.0.10.0/24"
    ids = [public["SubnetId"], private["SubnetId"]]
    ec2.get_waiter("subnet_available").wait(SubnetIds=ids, WaiterConfig={"Delay": 1})
    refused("InvalidSubnet.Conflict", ec2.create_subnet, VpcId=vpc, CidrBlock="10.0.0.128/25")
    refused("InvalidSubnet.Range", ec2.create_subnet, VpcId=vpc, CidrBlock="10.1.0.0/24")
    refused("InvalidSubnet.Range", ec2.create_subnet, VpcId=vpc, CidrBlock="10.0.20.0/29")
    refused("InvalidParameterValue", ec2.create_subnet, VpcId=vpc, CidrBlock="10.0.20.0/24", AvailabilityZone="us-west-2x")
    refused("InvalidVpcID.NotFound", ec2.create_subnet, VpcId="vpc-0", CidrBlock="10.0.20.0/24")
    ec2.modify_subnet_attribute(SubnetId=ids[0], MapPublicIpOnLaunch={"Value": True})
    assert [it["SubnetId"] for it in ec2.describe_subnets(Filters=by("vpc-id", vpc) + by("map-public-ip-on-launch", "true"))["Subnets"]] == ids[:1]
    refused("InvalidSubnetID.NotFound", ec2.describe_subnets, SubnetIds=["subnet-0"])
    refused("InvalidSubnetID.NotFound", ec2.modify_subnet_attribute, SubnetId="subnet-0", MapPublicIpOnLaunch={"Value": True})
    refused("InvalidSubnetID.NotFound", ec2.delete_subnet, SubnetId="subnet-0")
    pages = list(ec2.get_paginator("describe_subnets").paginate(PaginationConfig={"PageSize": 5}))
    assert [len(page["Subnets"]) for page in pages] == [5, 1]
    refused("InvalidParameterValue", ec2.describe_subnets, MaxResults=2000)
    return ids


def a_nat_gateway(ec2, vpc, gateway, subnet):
    address = ec2.allocate_address(Domain="vpc", TagSpecifications=spec("elastic-ip", Name="nat"))
    allocation = address["AllocationId"]
    assert ec2.describe_addresses(Filters=by("tag:Name", "nat"))["Addresses"][0]["PublicIp"] == address["PublicIp"]
    refused("InvalidAllocationID.NotFound", ec2.describe_addresses, AllocationIds=["eipalloc-0"])
    refused("InvalidAddress.NotFound", ec2.describe_addresses, PublicIps=["1.2.3.4"])
    refused("InvalidAllocationID.NotFound", ec2.release_address, AllocationId="eipalloc-0")
    refused("InvalidSubnetID.NotFound", ec2.create_nat_gateway, SubnetId="subnet-0", AllocationId=allocation)
    refused("MissingParameter", ec2.create_nat_gateway, SubnetId=subnet)

    new = dict(SubnetId=subnet, AllocationId=allocation, ClientToken="nat-1", TagSpecifications=spec("natgateway", Name="nat"))
    nat = ec2.create_nat_gateway(**new)["NatGateway"]
    assert nat["State"] == "pending" and nat["VpcId"] == vpc
    id = nat["NatGatewayId"]
    assert ec2.create_nat_gateway(**new)["NatGateway"]["NatGatewayId"] == id, "the same token gives the same gateway"
    refused("IdempotentParameterMismatch", ec2.create_nat_gateway, **{**new, "AllocationId": "eipalloc-0"})
    ec2.get_waiter("nat_gateway_available").wait(NatGatewayIds=[id], WaiterConfig={"Delay": 1})
    (nat,) = ec2.describe_nat_gateways(Filters=by("tag:Name", "nat") + by("state", "pending", "available"))["NatGateways"]
    assert nat["NatGatewayAddresses"][0]["PublicIp"] == address["PublicIp"]
    (held,) = ec2.describe_addresses(AllocationIds=[allocation])["Addresses"]
    (interface,) = ec2.describe_network_interfaces(Filters=by("vpc-id", vpc))["NetworkInterfaces"]
    assert interface["InterfaceType"] == "nat_gateway" and interface["Description"] == f"Interface for NAT Gateway {id}"
    assert held["NetworkInterfaceId"] == interface["NetworkInterfaceId"] and interface["PrivateIpAddress"] == "10.0.0.4"
    assert interface["Association"]["PublicIp"] == address["PublicIp"]
    refused("InvalidNetworkInterfaceID.NotFound", ec2.describe_network_interfaces, NetworkInterfaceIds=["eni-0"])
    assert ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["AvailableIpAddressCount"] == 250

    # What cannot work comes up as `failed`, with the reason.
    failing = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=allocation)["NatGateway"]["NatGatewayId"]
    state = lambda it: ec2.describe_nat_gateways(NatGatewayIds=[it])["NatGateways"][0]
    until(lambda: state(failing)["State"] == "failed")
    assert state(failing)["FailureCode"] == "Resource.AlreadyAssociated"
    failing = ec2.create_nat_gateway(SubnetId=subnet, AllocationId="eipalloc-0")["NatGateway"]["NatGatewayId"]
    until(lambda: state(failing).get("FailureCode") == "InvalidAllocationID.NotFound")
    ec2.delete_nat_gateway(NatGatewayId=failing)
    refused("NatGatewayNotFound", ec2.delete_nat_gateway, NatGatewayId="nat-0")
    refused("NatGatewayNotFound", ec2.describe_nat_gateways, NatGatewayIds=["nat-0"])

    # The gateway waits for the address, the subnet for the interface.
    assert "mapped public address" in refused("DependencyViolation", ec2.detach_internet_gateway, InternetGatewayId=gateway, VpcId=vpc)
    refused("DependencyViolation", ec2.delete_subnet, SubnetId=subnet)
    refused("InvalidIPAddress.InUse", ec2.release_address, AllocationId=allocation)
    return id, allocation


def a_nat_gateway_without_a_way_out_fails(ec2):
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/24", AvailabilityZoneId="usw2-az3")["Subnet"]["SubnetId"]
    allocation = ec2.allocate_address()["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=allocation)["NatGateway"]["NatGatewayId"]
    until(lambda: ec2.describe_nat_gateways(NatGatewayIds=[nat])["NatGateways"][0].get("FailureCode") == "Gateway.NotAttached")
    ec2.release_address(AllocationId=allocation)
    ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_vpc(VpcId=vpc)


def routes(ec2, vpc, gateway, nat, public, private):
    new = dict(VpcId=vpc, ClientToken="rtb-1", TagSpecifications=spec("route-table", Name="public"))
    table = ec2.create_route_table(**new)["RouteTable"]["RouteTableId"]
    assert ec2.create_route_table(**new)["RouteTable"]["RouteTableId"] == table
    other = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    refused("InvalidVpcID.NotFound", ec2.create_route_table, VpcId="vpc-0")
    everywhere = dict(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
    refused("InvalidGatewayID.NotFound", ec2.create_route, **everywhere, GatewayId="igw-0")
    refused("InvalidNatGatewayID.NotFound", ec2.create_route, **everywhere, NatGatewayId="nat-0")
    refused("InvalidParameterValue", ec2.replace_route, **everywhere, GatewayId=gateway)
    refused("InvalidRoute.NotFound", ec2.delete_route, **everywhere)
    ec2.create_route(**everywhere, GatewayId=gateway)
    refused("RouteAlreadyExists", ec2.create_route, **everywhere, NatGatewayId=nat)
    ec2.replace_route(**everywhere, NatGatewayId=nat)
    ec2.replace_route(**everywhere, GatewayId=gateway)
    ec2.create_route(RouteTableId=other, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
    refused("InvalidParameterValue", ec2.delete_route, RouteTableId=table, DestinationCidrBlock="10.0.0.0/16")
    refused("InvalidRouteTableID.NotFound", ec2.create_route, RouteTableId="rtb-0", DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    stranger = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    assert "different networks" in refused("InvalidParameterValue", ec2.replace_route, **everywhere, GatewayId=stranger)
    ec2.delete_internet_gateway(InternetGatewayId=stranger)

    first = ec2.associate_route_table(RouteTableId=table, SubnetId=public)
    assert first["AssociationState"]["State"] == "associated"
    refused("Resource.AlreadyAssociated", ec2.associate_route_table, RouteTableId=other, SubnetId=public)
    ec2.associate_route_table(RouteTableId=other, SubnetId=private)
    moved = ec2.replace_route_table_association(AssociationId=first["AssociationId"], RouteTableId=other)["NewAssociationId"]
    refused("InvalidAssociationID.NotFound", ec2.disassociate_route_table, AssociationId=first["AssociationId"])
    ec2.disassociate_route_table(AssociationId=moved)
    ec2.associate_route_table(RouteTableId=table, SubnetId=public)
    (found,) = ec2.describe_route_tables(Filters=by("association.subnet-id", public))["RouteTables"]
    assert found["RouteTableId"] == table
    assert {it.get("GatewayId"): it["State"] for it in found["Routes"]} == {"local": "active", gateway: "active"}
    refused("DependencyViolation", ec2.delete_route_table, RouteTableId=table)
    (main,) = ec2.describe_route_tables(Filters=by("vpc-id", vpc) + by("association.main", "true"))["RouteTables"]
    refused("DependencyViolation", ec2.delete_route_table, RouteTableId=main["RouteTableId"])
    refused("InvalidParameterValue", ec2.disassociate_route_table, AssociationId=main["Associations"][0]["RouteTableAssociationId"])
    refused("InvalidRouteTableID.NotFound", ec2.describe_route_tables, RouteTableIds=["rtb-0"])
    return table, other


def prefix_lists(ec2):
    name = "com.amazonaws.global.cloudfront.origin-facing"
    (cloudfront,) = ec2.describe_managed_prefix_lists(Filters=by("prefix-list-name", name))["PrefixLists"]
    assert cloudfront["OwnerId"] == "AWS"
    (s3,) = ec2.describe_prefix_lists(Filters=by("prefix-list-name", f"com.amazonaws.{REGION}.s3"))["PrefixLists"]
    refused("InvalidPrefixListID.NotFound", ec2.describe_prefix_lists, PrefixListIds=["pl-0"])
    return cloudfront["PrefixListId"], s3["PrefixListId"]


def an_s3_endpoint(ec2, vpc, table, other, s3):
    service = f"com.amazonaws.{REGION}.s3"
    new = dict(VpcId=vpc, ServiceName=service, RouteTableIds=[table], ClientToken="s3-1", TagSpecifications=spec("vpc-endpoint", Name="s3"))
    refused("InvalidServiceName", ec2.create_vpc_endpoint, VpcId=vpc, ServiceName="com.amazonaws.mars.s3")
    endpoint = ec2.create_vpc_endpoint(**new)["VpcEndpoint"]
    assert endpoint["State"] == "pending" and endpoint["RouteTableIds"] == [table]
    id = endpoint["VpcEndpointId"]
    assert ec2.create_vpc_endpoint(**new)["VpcEndpoint"]["VpcEndpointId"] == id
    refused("RouteAlreadyExists", ec2.create_vpc_endpoint, VpcId=vpc, ServiceName=service, RouteTableIds=[table])
    refused("InvalidRouteTableId.NotFound", ec2.modify_vpc_endpoint, VpcEndpointId=id, AddRouteTableIds=["rtb-0"])
    found = lambda: ec2.describe_vpc_endpoints(Filters=by("service-name", service) + by("vpc-id", vpc))["VpcEndpoints"]
    until(lambda: found()[0]["State"] == "available")
    ec2.modify_vpc_endpoint(VpcEndpointId=id, AddRouteTableIds=[other], PolicyDocument='{"Statement":[]}')
    assert found()[0]["RouteTableIds"] == [table, other] and found()[0]["PolicyDocument"] == '{"Statement":[]}'
    ec2.modify_vpc_endpoint(VpcEndpointId=id, RemoveRouteTableIds=[other], ResetPolicy=True)
    (with_route,) = ec2.describe_route_tables(Filters=by("route.destination-prefix-list-id", s3))["RouteTables"]
    assert with_route["RouteTableId"] == table
    refused("InvalidParameterValue", ec2.delete_route, RouteTableId=table, DestinationPrefixListId=s3)
    refused("InvalidVpcEndpointId.NotFound", ec2.describe_vpc_endpoints, VpcEndpointIds=["vpce-0"])
    return id


def groups(ec2, vpc, cloudfront):
    new = lambda name, **more: ec2.create_security_group(VpcId=vpc, GroupName=name, Description="of the story", **more)
    alb = new("pulse-alb", TagSpecifications=spec("security-group", Name="alb"))["GroupId"]
    ec2.get_waiter("security_group_exists").wait(GroupIds=[alb])
    create = ec2.create_security_group
    refused("InvalidGroup.Duplicate", create, VpcId=vpc, GroupName="PULSE-alb", Description="x")
    refused("InvalidParameterValue", create, VpcId=vpc, GroupName="default", Description="x")
    refused("InvalidParameterValue", create, VpcId=vpc, GroupName="sg-mine", Description="x")
    refused("InvalidParameterValue", create, VpcId=vpc, GroupName="dash", Description="a – b")
    refused("InvalidVpcID.NotFound", create, VpcId="vpc-0", GroupName="x", Description="x")
    (group,) = ec2.describe_security_groups(Filters=by("vpc-id", vpc) + by("group-name", "pulse-*"))["SecurityGroups"]
    assert group["IpPermissions"] == [] and group["IpPermissionsEgress"][0]["IpRanges"] == [{"CidrIp": "0.0.0.0/0"}]
    refused("InvalidGroup.NotFound", ec2.describe_security_groups, GroupIds=["sg-00000000000000000"])
    refused("InvalidGroupId.Malformed", ec2.describe_security_groups, GroupIds=["alb"])

    permission = lambda port, **source: {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **source}
    web = permission(80, IpRanges=[{"CidrIp": "0.0.0.0/0", "Description": "all"}], Ipv6Ranges=[{"CidrIpv6": "::/0"}])
    allow, deny = ec2.authorize_security_group_ingress, ec2.revoke_security_group_ingress
    made = allow(GroupId=alb, IpPermissions=[web], TagSpecifications=spec("security-group-rule", Name="web"))["SecurityGroupRules"]
    assert {it.get("CidrIpv4") or it["CidrIpv6"] for it in made} == {"0.0.0.0/0", "::/0"} and made[0]["Tags"]
    refused("InvalidPermission.Duplicate", allow, GroupId=alb, IpPermissions=[permission(443, IpRanges=[{"CidrIp": "0.0.0.0/0"}]), web])
    assert len(ec2.describe_security_group_rules(Filters=by("group-id", alb))["SecurityGroupRules"]) == 3, "nothing of it was done"
    allow(GroupId=alb, IpPermissions=[permission(443, PrefixListIds=[{"PrefixListId": cloudfront}])])
    refused("InvalidPrefixListID.NotFound", allow, GroupId=alb, IpPermissions=[permission(444, PrefixListIds=[{"PrefixListId": "pl-0"}])])
    refused("InvalidParameterValue", allow, GroupId=alb, IpPermissions=[{"IpProtocol": "tcp", "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}])
    refused("InvalidParameterValue", allow, GroupId=alb, IpPermissions=[permission(1, IpRanges=[{"CidrIp": "ten"}])])
    refused("InvalidGroup.NotFound", allow, GroupId="sg-00000000000000000", IpPermissions=[web])

    api = new("pulse-api")["GroupId"]
    from_alb = permission(8080, UserIdGroupPairs=[{"GroupId": alb}])
    rule = allow(GroupId=api, IpPermissions=[from_alb])["SecurityGroupRules"][0]
    assert rule["ReferencedGroupInfo"]["GroupId"] == alb
    refused("InvalidGroup.NotFound", allow, GroupId=api, IpPermissions=[permission(1, UserIdGroupPairs=[{"GroupId": "sg-00000000000000000"}])])
    assert "dependent object" in refused("DependencyViolation", ec2.delete_security_group, GroupId=alb)

    # Protocol -1 has no ports; the default way out can be taken away.
    everything = {"IpProtocol": "-1", "FromPort": 0, "ToPort": 0, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    revoked = ec2.revoke_security_group_egress(GroupId=api, IpPermissions=[everything])["RevokedSecurityGroupRules"]
    assert revoked[0]["FromPort"] == -1 and revoked[0]["IsEgress"]
    refused("InvalidPermission.NotFound", ec2.revoke_security_group_egress, GroupId=api, IpPermissions=[everything])
    ec2.authorize_security_group_egress(GroupId=api, IpPermissions=[everything])
    ec2.update_security_group_rule_descriptions_egress(GroupId=api, IpPermissions=[{**everything, "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "out"}]}])

    id = rule["SecurityGroupRuleId"]
    read = lambda: ec2.describe_security_group_rules(SecurityGroupRuleIds=[id])["SecurityGroupRules"][0]
    change = {"IpProtocol": "tcp", "FromPort": 8081, "ToPort": 8081, "ReferencedGroupId": alb, "Description": "moved"}
    ec2.modify_security_group_rules(GroupId=api, SecurityGroupRules=[{"SecurityGroupRuleId": id, "SecurityGroupRule": change}])
    assert read()["FromPort"] == 8081 and read()["Description"] == "moved"
    other_kind = {"IpProtocol": "tcp", "FromPort": 8081, "ToPort": 8081, "CidrIpv4": "10.0.0.0/8"}
    refused("InvalidParameterValue", ec2.modify_security_group_rules, GroupId=api, SecurityGroupRules=[{"SecurityGroupRuleId": id, "SecurityGroupRule": other_kind}])
    ec2.update_security_group_rule_descriptions_ingress(GroupId=api, SecurityGroupRuleDescriptions=[{"SecurityGroupRuleId": id, "Description": "again"}])
    assert read()["Description"] == "again"
    refused("InvalidSecurityGroupRuleId.NotFound", deny, GroupId=api, SecurityGroupRuleIds=["sgr-0"])
    deny(GroupId=alb, SecurityGroupRuleIds=[it["SecurityGroupRuleId"] for it in made])
    refused("InvalidPermission.NotFound", deny, GroupId=alb, IpPermissions=[web])
    return alb, api, id


def tags(ec2, vpc, group):
    ec2.create_tags(Resources=[vpc, group], Tags=[{"Key": "stage", "Value": "dev"}])
    tags = ec2.describe_tags(Filters=by("key", "stage"))["Tags"]
    assert sorted((it["ResourceType"], it["ResourceId"]) for it in tags) == [("security-group", group), ("vpc", vpc)]
    assert len(ec2.describe_tags(Filters=by("resource-id", vpc))["Tags"]) == 3
    ec2.delete_tags(Resources=[vpc], Tags=[{"Key": "stage", "Value": "prod"}])
    assert len(ec2.describe_tags(Filters=by("tag:stage", "dev"))["Tags"]) == 2, "another value, so it stays"
    ec2.delete_tags(Resources=[vpc, group], Tags=[{"Key": "stage"}])
    assert ec2.describe_tags(Filters=by("key", "stage"))["Tags"] == []
    refused("InvalidVpcID.NotFound", ec2.create_tags, Resources=[group, "vpc-0"], Tags=[{"Key": "half", "Value": "done"}])
    assert ec2.describe_tags(Filters=by("key", "half"))["Tags"] == []
    refused("InvalidID", ec2.create_tags, Resources=["thing-1"], Tags=[{"Key": "a", "Value": "b"}])
    many = [{"Key": f"k{number}", "Value": ""} for number in range(51)]
    refused("TagLimitExceeded", ec2.create_tags, Resources=[vpc], Tags=many)


def main(url):
    ec2 = boto3.client("ec2", endpoint_url=url, region_name=REGION)
    existing = lambda: (len(ec2.describe_vpcs()["Vpcs"]), len(ec2.describe_tags()["Tags"]), len(ec2.describe_addresses()["Addresses"]))
    a_fresh_account_has_a_default_vpc(ec2)
    before = existing()
    zones(ec2)
    vpc = a_vpc(ec2)
    gateway = a_gateway(ec2, vpc)
    public, private = subnets(ec2, vpc)
    nat, allocation = a_nat_gateway(ec2, vpc, gateway, public)
    a_nat_gateway_without_a_way_out_fails(ec2)
    table, other = routes(ec2, vpc, gateway, nat, public, private)
    cloudfront, s3 = prefix_lists(ec2)
    endpoint = an_s3_endpoint(ec2, vpc, table, other, s3)
    alb, api, rule = groups(ec2, vpc, cloudfront)
    tags(ec2, vpc, alb)

    # And down again: everything waits for what uses it.
    refused("DependencyViolation", ec2.delete_vpc, VpcId=vpc)
    answer = ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint, "vpce-0"])
    assert [it["Error"]["Code"] for it in answer["Unsuccessful"]] == ["InvalidVpcEndpoint.NotFound"]
    ec2.delete_nat_gateway(NatGatewayId=nat)
    refused("InvalidIPAddress.InUse", ec2.release_address, AllocationId=allocation)
    refused("DependencyViolation", ec2.detach_internet_gateway, InternetGatewayId=gateway, VpcId=vpc)
    ec2.get_waiter("nat_gateway_deleted").wait(NatGatewayIds=[nat], WaiterConfig={"Delay": 1})
    assert ec2.describe_nat_gateways(NatGatewayIds=[nat])["NatGateways"][0]["State"] == "deleted", "a ghost for an hour"
    assert ec2.describe_network_interfaces(Filters=by("vpc-id", vpc))["NetworkInterfaces"] == []
    (hole,) = ec2.describe_route_tables(Filters=by("route.state", "blackhole"))["RouteTables"]
    assert hole["RouteTableId"] == other
    ec2.release_address(AllocationId=allocation)
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.delete_internet_gateway(InternetGatewayId=gateway)
    ec2.revoke_security_group_ingress(GroupId=api, SecurityGroupRuleIds=[rule])
    ec2.delete_security_group(GroupId=alb)
    ec2.delete_security_group(GroupId=api)
    ec2.delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")
    ec2.delete_subnet(SubnetId=public)
    ec2.delete_subnet(SubnetId=private)
    ec2.delete_route_table(RouteTableId=table)
    ec2.delete_route_table(RouteTableId=other)
    until(lambda: ec2.describe_vpc_endpoints(Filters=by("vpc-id", vpc))["VpcEndpoints"] == [])
    ec2.delete_vpc(VpcId=vpc)
    until(lambda: ec2.describe_nat_gateways()["NatGateways"] == [])
    assert existing() == before
    print("ec2: ok")


if __name__ == "__main__":
    main(sys.argv[1])
