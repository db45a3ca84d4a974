"""Emulators judge: AWSs that nobody wrote for landing, as they come, with what they cannot show.

    python on_emulators.py                               moto
    MINISTACK=…/bin/ministack python on_emulators.py ministack

ministack wants another botocore than boto3 here does, so it is installed elsewhere and not among what `tests/run` runs. The fields that one does not tell, and the calls that it has not got, are named in EMULATORS: what is no longer left out fails here, too.
"""
import os
import sys
import tempfile
from pathlib import Path

from inventory import inventory
from journey import Journey
from server import Server, free_port

VENV = Path(sys.executable).parent

# Two services that call each other's names, one of them behind a load balancer; a secret; a site.
PROJECT = {
    "landing.toml": """
name = "guest"
compose = "compose.yaml"
region = "us-west-2"

[services.web]
paths = ["/api/*"]
secrets = { TOKEN = "token" }

[secrets.token]
generate = true

[spa]
dist = "dist"
""",
    "compose.yaml": """
services:
  web:
    image: nginx:1.29-alpine
    ports: ["8080:80"]
    depends_on: [worker]
  worker:
    image: busybox:1.36
    command: ["sleep", "9999"]
    expose: ["9000"]
""",
    "dist/index.html": "<!doctype html><title>guest</title>",
}


def moto(port):
    return [VENV / "moto_server", "-p", port], {"MOTO_IAM_LOAD_MANAGED_POLICIES": "true"}


def ministack(port):
    return [os.environ.get("MINISTACK", "ministack")], {"GATEWAY_PORT": port}


# How it is started, what its readings leave out, what stays behind by its own fault.
EMULATORS = {
    "moto": (moto, ["bucket and function of cloudfront.distribution", "connect of ecs.service"], {"network-interface"}),
    "ministack": (ministack, ["allocation of ec2.nat-gateway", "connect of ecs.service"], set()),
}


class Visit(Journey):
    """The way of a small stack; Journey has the runs and the counting."""

    def __init__(self, endpoint, project, untold, stays):
        super().__init__(endpoint, forgetful=True)
        self.example, self.untold, self.stays = project, untold, stays

    def landing(self, *arguments, ends=0):
        """Nothing takes time there, so that pauses between readings need not either."""
        return super().landing(*arguments, "--time-scale", "20", ends=ends)

    def walk(self):
        same, before = self.report.equal, set(inventory(self.client))

        built = self.landing("up", "--yes")
        same("up: ends well", (built.code, built.summary["failed"]), (0, []))
        print(f"     {built.told()}", flush=True)
        again = self.landing("up", "--yes")
        self.still("up again", again)
        note = next((notice for notice in again.summary["notices"] if "is no AWS" in notice), "")
        same("up again: it says once what is not told", note.split(" tell ")[-1].split(":")[0], ", ".join(self.untold))

        self.tamper()
        plan = self.landing("plan")
        changed = {step["node"] for step in plan.summary["steps"] if step["action"] in ("create", "delete")}
        same("drift: the plan makes what is missing", changed, {"ec2.security-group-rule.web-80-from-alb", "logs.group.worker"})
        rolled = {step["node"] for step in plan.summary["steps"] if step["node"].startswith("ecs.rollout") and step["action"] == "update"}
        same("drift: the plan sees how many tasks there should be", "ecs.rollout.web" in rolled, True)
        repaired = self.landing("up", "--yes")
        same("drift: up ends well", (repaired.code, repaired.summary["failed"]), (0, []))
        self.still("drift: up again", self.landing("up", "--yes"))

        gone = self.landing("down", "--yes", "--allow-data-loss")
        same("down: ends well", (gone.code, gone.summary["failed"]), (0, []))
        left = {line for line in set(inventory(self.client)) - before if line.split()[0] not in self.stays}
        same("down: what stands is what stood before the first up", left, set())

    def tamper(self):
        """A rule, a log group, the number of tasks."""
        ec2, ecs = self.client("ec2"), self.client("ecs")
        rules = ec2.describe_security_group_rules()["SecurityGroupRules"]
        rule = next(rule for rule in rules if {"Key": "landing:node", "Value": "ec2.security-group-rule.web-80-from-alb"} in rule.get("Tags", []))
        ec2.revoke_security_group_ingress(GroupId=rule["GroupId"], SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]])
        self.client("logs").delete_log_group(logGroupName="/ecs/guest-dev/worker")
        ecs.update_service(cluster="guest-dev", service="web", desiredCount=3)


def visit(name):
    start, untold, stays = EMULATORS[name]
    port = free_port()
    command, environment = start(str(port))
    with tempfile.TemporaryDirectory() as folder, Server(list(map(str, command)), f"http://127.0.0.1:{port}", environment) as server:
        for path, text in PROJECT.items():
            file = Path(folder) / path
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
        return Visit(server.url, folder, untold, stays).run().end(name)


def main():
    return max(visit(name) for name in sys.argv[1:] or ["moto"])


if __name__ == "__main__":
    sys.exit(main())
