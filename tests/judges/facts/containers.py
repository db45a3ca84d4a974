"""Repositories, log groups, cluster, task definitions, services."""
import json

from expected import CALLED, JOBS, PATHS, PORTS, PREFIX, PRIVATE, PUBLIC, REGION, SERVICES, SIZES, TASKS
from facts import RUNNING, fact
from inventory import pages
from report import equal


@fact("images: a repository for every image that is built or has files baked in")
def _(stack):
    equal(set(stack.repositories), set(TASKS))


@fact("images: every repository scans what is pushed")
def _(stack):
    equal({name for name, one in stack.repositories.items() if not one["imageScanningConfiguration"]["scanOnPush"]}, set())


@fact("images: every repository keeps the last ten images and lets go of the rest")
def _(stack):
    for name, one in stack.repositories.items():
        policy = json.loads(stack.client("ecr").get_lifecycle_policy(repositoryName=one["repositoryName"])["lifecyclePolicyText"])
        [rule] = policy["rules"]
        selection = rule["selection"]
        got = (selection["tagStatus"], selection["countType"], selection["countNumber"], rule["action"])
        equal((name, got), (name, ("any", "imageCountMoreThan", 10, {"type": "expire"})))


@fact("logs: a group for every task, kept for seven days")
def _(stack):
    groups = pages(stack.client("logs"), "describe_log_groups", "logGroups", logGroupNamePrefix=f"/ecs/{PREFIX}/")
    equal({one["logGroupName"]: one.get("retentionInDays") for one in groups}, {f"/ecs/{PREFIX}/{task}": 7 for task in TASKS})


@fact("cluster: Container Insights are on")
def _(stack):
    [cluster] = stack.client("ecs").describe_clusters(clusters=[PREFIX], include=["SETTINGS"])["clusters"]
    equal({one["name"]: one["value"] for one in cluster["settings"]}.get("containerInsights"), "enabled")


@fact("tasks: definitions of exactly the services and the job")
def _(stack):
    equal(set(stack.definitions), set(TASKS))


@fact("tasks: {} is a Fargate task of its size with its own two roles", each=TASKS)
def _(stack, task):
    one = stack.definitions[task]
    equal((int(one["cpu"]), int(one["memory"])), SIZES.get(task, (256, 512)))
    equal((one["networkMode"], one["requiresCompatibilities"]), ("awsvpc", ["FARGATE"]))
    equal((one["executionRoleArn"], one["taskRoleArn"]), (stack.roles[f"{task}-execution"]["arn"], stack.roles[f"{task}-task"]["arn"]))


@fact("tasks: {} runs its own image, opens its ports and writes its own log", each=TASKS)
def _(stack, task):
    container = stack.container(task)
    equal(container["name"], task)
    assert container["image"].startswith(f"{stack.repositories[task]['repositoryUri']}"), container["image"]
    equal({one["containerPort"] for one in container.get("portMappings", [])}, PORTS.get(task, set()))
    log = container["logConfiguration"]
    equal((log["logDriver"], log["options"]["awslogs-group"], log["options"]["awslogs-region"]), ("awslogs", f"/ecs/{PREFIX}/{task}", REGION))


@fact("tasks: {} has a health check", each=SERVICES)
def _(stack, task):
    command = stack.container(task)["healthCheck"]["command"]
    assert command[0] in ("CMD", "CMD-SHELL") and len(command) > 1, command


@fact("tasks: Keycloak is told its database by address, not by a name of the laptop")
def _(stack):
    environment = {one["name"]: one["value"] for one in stack.container("keycloak")["environment"]}
    endpoint = stack.database["Endpoint"]
    equal(environment["KC_DB_URL"], f"jdbc:postgresql://{endpoint['Address']}:{endpoint['Port']}/keycloak")


@fact("services: one a compose service that is deployed; the job is none")
def _(stack):
    equal(set(stack.services), set(SERVICES))


@fact("services: every one on Fargate, in the subnets of its side, behind its own group")
def _(stack):
    for name, one in stack.services.items():
        vpc = one["networkConfiguration"]["awsvpcConfiguration"]
        public = name == "mqtt"
        wanted = (stack.subnet_ids(PUBLIC if public else PRIVATE), [stack.groups[name]["GroupId"]], "ENABLED" if public else "DISABLED")
        equal((name, set(vpc["subnets"]), vpc["securityGroups"], vpc["assignPublicIp"]), (name, *wanted))
        equal((name, one["launchType"]), (name, "FARGATE"))


@fact("services: a deployment that fails goes back by itself")
def _(stack):
    for name, one in stack.services.items():
        breaker = one["deploymentConfiguration"]["deploymentCircuitBreaker"]
        equal((name, breaker["enable"], breaker["rollback"]), (name, True, True))


@fact("services: behind a load balancer are exactly the four with paths, and the broker")
def _(stack):
    equal({name: set(stack.targets_of(name)) for name in stack.services if stack.services[name]["loadBalancers"]},
          {**{name: {8080} for name in PATHS}, "mqtt": {1883, 8883}})


def connect(stack, name):
    primary = next(one for one in stack.services[name]["deployments"] if one["status"] == "PRIMARY")
    return primary.get("serviceConnectConfiguration") or {}


@fact("services: {} answers to its compose name on its ports", each=sorted(CALLED))
def _(stack, name):
    endpoints = {(alias["dnsName"], alias["port"]) for one in connect(stack, name)["services"] for alias in one["clientAliases"]}
    equal(endpoints, {(name, port) for port in PORTS[name]})


@fact("services: who calls another is in the same namespace, and who talks to nobody is not")
def _(stack):
    [namespace] = pages(stack.client("servicediscovery"), "list_namespaces", "Namespaces")
    equal((namespace["Name"], namespace["Type"]), (PREFIX, "HTTP"))
    talkers = set(CALLED).union(*CALLED.values())
    for name in SERVICES:
        settings = connect(stack, name)
        inside = settings.get("enabled", False) and settings["namespace"] in (namespace["Arn"], namespace["Name"])
        equal((name, inside), (name, name in talkers))
        if name not in CALLED:
            equal((name, settings.get("services") or []), (name, []))


@fact("services: none is asked to run before its image is there")
def _(stack):
    equal({name: (one["desiredCount"], one["runningCount"]) for name, one in stack.services.items()}, {name: (0, 0) for name in SERVICES})


@fact("running: every service runs as many tasks as it should", facts=RUNNING)
def _(stack):
    equal({name: (one["desiredCount"], one["runningCount"]) for name, one in stack.services.items()}, {name: (1, 1) for name in SERVICES})


@fact("running: {} is marked as done on the newest revision of its task definition", each=JOBS, facts=RUNNING)
def _(stack, job):
    # Its task itself is forgotten after an hour, which a sandbox that plays fast has had long ago.
    tags = stack.client("ecs").list_tags_for_resource(resourceArn=stack.definitions[job]["taskDefinitionArn"])["tags"]
    equal({one["key"]: one["value"] for one in tags}.get("landing:job"), "done")


@fact("running: every service runs the newest revision of its task definition", facts=RUNNING)
def _(stack):
    equal({name: one["taskDefinition"] for name, one in stack.services.items()},
          {name: stack.definitions[name]["taskDefinitionArn"] for name in SERVICES})


@fact("running: every image is pinned by the digest that was pushed", facts=RUNNING)
def _(stack):
    wanted = {task: f"{stack.repositories[task]['repositoryUri']}@{stack.given.digests[task]}" for task in TASKS}
    equal({task: stack.container(task)["image"] for task in TASKS}, wanted)
