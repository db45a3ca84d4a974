//! Plants of EC2, IAM and what has to do with load balancers.

use aws_sdk_ec2::types::{IpPermission, IpRange, ResourceType, TagSpecification, VpcEndpointType};
use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, FixedResponseActionConfig, LoadBalancerSchemeEnum, ProtocolEnum, RuleCondition, TargetTypeEnum,
};

use super::console::{Console, Mark, Plant, Way, never, stands, tags};

const NAMELESS: &[&str] = &[
    "ec2.vpc",
    "ec2.internet-gateway",
    "ec2.subnet",
    "ec2.elastic-ip",
    "ec2.nat-gateway",
    "ec2.route-table",
    "ec2.security-group",
    "ec2.security-group-rule",
    "ec2.vpc-endpoint",
];

pub(super) async fn ec2(at: &Console, mark: &Mark<'_>) -> Vec<Plant> {
    if mark.way == Way::Name {
        return never(NAMELESS, "a name in EC2 is a tag, and a group's is anybody's: it is unique in its VPC only");
    }
    let born = |kind: &str, resource: ResourceType| {
        TagSpecification::builder().resource_type(resource).set_tags(tags!(aws_sdk_ec2, mark, kind)).build()
    };
    let (home, [subnet, _]) = at.default_network().await;
    let (kind, resource) = ("ec2.vpc", ResourceType::Vpc);
    let vpc = at.ec2.create_vpc().cidr_block("10.99.0.0/16").tag_specifications(born(kind, resource)).send().await.unwrap();
    let mut plants = vec![stands(kind, vpc.vpc().unwrap().vpc_id().unwrap())];

    let (kind, resource) = ("ec2.internet-gateway", ResourceType::InternetGateway);
    let made = at.ec2.create_internet_gateway().tag_specifications(born(kind, resource)).send().await.unwrap();
    plants.push(stands(kind, made.internet_gateway().unwrap().internet_gateway_id().unwrap()));

    let (kind, resource) = ("ec2.subnet", ResourceType::Subnet);
    let make = at.ec2.create_subnet().vpc_id(&home).cidr_block("172.31.240.0/24");
    let made = make.tag_specifications(born(kind, resource)).send().await.unwrap();
    plants.push(stands(kind, made.subnet().unwrap().subnet_id().unwrap()));

    let (kind, resource) = ("ec2.elastic-ip", ResourceType::ElasticIp);
    let made = at.ec2.allocate_address().tag_specifications(born(kind, resource)).send().await.unwrap();
    plants.push(stands(kind, made.allocation_id().unwrap()));

    let (kind, resource) = ("ec2.nat-gateway", ResourceType::Natgateway);
    let address = at.ec2.allocate_address().send().await.unwrap();
    let make = at.ec2.create_nat_gateway().subnet_id(&subnet).allocation_id(address.allocation_id().unwrap());
    let made = make.tag_specifications(born(kind, resource)).send().await.unwrap();
    plants.push(stands(kind, made.nat_gateway().unwrap().nat_gateway_id().unwrap()));

    let (kind, resource) = ("ec2.route-table", ResourceType::RouteTable);
    let made = at.ec2.create_route_table().vpc_id(&home).tag_specifications(born(kind, resource)).send().await.unwrap();
    plants.push(stands(kind, made.route_table().unwrap().route_table_id().unwrap()));

    let (kind, resource) = ("ec2.security-group", ResourceType::SecurityGroup);
    let make = at.ec2.create_security_group().vpc_id(&home).group_name(mark.name(kind)).description("planted");
    let made = make.tag_specifications(born(kind, resource)).send().await.unwrap();
    plants.push(stands(kind, made.group_id().unwrap()));

    let (kind, resource) = ("ec2.security-group-rule", ResourceType::SecurityGroupRule);
    let stranger = at.ec2.create_security_group().vpc_id(&home).group_name("strangers").description("of a stranger");
    let stranger = stranger.send().await.unwrap();
    let open = IpPermission::builder().ip_protocol("tcp").from_port(443).to_port(443);
    let open = open.ip_ranges(IpRange::builder().cidr_ip("0.0.0.0/0").build()).build();
    let make = at.ec2.authorize_security_group_ingress().group_id(stranger.group_id().unwrap()).ip_permissions(open);
    let made = make.tag_specifications(born(kind, resource)).send().await.unwrap();
    plants.push(stands(kind, made.security_group_rules()[0].security_group_rule_id().unwrap()));

    let (kind, resource) = ("ec2.vpc-endpoint", ResourceType::VpcEndpoint);
    let make = at.ec2.create_vpc_endpoint().vpc_id(&home).vpc_endpoint_type(VpcEndpointType::Gateway);
    let make = make.service_name("com.amazonaws.us-west-2.s3").tag_specifications(born(kind, resource));
    let made = make.send().await.unwrap();
    plants.push(stands(kind, made.vpc_endpoint().unwrap().vpc_endpoint_id().unwrap()));
    plants
}

pub(super) async fn elbv2(at: &Console, mark: &Mark<'_>) -> Vec<Plant> {
    let (vpc, subnets) = at.default_network().await;
    let balancer = |name: String| {
        let make = at.elbv2.create_load_balancer().name(name).scheme(LoadBalancerSchemeEnum::Internal);
        make.set_subnets(Some(subnets.to_vec()))
    };
    let kind = "elbv2.load-balancer";
    let make = balancer(mark.name(kind)).set_tags(tags!(aws_sdk_elasticloadbalancingv2, mark, kind));
    let mut plants = vec![stands(kind, make.send().await.unwrap().load_balancers()[0].load_balancer_arn().unwrap())];

    let kind = "elbv2.target-group";
    let make = at.elbv2.create_target_group().name(mark.name(kind)).vpc_id(&vpc).protocol(ProtocolEnum::Http).port(80);
    let make = make.target_type(TargetTypeEnum::Ip).set_tags(tags!(aws_sdk_elasticloadbalancingv2, mark, kind));
    plants.push(stands(kind, make.send().await.unwrap().target_groups()[0].target_group_arn().unwrap()));

    let nameless = &["elbv2.listener", "elbv2.rule"];
    if mark.way == Way::Name {
        plants.extend(never(nameless, "it has no name, and lives and dies with its load balancer"));
        return plants;
    }
    let stranger = balancer("strangers".to_owned()).send().await.unwrap();
    let not_found = FixedResponseActionConfig::builder().status_code("404").build();
    let not_found = Action::builder().r#type(ActionTypeEnum::FixedResponse).fixed_response_config(not_found).build();
    let listen = |port| {
        let stranger = stranger.load_balancers()[0].load_balancer_arn().unwrap();
        let listen = at.elbv2.create_listener().load_balancer_arn(stranger).protocol(ProtocolEnum::Http).port(port);
        listen.default_actions(not_found.clone())
    };
    let kind = "elbv2.listener";
    let made = listen(80).set_tags(tags!(aws_sdk_elasticloadbalancingv2, mark, kind)).send().await.unwrap();
    plants.push(stands(kind, made.listeners()[0].listener_arn().unwrap()));

    let kind = "elbv2.rule";
    let stranger = listen(81).send().await.unwrap();
    let paths = RuleCondition::builder().field("path-pattern").values("/planted/*").build();
    let make = at.elbv2.create_rule().listener_arn(stranger.listeners()[0].listener_arn().unwrap()).priority(7);
    let make = make.conditions(paths).actions(not_found).set_tags(tags!(aws_sdk_elasticloadbalancingv2, mark, kind));
    plants.push(stands(kind, make.send().await.unwrap().rules()[0].rule_arn().unwrap()));
    plants
}
