"""Security groups: exactly who may talk to whom."""
from expected import ANYWHERE, INBOUND, OUTBOUND, PREFIX
from facts import fact
from report import equal


def rules(stack, group, side):
    """As (port, other side); a range of ports stays a range, and every port is None."""
    names = {one["GroupId"]: name for name, one in stack.groups.items()}
    found = []
    for permission in stack.groups[group][side]:
        low, high = permission.get("FromPort"), permission.get("ToPort")
        whole = permission["IpProtocol"] == "-1"
        assert whole or permission["IpProtocol"] == "tcp", permission
        port = None if whole else low if low == high else (low, high)
        found += [(port, one["CidrIp"]) for one in permission.get("IpRanges", [])]
        found += [(port, one["CidrIpv6"]) for one in permission.get("Ipv6Ranges", [])]
        found += [(port, one["PrefixListId"]) for one in permission.get("PrefixListIds", [])]
        found += [(port, f"sg:{names.get(one['GroupId'], one['GroupId'])}") for one in permission.get("UserIdGroupPairs", [])]
    assert len(found) == len(set(found)), f"the same rule twice: {found}"
    return set(found)


@fact("groups: one a task, one a load balancer, one for the database, and no other")
def _(stack):
    equal(set(stack.groups), set(INBOUND))
    assert all(one["GroupName"].startswith(f"{PREFIX}-") for one in stack.groups.values())


@fact("groups: into {} comes exactly what must", each=sorted(INBOUND))
def _(stack, group):
    equal(rules(stack, group, "IpPermissions"), INBOUND[group])


@fact("groups: out of {} goes exactly what must", each=("alb", "keycloak-database", "nlb"))
def _(stack, group):
    equal(rules(stack, group, "IpPermissionsEgress"), OUTBOUND[group])


@fact("groups: tasks may call out, to anywhere")
def _(stack):
    for group, wanted in OUTBOUND.items():
        equal((group, rules(stack, group, "IpPermissionsEgress")), (group, wanted))


@fact("groups: from the internet only the load balancers can be reached, on 80, 443, 1883 and 8883")
def _(stack):
    open_to_all = {(group, port) for group in stack.groups for port, source in rules(stack, group, "IpPermissions")
                   if source in (ANYWHERE, "::/0")}
    equal(open_to_all, {("alb", 80), ("alb", 443), ("nlb", 1883), ("nlb", 8883)})
