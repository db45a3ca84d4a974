"""Traffic from the internet: load balancers of both kinds, target groups, listeners, rules."""
import re

from _aws import client, network, refused, until


def main():
    elb = client("elbv2")
    vpc, subnets, group = network()
    two = subnets[:2]

    # Load balancer
    make = lambda **more: elb.create_load_balancer(**dict(dict(Name="pulse-dev", Subnets=two, SecurityGroups=[group], Tags=[{"Key": "a", "Value": "1"}]), **more))["LoadBalancers"][0]
    refused("ValidationError", make, Name="under_score")
    refused("ValidationError", make, Name="internal-x")
    refused("ValidationError", make, Subnets=two[:1])
    refused("InvalidConfigurationRequest", make, Subnets=[subnets[0], subnets[2]])
    refused("SubnetNotFound", make, Subnets=[subnets[0], "nobody"])
    refused("InvalidSecurityGroup", make, SecurityGroups=["nobody"])
    refused("DuplicateTagKeys", make, Tags=[{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}])
    alb = make()
    arn = alb["LoadBalancerArn"]
    assert alb["State"]["Code"] == "provisioning" and re.fullmatch(r"pulse-dev-\d+\.us-west-2\.elb\.amazonaws\.com", alb["DNSName"]), alb
    assert make()["LoadBalancerArn"] == arn
    refused("DuplicateLoadBalancerName", make, Scheme="internal")
    refused("LoadBalancerNotFound", elb.describe_load_balancers, Names=["nobody"])
    refused("LoadBalancerNotFound", elb.describe_load_balancers, LoadBalancerArns=[arn + "0"])
    elb.get_waiter("load_balancer_available").wait(Names=["pulse-dev"], WaiterConfig={"Delay": 1})
    live = elb.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"][0]
    assert live["State"]["Code"] == "active" and live["SecurityGroups"] == [group] and live["VpcId"] == vpc
    assert {z["SubnetId"] for z in live["AvailabilityZones"]} == set(two)
    attributes = lambda: {a["Key"]: a["Value"] for a in elb.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]}
    assert attributes()["idle_timeout.timeout_seconds"] == "60"
    set_attribute = lambda key, value: elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=[{"Key": key, "Value": value}])
    set_attribute("idle_timeout.timeout_seconds", "120")
    set_attribute("deletion_protection.enabled", "true")
    refused("ValidationError", set_attribute, key="idle_timeout.timeout_seconds", value="5000")
    refused("ValidationError", set_attribute, key="no.such.key", value="1")
    assert attributes()["idle_timeout.timeout_seconds"] == "120"
    elb.set_subnets(LoadBalancerArn=arn, Subnets=[subnets[1], subnets[2]])
    elb.set_subnets(LoadBalancerArn=arn, SubnetMappings=[{"SubnetId": s} for s in two])
    assert elb.set_security_groups(LoadBalancerArn=arn, SecurityGroups=[group])["SecurityGroupIds"] == [group]
    assert elb.set_ip_address_type(LoadBalancerArn=arn, IpAddressType="ipv4")["IpAddressType"] == "ipv4"

    # Target groups
    target = lambda **more: elb.create_target_group(**dict(dict(Name="api", Protocol="HTTP", Port=8080, VpcId=vpc, TargetType="ip", HealthCheckPath="/health"), **more))["TargetGroups"][0]
    api = target()
    assert api["HealthCheckPath"] == "/health" and api["Matcher"] == {"HttpCode": "200"} and api["HealthyThresholdCount"] == 5 and api["ProtocolVersion"] == "HTTP1"
    assert target()["TargetGroupArn"] == api["TargetGroupArn"]
    refused("DuplicateTargetGroupName", target, Port=8081)
    refused("ValidationError", target, Name="x", HealthCheckIntervalSeconds=4)
    refused("ValidationError", target, Name="x", VpcId="nobody")
    web = target(Name="web")
    tcp = elb.create_target_group(Name="mqtt", Protocol="TCP", Port=1883, VpcId=vpc, TargetType="ip")["TargetGroups"][0]
    assert tcp["HealthCheckProtocol"] == "TCP" and "HealthCheckPath" not in tcp
    g = api["TargetGroupArn"]
    elb.modify_target_group(TargetGroupArn=g, HealthyThresholdCount=2, HealthCheckIntervalSeconds=10, Matcher={"HttpCode": "200-299"})
    elb.modify_target_group_attributes(TargetGroupArn=g, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "30"}])
    assert {"Key": "deregistration_delay.timeout_seconds", "Value": "30"} in elb.describe_target_group_attributes(TargetGroupArn=g)["Attributes"]
    seen = elb.describe_target_groups(Names=["api"])["TargetGroups"][0]
    assert seen["HealthyThresholdCount"] == 2 and seen["Matcher"]["HttpCode"] == "200-299" and seen["LoadBalancerArns"] == []
    refused("TargetGroupNotFound", elb.describe_target_groups, Names=["nobody"])
    elb.register_targets(TargetGroupArn=g, Targets=[{"Id": "10.0.0.5", "Port": 8080}])
    health = lambda: [t["TargetHealth"]["State"] for t in elb.describe_target_health(TargetGroupArn=g)["TargetHealthDescriptions"]]
    assert health() == ["unused"]
    refused("ValidationError", elb.register_targets, TargetGroupArn=g, Targets=[{"Id": "nobody"}])

    # Listeners
    fixed = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]
    forward = lambda to: [{"Type": "forward", "TargetGroupArn": to["TargetGroupArn"]}]
    listen = lambda **more: elb.create_listener(**dict(dict(LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=fixed), **more))["Listeners"][0]
    http = listen()
    l = http["ListenerArn"]
    assert listen()["ListenerArn"] == l
    refused("DuplicateListener", listen, DefaultActions=forward(api))
    refused("ValidationError", listen, Port=443, Protocol="HTTPS")
    refused("ValidationError", listen, Port=81, Protocol="TCP")
    refused("TargetGroupNotFound", listen, Port=81, DefaultActions=[{"Type": "forward", "TargetGroupArn": g + "0"}])
    refused("IncompatibleProtocols", listen, Port=81, DefaultActions=forward(tcp))
    refused("LoadBalancerNotFound", listen, LoadBalancerArn=arn + "0")
    elb.modify_listener(ListenerArn=l, DefaultActions=forward(web))
    default = elb.describe_listeners(LoadBalancerArn=arn)["Listeners"][0]["DefaultActions"][0]
    assert default["TargetGroupArn"] == web["TargetGroupArn"] and default["ForwardConfig"]["TargetGroups"][0]["Weight"] == 1
    refused("ListenerNotFound", elb.describe_listeners, ListenerArns=[l + "0"])
    refused("ResourceInUse", elb.delete_target_group, TargetGroupArn=web["TargetGroupArn"])

    # Rules
    path = lambda *values: [{"Field": "path-pattern", "PathPatternConfig": {"Values": list(values)}}]
    rule = lambda **more: elb.create_rule(**dict(dict(ListenerArn=l, Priority=10, Conditions=path("/api", "/api/*"), Actions=forward(api)), **more))["Rules"][0]
    first = rule(Tags=[{"Key": "landing:node", "Value": "rule.api"}])
    assert first["Priority"] == "10" and first["Conditions"][0]["Values"] == ["/api", "/api/*"], first
    refused("PriorityInUse", rule)
    refused("ValidationError", rule, Priority=0)
    refused("ValidationError", rule, Priority=11, Conditions=path(*(f"/{i}" for i in range(6))))
    refused("ValidationError", rule, Priority=11, Conditions=[{"Field": "nonsense", "Values": ["x"]}])
    second = rule(Priority=20, Conditions=[{"Field": "host-header", "Values": ["pulse.example"]}], Actions=fixed)
    rules = lambda: elb.describe_rules(ListenerArn=l)["Rules"]
    assert [r["Priority"] for r in rules()] == ["10", "20", "default"]
    refused("PriorityInUse", elb.set_rule_priorities, RulePriorities=[{"RuleArn": first["RuleArn"], "Priority": 20}])
    elb.set_rule_priorities(RulePriorities=[{"RuleArn": first["RuleArn"], "Priority": 20}, {"RuleArn": second["RuleArn"], "Priority": 10}])
    assert [r["RuleArn"] for r in rules()][:2] == [second["RuleArn"], first["RuleArn"]]
    elb.modify_rule(RuleArn=second["RuleArn"], Conditions=path("/other"))
    standing = rules()[2]["RuleArn"]
    refused("OperationNotPermitted", elb.delete_rule, RuleArn=standing)
    refused("OperationNotPermitted", elb.modify_rule, RuleArn=standing, Actions=fixed)
    refused("RuleNotFound", elb.delete_rule, RuleArn=first["RuleArn"] + "0")
    refused("ResourceInUse", elb.delete_target_group, TargetGroupArn=g)
    assert health()[0] in ("initial", "healthy")
    until(lambda: health() == ["healthy"])
    elb.deregister_targets(TargetGroupArn=g, Targets=[{"Id": "10.0.0.5"}])
    assert health() == ["draining"]
    until(lambda: health() == [])

    # Tags of all four
    for thing in (arn, g, l, first["RuleArn"]):
        elb.add_tags(ResourceArns=[thing], Tags=[{"Key": "b", "Value": "2"}, {"Key": "c", "Value": "3"}])
        elb.remove_tags(ResourceArns=[thing], TagKeys=["c"])
        assert {"Key": "b", "Value": "2"} in elb.describe_tags(ResourceArns=[thing])["TagDescriptions"][0]["Tags"]
    refused("LoadBalancerNotFound", elb.describe_tags, ResourceArns=[arn, arn + "0"])

    # Network load balancer
    nlb = elb.create_load_balancer(Name="pulse-mqtt", Type="network", SubnetMappings=[{"SubnetId": s} for s in two], SecurityGroups=[group])["LoadBalancers"][0]
    n = nlb["LoadBalancerArn"]
    assert nlb["Type"] == "network" and nlb["DNSName"].endswith(".elb.us-west-2.amazonaws.com") and nlb["SecurityGroups"] == [group]
    mqtt = listen(LoadBalancerArn=n, Protocol="TCP", Port=1883, DefaultActions=forward(tcp))
    refused("InvalidLoadBalancerAction", listen, LoadBalancerArn=n, Protocol="TCP", Port=1884)
    refused("IncompatibleProtocols", listen, LoadBalancerArn=n, Protocol="TCP", Port=1884, DefaultActions=forward(web))
    refused("ValidationError", rule, ListenerArn=mqtt["ListenerArn"])
    elb.delete_listener(ListenerArn=mqtt["ListenerArn"])
    refused("ListenerNotFound", elb.delete_listener, ListenerArn=mqtt["ListenerArn"])
    elb.delete_load_balancer(LoadBalancerArn=n)

    # The end
    elb.delete_rule(RuleArn=second["RuleArn"])
    refused("OperationNotPermitted", elb.delete_load_balancer, LoadBalancerArn=arn)
    set_attribute("deletion_protection.enabled", "false")
    elb.delete_load_balancer(LoadBalancerArn=arn)
    elb.get_waiter("load_balancers_deleted").wait(LoadBalancerArns=[arn, n], WaiterConfig={"Delay": 1})
    elb.delete_load_balancer(LoadBalancerArn=arn)
    for t in (api, web, tcp):
        elb.delete_target_group(TargetGroupArn=t["TargetGroupArn"])
        elb.delete_target_group(TargetGroupArn=t["TargetGroupArn"])
    assert elb.describe_target_groups()["TargetGroups"] == []


if __name__ == "__main__":
    main()
