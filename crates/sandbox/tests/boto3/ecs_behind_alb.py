"""A service behind a load balancer by boto3: no listener, no service; its tasks become targets and drain on the way out."""
import json, sys
import boto3
from ecs import FAST, refused, until


def main(url):
    ec2, elb, ecs, iam = (boto3.client(name, endpoint_url=url) for name in ("ec2", "elbv2", "ecs", "iam"))
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.1.{n}.0/24", AvailabilityZone=f"us-west-2{z}")["Subnet"]["SubnetId"] for n, z in enumerate("ab")]
    group = elb.create_target_group(Name="web", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip")["TargetGroups"][0]["TargetGroupArn"]
    elb.modify_target_group_attributes(TargetGroupArn=group, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "30"}])

    ecs.create_cluster(clusterName="lb")
    until(lambda: ecs.describe_clusters(clusters=["lb"])["clusters"][0]["status"] == "ACTIVE")
    web = {"name": "web", "image": "public/web:1", "portMappings": [{"containerPort": 8080}]}
    ecs.register_task_definition(family="lb", requiresCompatibilities=["FARGATE"], networkMode="awsvpc", cpu="256", memory="512", containerDefinitions=[web])
    want = dict(cluster="lb", serviceName="web", taskDefinition="lb", desiredCount=2, launchType="FARGATE", networkConfiguration={"awsvpcConfiguration": {"subnets": subnets}},
                loadBalancers=[{"targetGroupArn": group, "containerName": "web", "containerPort": 8080}])
    assert "does not have an associated load balancer" in refused("InvalidParameterException", ecs.create_service, **want)
    balancer = elb.create_load_balancer(Name="web", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    elb.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=[{"Type": "forward", "TargetGroupArn": group}])
    ecs.create_service(**want)
    ecs.get_waiter("services_stable").wait(cluster="lb", services=["web"], WaiterConfig=FAST)
    service = lambda: ecs.describe_services(cluster="lb", services=["web"])["services"][0]
    until(lambda: service()["deployments"][0]["rolloutState"] == "COMPLETED")
    health = lambda: elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    assert sorted(t["Target"]["Port"] for t in health()) == [8080, 8080]
    until(lambda: all(t["TargetHealth"]["State"] == "healthy" for t in health()))
    ecs.delete_service(cluster="lb", service="web", force=True)
    assert all(t["TargetHealth"]["State"] == "draining" for t in health())
    ecs.get_waiter("services_inactive").wait(cluster="lb", services=["web"], WaiterConfig=FAST)
    until(lambda: not health())
    ecs.deregister_task_definition(taskDefinition="lb:1")
    ecs.delete_cluster(cluster="lb")


if __name__ == "__main__":
    main(sys.argv[1])
    print("ecs behind alb: ok")
