"""ECS and Cloud Map by boto3: namespace, cluster, task definition, service with Service Connect, one-off task, and all of it back."""
import json, sys, time
import boto3
from botocore.exceptions import ClientError

FAST = {"Delay": 0.05, "MaxAttempts": 100}


def refused(code, call, **kw):
    try:
        call(**kw)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return error.response["Error"]["Message"]
    raise AssertionError(f"{code} expected")


def until(condition, tries=200):
    for _ in range(tries):
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError("never came true")


def network(ec2):
    """A VPC with a subnet and a group, and the way back: it waits until no task holds an interface."""
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="tasks", Description="tasks", VpcId=vpc)["GroupId"]

    def clean():
        refused("DependencyViolation", ec2.delete_subnet, SubnetId=subnet)
        until(lambda: not ec2.describe_network_interfaces(Filters=[{"Name": "subnet-id", "Values": [subnet]}])["NetworkInterfaces"])
        ec2.delete_security_group(GroupId=group)
        ec2.delete_subnet(SubnetId=subnet)
        ec2.delete_vpc(VpcId=vpc)
    return {"subnets": [subnet], "securityGroups": [group]}, clean


def main(url):
    ecs = boto3.client("ecs", endpoint_url=url)
    sd = boto3.client("servicediscovery", endpoint_url=url)
    iam = boto3.client("iam", endpoint_url=url)
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    role = iam.create_role(RoleName="exec", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    vpc, clean_network = network(boto3.client("ec2", endpoint_url=url))
    net = {"awsvpcConfiguration": vpc}

    # A namespace takes a while.
    operation = sd.create_http_namespace(Name="shop.local", Tags=[{"Key": "a", "Value": "1"}])["OperationId"]
    refused("DuplicateRequest", sd.create_http_namespace, Name="shop.local")
    assert sd.get_operation(OperationId=operation)["Operation"]["Status"] in ("SUBMITTED", "PENDING")
    done = until(lambda: (o := sd.get_operation(OperationId=operation)["Operation"])["Status"] == "SUCCESS" and o)
    ns = done["Targets"]["NAMESPACE"]
    refused("NamespaceAlreadyExists", sd.create_http_namespace, Name="shop.local")
    ns_arn = sd.get_namespace(Id=ns)["Namespace"]["Arn"]
    assert [n["Id"] for n in sd.list_namespaces(Filters=[{"Name": "NAME", "Values": ["shop.local"]}])["Namespaces"]] == [ns]
    sd.tag_resource(ResourceARN=ns_arn, Tags=[{"Key": "b", "Value": "2"}])
    sd.untag_resource(ResourceARN=ns_arn, TagKeys=["a"])
    assert sd.list_tags_for_resource(ResourceARN=ns_arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    sd.update_http_namespace(Id=ns, Namespace={"Description": "d"})
    refused("NamespaceNotFound", sd.get_namespace, Id="ns-none")

    # Cluster.
    assert ecs.describe_clusters(clusters=["shop"])["failures"][0]["reason"] == "MISSING"
    refused("NamespaceNotFoundException", ecs.create_cluster, clusterName="shop", serviceConnectDefaults={"namespace": ns_arn + "x"})
    made = ecs.create_cluster(clusterName="shop", settings=[{"name": "containerInsights", "value": "enabled"}], serviceConnectDefaults={"namespace": "shop.local"}, tags=[{"key": "a", "value": "1"}])["cluster"]
    assert made["status"] == "PROVISIONING" and made["serviceConnectDefaults"]["namespace"] == ns_arn
    read = lambda: ecs.describe_clusters(clusters=["shop"], include=["TAGS", "SETTINGS"])["clusters"][0]
    until(lambda: read()["status"] == "ACTIVE")
    assert read()["tags"] == [{"key": "a", "value": "1"}] and read()["settings"][0]["value"] == "enabled"
    assert ecs.create_cluster(clusterName="shop")["cluster"]["clusterArn"] == made["clusterArn"]
    ecs.update_cluster_settings(cluster="shop", settings=[{"name": "containerInsights", "value": "disabled"}])
    ecs.update_cluster(cluster="shop", settings=[{"name": "containerInsights", "value": "enhanced"}])
    ecs.put_cluster_capacity_providers(cluster="shop", capacityProviders=["FARGATE", "FARGATE_SPOT"], defaultCapacityProviderStrategy=[{"capacityProvider": "FARGATE", "weight": 1}])
    assert read()["capacityProviders"] == ["FARGATE", "FARGATE_SPOT"] and read()["settings"][0]["value"] == "enhanced"
    assert ecs.list_clusters()["clusterArns"] == [made["clusterArn"]]

    # Task definition.
    web = {"name": "web", "image": "public/web:1", "portMappings": [{"containerPort": 8080, "name": "http"}], "healthCheck": {"command": ["CMD-SHELL", "true"]}}
    base = dict(family="web", requiresCompatibilities=["FARGATE"], networkMode="awsvpc", cpu="256", memory="512")
    assert "No Fargate configuration" in refused("ClientException", ecs.register_task_definition, **{**base, "memory": "768"}, containerDefinitions=[web])
    assert refused("ClientException", ecs.register_task_definition, **base, executionRoleArn=role + "x", containerDefinitions=[web]) == "Role is not valid"
    secret = {**web, "secrets": [{"name": "S", "valueFrom": "arn:aws:secretsmanager:us-west-2:123456789012:secret:s-abcdef"}]}
    assert "container secrets" in refused("ClientException", ecs.register_task_definition, **base, containerDefinitions=[secret])
    td = ecs.register_task_definition(**base, executionRoleArn=role, containerDefinitions=[web], tags=[{"key": "a", "value": "1"}])
    one = td["taskDefinition"]
    container = one["containerDefinitions"][0]
    assert one["revision"] == 1 and one["cpu"] == "256" and container["essential"] is True and container["healthCheck"]["interval"] == 30
    assert container["portMappings"][0] == {"containerPort": 8080, "name": "http", "hostPort": 8080, "protocol": "tcp"}
    two = ecs.register_task_definition(**base, executionRoleArn=role, containerDefinitions=[web])["taskDefinition"]
    assert two["revision"] == 2 and ecs.describe_task_definition(taskDefinition="web")["taskDefinition"]["revision"] == 2
    assert ecs.describe_task_definition(taskDefinition="web:1", include=["TAGS"])["tags"] == [{"key": "a", "value": "1"}]
    assert len(ecs.list_task_definitions(familyPrefix="web")["taskDefinitionArns"]) == 2
    refused("ClientException", ecs.describe_task_definition, taskDefinition="none")

    # Service.
    connect = {"enabled": True, "services": [{"portName": "http", "discoveryName": "web", "clientAliases": [{"port": 80, "dnsName": "web"}]}]}
    want = dict(cluster="shop", serviceName="web", taskDefinition="web:1", desiredCount=2, launchType="FARGATE", networkConfiguration=net, clientToken="t1",
                serviceConnectConfiguration=connect, deploymentConfiguration={"deploymentCircuitBreaker": {"enable": True, "rollback": True}}, tags=[{"key": "a", "value": "1"}], propagateTags="SERVICE")
    refused("ClusterNotFoundException", ecs.create_service, **{**want, "cluster": "none"})
    for subnets in ([], ["subnet-0123456789abcdef0"]):
        refused("InvalidParameterException", ecs.create_service, **{**want, "networkConfiguration": {"awsvpcConfiguration": {"subnets": subnets}}})
    refused("InvalidParameterException", ecs.create_service, **{**want, "serviceConnectConfiguration": {"enabled": True, "services": [{"portName": "none"}]}})
    refused("NamespaceNotFoundException", ecs.create_service, **{**want, "serviceConnectConfiguration": {**connect, "namespace": "none"}})
    no_group = [{"targetGroupArn": "arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/none/1", "containerName": "none", "containerPort": 1}]
    refused("InvalidParameterException", ecs.create_service, **want, loadBalancers=no_group)
    service = ecs.create_service(**want)["service"]
    primary = service["deployments"][0]
    assert primary["rolloutState"] == "IN_PROGRESS" and primary["status"] == "PRIMARY" and service["runningCount"] == 0 and service["pendingCount"] == 2
    assert primary["serviceConnectConfiguration"]["services"] == connect["services"] and primary["serviceConnectConfiguration"]["namespace"] == ns_arn
    assert ecs.create_service(**want)["service"]["serviceArn"] == service["serviceArn"]
    refused("InvalidParameterException", ecs.create_service, **{**want, "desiredCount": 3})
    refused("InvalidParameterException", ecs.create_service, **{**want, "serviceName": "web2", "clientToken": "t2"})
    show = lambda: ecs.describe_services(cluster="shop", services=["web"], include=["TAGS"])["services"][0]
    ecs.get_waiter("services_stable").wait(cluster="shop", services=["web"], WaiterConfig=FAST)
    until(lambda: show()["deployments"][0]["rolloutState"] == "COMPLETED")
    assert "steady state" in show()["events"][0]["message"] and show()["tags"] == [{"key": "a", "value": "1"}]
    tasks = ecs.list_tasks(cluster="shop", serviceName="web")["taskArns"]
    task = ecs.describe_tasks(cluster="shop", tasks=tasks, include=["TAGS"])["tasks"][0]
    assert len(tasks) == 2 and task["lastStatus"] == "RUNNING" and task["tags"] == [{"key": "a", "value": "1"}]
    assert [s["Name"] for s in sd.list_services(Filters=[{"Name": "NAMESPACE_ID", "Values": [ns]}])["Services"]] == ["web"]
    assert ecs.list_services(cluster="shop")["serviceArns"] == [service["serviceArn"]]
    ecs.tag_resource(resourceArn=service["serviceArn"], tags=[{"key": "b", "value": "2"}])
    ecs.untag_resource(resourceArn=service["serviceArn"], tagKeys=["a"])
    assert ecs.list_tags_for_resource(resourceArn=service["serviceArn"])["tags"] == [{"key": "b", "value": "2"}]
    tagging = boto3.client("resourcegroupstaggingapi", endpoint_url=url)
    found = tagging.get_resources(TagFilters=[{"Key": "b", "Values": ["2"]}], ResourceTypeFilters=["ecs:service"])["ResourceTagMappingList"]
    assert [f["ResourceARN"] for f in found] == [service["serviceArn"]]

    # Another count is no deployment, another revision is one.
    assert len(ecs.update_service(cluster="shop", service="web", desiredCount=1)["service"]["deployments"]) == 1
    updated = ecs.update_service(cluster="shop", service="web", taskDefinition="web:2")["service"]
    assert [d["status"] for d in updated["deployments"]] == ["PRIMARY", "ACTIVE"] and updated["deployments"][0]["taskDefinition"] == two["taskDefinitionArn"]
    ecs.get_waiter("services_stable").wait(cluster="shop", services=["web"], WaiterConfig=FAST)
    assert ecs.list_service_deployments(cluster="shop", service="web")["serviceDeployments"][0]["status"] == "SUCCESSFUL"
    refused("ServiceNotFoundException", ecs.update_service, cluster="shop", service="none", desiredCount=1)

    # An image that is not in the account's registry: three failed tasks trip the breaker, and it rolls back.
    absent = {**web, "image": "123456789012.dkr.ecr.us-west-2.amazonaws.com/shop/web:none"}
    ecs.register_task_definition(**base, executionRoleArn=role, containerDefinitions=[absent])
    ecs.update_service(cluster="shop", service="web", taskDefinition="web:3")
    until(lambda: any("rolling back" in e["message"] for e in show()["events"]))
    until(lambda: [d["rolloutState"] for d in show()["deployments"]] == ["COMPLETED"])
    assert show()["taskDefinition"] == two["taskDefinitionArn"] and show()["runningCount"] == 1
    failing = ecs.create_service(**{**want, "serviceName": "bad", "clientToken": "t4", "taskDefinition": "web:3", "serviceConnectConfiguration": {"enabled": False}})
    until(lambda: ecs.describe_services(cluster="shop", services=["bad"])["services"][0]["deployments"][0]["rolloutState"] == "FAILED")
    bad = ecs.describe_services(cluster="shop", services=["bad"])["services"][0]
    assert bad["status"] == "ACTIVE" and bad["runningCount"] == 0 and bad["deployments"][0]["failedTasks"] >= 3
    stopped = ecs.list_tasks(cluster="shop", serviceName="bad", desiredStatus="STOPPED")["taskArns"]
    assert "CannotPullContainerError" in ecs.describe_tasks(cluster="shop", tasks=stopped)["tasks"][0]["stoppedReason"]
    ecs.delete_service(cluster="shop", service="bad", force=True)
    ecs.get_waiter("services_inactive").wait(cluster="shop", services=["bad"], WaiterConfig=FAST)

    # A one-off task works for a while and exits with 0.
    run = dict(cluster="shop", taskDefinition="web:2", launchType="FARGATE", networkConfiguration=net, clientToken="r1", overrides={"containerOverrides": [{"name": "web", "command": ["x"]}]})
    job = ecs.run_task(**run)["tasks"][0]["taskArn"]
    assert ecs.run_task(**run)["tasks"][0]["taskArn"] == job
    refused("ConflictException", ecs.run_task, **{**run, "count": 2})
    ecs.get_waiter("tasks_stopped").wait(cluster="shop", tasks=[job], WaiterConfig=FAST)
    ended = ecs.describe_tasks(cluster="shop", tasks=[job])["tasks"][0]
    assert ended["stopCode"] == "EssentialContainerExited" and ended["containers"][0]["exitCode"] == 0
    second = ecs.run_task(**{**run, "clientToken": "r2"})["tasks"][0]["taskArn"]
    ecs.stop_task(cluster="shop", task=second, reason="enough")
    ecs.get_waiter("tasks_stopped").wait(cluster="shop", tasks=[second], WaiterConfig=FAST)
    assert ecs.describe_tasks(cluster="shop", tasks=[second])["tasks"][0]["stoppedReason"] == "enough"
    assert ecs.describe_tasks(cluster="shop", tasks=["none"])["failures"][0]["reason"] == "MISSING"

    # Down again.
    refused("ClusterContainsServicesException", ecs.delete_cluster, cluster="shop")
    refused("ResourceInUse", sd.delete_namespace, Id=ns)
    refused("InvalidParameterException", ecs.delete_service, cluster="shop", service="web")
    assert ecs.delete_service(cluster="shop", service="web", force=True)["service"]["status"] == "DRAINING"
    refused("InvalidParameterException", ecs.create_service, **want)
    refused("ServiceNotActiveException", ecs.update_service, cluster="shop", service="web", desiredCount=1)
    assert ecs.list_services(cluster="shop")["serviceArns"] == []
    ecs.get_waiter("services_inactive").wait(cluster="shop", services=["web"], WaiterConfig=FAST)
    clean_network()
    for revision in (1, 2, 3):
        failures = ecs.delete_task_definitions(taskDefinitions=[f"web:{revision}"])["failures"]
        assert failures and ecs.deregister_task_definition(taskDefinition=f"web:{revision}")["taskDefinition"]["status"] == "INACTIVE"
    refused("ClientException", ecs.create_service, **{**want, "clientToken": "t3"})
    gone = ecs.delete_task_definitions(taskDefinitions=["web:1", "web:2", "web:3"])
    assert [d["status"] for d in gone["taskDefinitions"]] == ["DELETE_IN_PROGRESS"] * 3 and not gone["failures"]
    assert ecs.delete_cluster(cluster="shop")["cluster"]["status"] == "INACTIVE"
    assert ecs.describe_clusters(clusters=["shop"])["clusters"][0]["status"] == "INACTIVE"
    until(lambda: not sd.list_services()["Services"])
    operation = sd.delete_namespace(Id=ns)["OperationId"]
    until(lambda: sd.get_operation(OperationId=operation)["Operation"]["Status"] == "SUCCESS")
    refused("NamespaceNotFound", sd.get_namespace, Id=ns)
    iam.delete_role(RoleName="exec")


if __name__ == "__main__":
    main(sys.argv[1])
    print("ecs: ok")
