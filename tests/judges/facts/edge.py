"""Load balancers, target groups, listeners, rules."""
from expected import DEFAULT_SERVICE, HEALTH, PATHS, PUBLIC, with_base
from facts import fact, forwarded
from report import equal


@fact("edge: one application and one network load balancer, on the internet, in the public subnets, each behind its own group")
def _(stack):
    equal({name: one["Type"] for name, one in stack.balancers.items()}, {"alb": "application", "nlb": "network"})
    for name, one in stack.balancers.items():
        zones = {zone["SubnetId"] for zone in one["AvailabilityZones"]}
        equal((name, one["Scheme"], zones, one["SecurityGroups"]),
              (name, "internet-facing", stack.subnet_ids(PUBLIC), [stack.groups[name]["GroupId"]]))


@fact("edge: the application load balancer drops malformed headers")
def _(stack):
    reply = stack.client("elbv2").describe_load_balancer_attributes(LoadBalancerArn=stack.balancers["alb"]["LoadBalancerArn"])
    attributes = {one["Key"]: one["Value"] for one in reply["Attributes"]}
    equal(attributes.get("routing.http.drop_invalid_header_fields.enabled"), "true")


@fact("edge: tasks are targets by address")
def _(stack):
    equal({one["TargetType"] for one in stack.target_groups.values()}, {"ip"})
    equal({one["VpcId"] for one in stack.target_groups.values()}, {stack.vpc["VpcId"]})


@fact("edge: {} is asked for its health where it answers", each=sorted(HEALTH))
def _(stack, service):
    group = stack.targets_of(service)[8080]
    equal((group["Protocol"], group["Port"], group["HealthCheckPath"], group["HealthCheckPort"]), ("HTTP", 8080, *HEALTH[service]))


@fact("edge: HTTP on 80, and what no path matches goes to the default service")
def _(stack):
    listeners = stack.listeners("alb")
    equal({port: one["Protocol"] for port, one in listeners.items()}, {80: "HTTP"})
    equal(forwarded(listeners[80]["DefaultActions"]), stack.targets_of(DEFAULT_SERVICE)[8080]["TargetGroupArn"])


def paths_to(stack, service):
    group = stack.targets_of(service)[8080]["TargetGroupArn"]
    found = []
    for rule in stack.rules:
        if forwarded(rule["Actions"]) == group:
            [condition] = rule["Conditions"]
            equal(condition["Field"], "path-pattern")
            found += (condition.get("PathPatternConfig") or {}).get("Values") or condition["Values"]
    assert len(found) == len(set(found)), found
    return set(found)


@fact("edge: the paths of {} lead to it, with and without what follows, and no other does", each=sorted(PATHS))
def _(stack, service):
    equal(paths_to(stack, service), with_base(PATHS[service]))


@fact("edge: every rule has a priority of its own and leads to one of the four services")
def _(stack):
    priorities = [int(rule["Priority"]) for rule in stack.rules]
    equal(len(set(priorities)), len(priorities))
    equal({forwarded(rule["Actions"]) for rule in stack.rules}, {stack.targets_of(name)[8080]["TargetGroupArn"] for name in PATHS})


@fact("edge: the broker's two ports pass the network load balancer as they are")
def _(stack):
    listeners = stack.listeners("nlb")
    equal({port: (one["Protocol"], forwarded(one["DefaultActions"])) for port, one in listeners.items()},
          {port: ("TCP", group["TargetGroupArn"]) for port, group in stack.targets_of("mqtt").items()})
