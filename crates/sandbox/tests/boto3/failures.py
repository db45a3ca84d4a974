"""Objects that fail for good: those of `failures.toml`, and those that must fail because of what is missing around them."""
import json

from _aws import client, network, refused, tagged, trust, until
from botocore.exceptions import WaiterError

FAST = {"Delay": 0.1, "MaxAttempts": 300}


def gives_up(waiter, **what):
    """AWS's own waiter sees that there is nothing to wait for."""
    try:
        waiter.wait(**what, WaiterConfig=FAST)
    except WaiterError as error:
        assert "terminal failure" in str(error), error
        return
    raise AssertionError("the waiter found it ready")


def nat_gateways(subnets):
    ec2 = client("ec2")
    address = ec2.allocate_address()["AllocationId"]
    codes = ("InternalError", "InsufficientFreeAddressesInSubnet", "Gateway.NotAttached", "InvalidAllocationID.NotFound", "Resource.AlreadyAssociated",
             "InvalidSubnetID.NotFound")
    made = {}
    for number, code in enumerate(codes):
        # Five a zone are allowed.
        made[code] = ec2.create_nat_gateway(SubnetId=subnets[number % 2], AllocationId=address, TagSpecifications=tagged("natgateway", Name=code))["NatGateway"]
        assert made[code]["State"] == "pending"
    for code, nat in made.items():
        gives_up(ec2.get_waiter("nat_gateway_available"), NatGatewayIds=[nat["NatGatewayId"]])
        (now,) = ec2.describe_nat_gateways(NatGatewayIds=[nat["NatGatewayId"]])["NatGateways"]
        assert (now["State"], now["FailureCode"]) == ("failed", code) and now["FailureMessage"], now
    # A failed one holds nothing, so another one can have the address; and it stays listed.
    good = ec2.create_nat_gateway(SubnetId=subnets[0], AllocationId=address)["NatGateway"]["NatGatewayId"]
    ec2.get_waiter("nat_gateway_available").wait(NatGatewayIds=[good], WaiterConfig=FAST)
    assert len(ec2.describe_nat_gateways(Filter=[{"Name": "state", "Values": ["failed"]}])["NatGateways"]) == len(codes)


def a_load_balancer(subnets):
    elb = client("elbv2")
    made = elb.create_load_balancer(Name="broken", Subnets=subnets[:2])["LoadBalancers"][0]
    assert made["State"] == {"Code": "provisioning"}
    show = lambda: elb.describe_load_balancers(Names=["broken"])["LoadBalancers"][0]["State"]
    until(lambda: show()["Code"] != "provisioning")
    assert show() == {"Code": "failed", "Reason": "it was not to be"}


def databases(subnets):
    rds = client("rds")
    rds.create_db_subnet_group(DBSubnetGroupName="g", DBSubnetGroupDescription="x", SubnetIds=subnets[:2])
    states = ("failed", "incompatible-parameters", "incompatible-network", "storage-full")
    make = lambda name: rds.create_db_instance(
        DBInstanceIdentifier=name, DBInstanceClass="db.t3.micro", Engine="postgres", AllocatedStorage=20, MasterUsername="me",
        MasterUserPassword="long-enough", DBSubnetGroupName="g")
    for state in states:
        make(state)
    show = lambda name: rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
    for state in states:
        until(lambda: show(state)["DBInstanceStatus"] != "creating")
        assert show(state)["DBInstanceStatus"] == state
        if state in ("failed", "incompatible-parameters"):
            gives_up(rds.get_waiter("db_instance_available"), DBInstanceIdentifier=state)
        # It takes neither changes nor a last snapshot, and goes only without one.
        refused("InvalidDBInstanceState", rds.modify_db_instance, DBInstanceIdentifier=state, BackupRetentionPeriod=7)
        refused("InvalidDBInstanceState", rds.delete_db_instance, DBInstanceIdentifier=state, FinalDBSnapshotIdentifier="last")
        rds.delete_db_instance(DBInstanceIdentifier=state, SkipFinalSnapshot=True)
    assert "Endpoint" not in show("failed")
    for state in states:
        rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier=state, WaiterConfig=FAST)


class Containers:
    def __init__(self, vpc, subnets):
        self.ecs, self.vpc, self.subnets = client("ecs"), vpc, subnets
        self.ecs.create_cluster(clusterName="c")
        until(lambda: self.ecs.describe_clusters(clusters=["c"])["clusters"][0]["status"] == "ACTIVE")
        self.iam = client("iam")
        self.role = self.iam.create_role(RoleName="exec", AssumeRolePolicyDocument=trust("ecs-tasks"))["Role"]["Arn"]
        self.net = {"awsvpcConfiguration": {"subnets": subnets}}
        self.define("web")

    def define(self, family, **more):
        container = {"name": "web", "image": "public/web:1", "portMappings": [{"containerPort": 8080}], **more}
        return self.ecs.register_task_definition(family=family, requiresCompatibilities=["FARGATE"], networkMode="awsvpc", cpu="256", memory="512",
                                                 executionRoleArn=self.role, containerDefinitions=[container])["taskDefinition"]["taskDefinitionArn"]

    def service(self, name, definition="web", **more):
        breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
        self.ecs.create_service(cluster="c", serviceName=name, taskDefinition=definition, desiredCount=1, launchType="FARGATE", networkConfiguration=self.net,
                                deploymentConfiguration=breaker, **more)

    def show(self, name):
        return self.ecs.describe_services(cluster="c", services=[name])["services"][0]

    def stopped(self, name):
        arns = self.ecs.list_tasks(cluster="c", serviceName=name, desiredStatus="STOPPED")["taskArns"]
        return self.ecs.describe_tasks(cluster="c", tasks=arns)["tasks"]

    def fails(self, name, code, reason, exit_code=None, container=None):
        """The service's one deployment ends as FAILED, and its stopped tasks say why."""
        until(lambda: self.show(name)["deployments"][0]["rolloutState"] == "FAILED")
        service = self.show(name)
        assert service["status"] == "ACTIVE" and service["runningCount"] == 0 and service["deployments"][0]["failedTasks"] >= 3, service
        for task in self.stopped(name):
            assert task["stopCode"] == code and reason in task["stoppedReason"], (name, task["stopCode"], task["stoppedReason"])
            (one,) = task["containers"]
            assert one.get("exitCode") == exit_code, (name, one)
            assert container is None or container in one["reason"], one


def deployments(on):
    """Asked for."""
    expected = {
        "exited": ("EssentialContainerExited", "Essential container in task exited", 1, None),
        "out-of-memory": ("EssentialContainerExited", "Essential container in task exited", 137, "OutOfMemoryError: Container killed due to memory usage"),
        "health-checks": ("ServiceSchedulerInitiated", "Task failed container health checks", 143, None),
        "image": ("TaskFailedToStart", "CannotPullContainerError", None, "not found"),
        "capacity": ("TaskFailedToStart", "Capacity is unavailable", None, None),
    }
    for name in expected:
        on.service(name)
    for name, (code, reason, exit_code, container) in expected.items():
        on.fails(name, code, reason, exit_code, container)


def behind_a_balancer(on):
    elb = client("elbv2")
    group = elb.create_target_group(Name="web", Protocol="HTTP", Port=80, VpcId=on.vpc, TargetType="ip")["TargetGroups"][0]["TargetGroupArn"]
    elb.modify_target_group_attributes(TargetGroupArn=group, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "5"}])
    balancer = elb.create_load_balancer(Name="web", Subnets=on.subnets[:2])["LoadBalancers"][0]["LoadBalancerArn"]
    elb.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=[{"Type": "forward", "TargetGroupArn": group}])
    on.service("behind", loadBalancers=[{"targetGroupArn": group, "containerName": "web", "containerPort": 8080}],
               tags=[{"key": "landing:node", "value": "the one behind the balancer"}])
    health = lambda: {it["TargetHealth"]["State"] for it in elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]}
    until(lambda: "unhealthy" in health())
    on.fails("behind", "ServiceSchedulerInitiated", f"Task failed ELB health checks in (target-group {group})", 143)


def what_is_missing(on):
    """Not asked for: it follows from the world."""
    sm, logs, iam = client("secretsmanager"), client("logs"), on.iam
    secret = lambda arn, **more: {"secrets": [{"name": "S", "valueFrom": arn}], **more}
    there = sm.create_secret(Name="there", SecretString=json.dumps({"user": "me"}))["ARN"]
    empty = sm.create_secret(Name="empty")["ARN"]
    gone = sm.create_secret(Name="gone", SecretString="x")["ARN"]
    log = {"logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/none", "awslogs-region": "us-west-2", "awslogs-stream-prefix": "p"}}}
    wanted = {
        "no-secret": (secret(there[:-6] + "nobody"), "ResourceInitializationError: unable to pull secrets or registry auth"),
        "no-value": (secret(empty), "can't find the specified secret value for staging label: AWSCURRENT"),
        "no-key": (secret(f"{there}:password::"), "did not contain json key"),
        "going-secret": (secret(gone), "marked for deletion"),
        "no-log-group": (log, "The specified log group does not exist"),
    }
    sm.delete_secret(SecretId="gone")
    for name, (more, _) in wanted.items():
        on.service(name, on.define(name, **more))
    for name, (_, reason) in wanted.items():
        on.fails(name, "TaskFailedToStart", reason)
    # With everything there it works.
    logs.create_log_group(logGroupName="/there")
    log["logConfiguration"]["options"]["awslogs-group"] = "/there"
    on.service("complete", on.define("complete", **secret(f"{there}:user::"), **log))
    until(lambda: on.show("complete")["deployments"][0]["rolloutState"] == "COMPLETED")
    # A role that went after the task definition was registered.
    other = iam.create_role(RoleName="other", AssumeRolePolicyDocument=trust("ecs-tasks"))["Role"]["Arn"]
    on.role, kept = other, on.role
    definition = on.define("no-role")
    on.role = kept
    iam.delete_role(RoleName="other")
    assert "Role is not valid" in str(refused("ClientException", on.ecs.register_task_definition, family="x", requiresCompatibilities=["FARGATE"], networkMode="awsvpc", cpu="256", memory="512", executionRoleArn=other,
                                              containerDefinitions=[{"name": "web", "image": "public/web:1"}]))
    on.service("no-role", definition)
    on.fails("no-role", "TaskFailedToStart", f"ECS was unable to assume the role '{other}'")


def back_to_the_one_before(on):
    on.service("second")
    until(lambda: on.show("second")["deployments"][0]["rolloutState"] == "COMPLETED")
    first = on.show("second")["deployments"][0]["id"]
    on.ecs.update_service(cluster="c", service="second", forceNewDeployment=True)
    until(lambda: any("rolling back" in event["message"] for event in on.show("second")["events"]))
    until(lambda: [one["rolloutState"] for one in on.show("second")["deployments"]] == ["COMPLETED"])
    assert on.show("second")["deployments"][0]["id"] == first and on.show("second")["runningCount"] == 1


def tasks(on):
    on.define("job")
    run = dict(cluster="c", taskDefinition="job", launchType="FARGATE", networkConfiguration=on.net)
    first = on.ecs.run_task(**run)["tasks"][0]["taskArn"]
    on.ecs.get_waiter("tasks_stopped").wait(cluster="c", tasks=[first], WaiterConfig=FAST)
    (ended,) = on.ecs.describe_tasks(cluster="c", tasks=[first])["tasks"]
    assert ended["containers"][0]["exitCode"] == 137 and ended["containers"][0]["reason"].startswith("OutOfMemoryError"), ended
    second = on.ecs.run_task(**run)
    assert second["tasks"] == [] and "Capacity is unavailable" in second["failures"][0]["reason"]
    third = on.ecs.run_task(**run)["tasks"][0]["taskArn"]
    on.ecs.get_waiter("tasks_stopped").wait(cluster="c", tasks=[third], WaiterConfig=FAST)
    assert on.ecs.describe_tasks(cluster="c", tasks=[third])["tasks"][0]["containers"][0]["exitCode"] == 0


def main():
    vpc, subnets, _ = network()
    nat_gateways(subnets)
    a_load_balancer(subnets)
    databases(subnets)
    on = Containers(vpc, subnets)
    deployments(on)
    behind_a_balancer(on)
    what_is_missing(on)
    back_to_the_one_before(on)
    tasks(on)


if __name__ == "__main__":
    main()
