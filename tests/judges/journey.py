"""The whole way of the example on one AWS: up, up again, images, up, down; every step judged by boto3 and by the witness.

The program that is judged is the built binary, run as anybody would run it.
"""
import hashlib
import json
import os
import re
import subprocess
import tempfile
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import boto3
from botocore.config import Config

from expected import JOBS, REGION, SERVICES, TASKS
from facts import BUILT, RUNNING, Stack
from inventory import inventory
from report import Report, equal, shown
from tamper import CHANGES
from witness import Witness

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "pulse"
PASSWORD = "n0b0dy-may-see-this-one"
TIMESCALE_URL = f"postgresql://tsdbadmin:{PASSWORD}@example.tsdb.cloud.timescale.com:5432/tsdb?sslmode=require"
CREDENTIALS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}

BEFORE_IMAGES = "services: none is asked to run before its image is there"

# Steps that images add: a new revision of every task definition, every service rolled onto it, and the job run before.
ROLLED = {("ecr.image", "adopt"): len(TASKS), ("ecs.task-definition", "update"): len(TASKS), ("ecs.rollout", "update"): len(SERVICES),
          ("ecs.job", "create"): len(JOBS)}


def binary():
    """`LANDING_BINARY`, or what cargo built last."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return os.environ.get("LANDING_BINARY") or str(target / "debug" / "landing")


def clients(endpoint):
    """Clients of boto3, with its own retries off: a refusal is a refusal."""
    config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
    session = boto3.Session(region_name=REGION, **CREDENTIALS)
    made = {}

    def client(service):
        return made.setdefault(service, session.client(service, endpoint_url=endpoint, config=config))
    return client


class Journey:
    def __init__(self, endpoint, forgetful):
        """`forgetful`: the state file is gone before `down`, which then finds everything by its tags."""
        self.endpoint, self.forgetful = endpoint, forgetful
        self.example, self.environment = EXAMPLE, {"LANDING_BUILDER": "none"}
        self.client = clients(endpoint)
        self.report = Report()

    def run(self):
        with tempfile.TemporaryDirectory() as folder, Witness(self.endpoint) as witness:
            self.folder, self.witness, self.printed = Path(folder), witness, []
            self.walk()
        return self.report

    def walk(self):
        check, same = self.report.check, self.report.equal
        before = inventory(self.client)

        built = self.landing("up", "--yes")
        same("up: ends well", (built.code, built.summary["failed"]), (0, []))
        same("up: everything is created and nothing else is done", {key for key, count in built.summary["summary"].items() if count}, {"create"})
        same("up: AWS refused no call", built.refused, [])
        print(f"     {built.summary['summary'].get('create')} objects, {built.told()}", flush=True)
        given = self.given()
        self.judge(BUILT, given)

        self.still("up again", self.landing("up", "--yes"))

        given.digests = self.push_images(built)
        plan = self.landing("plan")
        steps = Counter((step["kind"], step["action"]) for step in plan.summary["steps"] if step["action"] != "unchanged")
        same("images: the plan is a new revision of every task definition, a run of the job and a roll-out of every service", dict(steps), ROLLED)
        rolled = self.landing("up", "--yes")
        same("images: up ends well", (rolled.code, rolled.summary["failed"]), (0, []))
        self.judge(RUNNING, given)
        self.still("images: up again", self.landing("up", "--yes"))

        self.drift(given)

        self.forget()
        self.still("without its state: up", self.landing("up", "--yes"), ("unchanged", "adopt"))
        check("without its state: the new one has the same objects", self.remembered)

        if self.forgetful:
            self.forget()
        refused = self.landing("down", "--yes", ends=2)
        same("down: is refused without consent to lose data, and touches nothing", (refused.code, refused.mutations), (2, []))
        gone = self.landing("down", "--yes", "--allow-data-loss")
        same("down: ends well", (gone.code, gone.summary["failed"]), (0, []))
        # On an AWS that refuses what is in use, a refusal is a wrong order.
        same("down: AWS refused no call", gone.refused, [])
        print(f"     {gone.summary['summary'].get('delete')} objects, {gone.told()}", flush=True)
        check("down: what stands is what stood before the first up", equal, set(inventory(self.client)), set(before))
        self.still("down again", self.landing("down", "--yes", "--allow-data-loss"))

    def judge(self, facts, given):
        stack = Stack(self.client, given)
        for text, check, arguments in facts:
            self.report.check(text, check, stack, *arguments)

    def drift(self, given):
        """Somebody else changes a lot: the facts see it, the plan names exactly that, and `up` puts it back."""
        stack = Stack(self.client, given)
        for fact, _, change in CHANGES:
            self.report.check(f"drift: changed behind its back, so that it is not true: {fact}", change, stack)
        broken = self.not_true(given)
        self.report.equal("drift: every fact that was broken is seen as broken", {fact for fact, _, _ in CHANGES} - broken, set())

        plan = self.landing("plan")
        wanted = {node for _, node, _ in CHANGES}
        found = {step["node"] for step in plan.summary["steps"] if step["action"] != "unchanged"}
        # What somebody added has no name of ours; the program makes one of its id.
        found = {"ec2.security-group-rule.foreign-" if node.startswith("ec2.security-group-rule.foreign-") else node for node in found}
        self.report.equal("drift: the plan names every changed object and no other", found, wanted)

        repaired = self.landing("up", "--yes")
        self.report.equal("drift: up ends well", (repaired.code, repaired.summary["failed"]), (0, []))
        print(f"     {repaired.told()}", flush=True)
        self.report.equal("drift: all facts are true again", self.not_true(given), set())
        self.still("drift: up again", self.landing("up", "--yes"))

    def not_true(self, given):
        stack, broken = Stack(self.client, given), set()
        for text, check, arguments in BUILT:
            # Images are there by now.
            if text == BEFORE_IMAGES:
                continue
            try:
                check(stack, *arguments)
            except Exception:  # noqa: BLE001
                broken.add(text)
        return broken

    def still(self, what, run, left_alone=("unchanged",)):
        """Nothing to do, and nothing done, by the program's count and by the witness."""
        changes = {action: count for action, count in run.summary.get("summary", {}).items() if count and action not in left_alone}
        self.report.equal(f"{what}: ends well and finds nothing to change", (run.code, changes), (0, {}))
        self.report.equal(f"{what}: 0 mutating calls by the program's own count, and 0 seen on the wire",
                          (run.summary["calls"]["mutating"], run.mutations), (0, []))
        self.report.equal(f"{what}: the program counted every call that was seen on the wire", run.summary["calls"]["total"], len(run.calls))
        print(f"     {len(run.calls)} calls", flush=True)

    def landing(self, *arguments, ends=0):
        """One run of the program through the witness; `ends` is the exit code to expect."""
        mark = len(self.witness.calls)
        run = self.end(self.start(*arguments), mark)
        if run.code != ends:
            print(f"     exit {run.code}: {run.why()}", flush=True)
        return run

    def start(self, *arguments):
        """With nothing of our environment but what it needs."""
        state = self.folder / "pulse-dev.json"
        command = [binary(), "-C", str(self.example), *arguments, "--endpoint-url", self.witness.url, "--state", str(state), "--json"]
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.folder), "TIMESCALE_URL": TIMESCALE_URL, "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ACCESS_KEY_ID": CREDENTIALS["aws_access_key_id"], "AWS_SECRET_ACCESS_KEY": CREDENTIALS["aws_secret_access_key"],
            **self.environment,
        }
        return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def end(self, process, mark):
        """`mark`: how many calls the witness had seen before it."""
        try:
            out, err = process.communicate(timeout=900)
        finally:
            process.kill()
        self.printed += [out, err]
        return Run(process.returncode, out, err, self.witness.since(mark))

    def given(self):
        return SimpleNamespace(timescale_url=TIMESCALE_URL, password=PASSWORD, folder=self.folder, printed=self.printed, digests={})

    def push_images(self, built):
        """A manifest of its own for every repository, under the tag that `up` asked for, as a build elsewhere would leave it."""
        wanted = dict(re.findall(r"pulse-dev/(\w+):(content-[0-9a-f]{32})", "\n".join(built.summary["notices"])))
        digests = {}
        for task in TASKS:
            digest = hashlib.sha256(task.encode()).hexdigest()
            manifest = json.dumps({
                "schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
                "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 2, "digest": f"sha256:{digest}"},
                "layers": [],
            })
            image = self.client("ecr").put_image(repositoryName=f"pulse-dev/{task}", imageManifest=manifest, imageTag=wanted[task])["image"]
            digests[task] = image["imageId"]["imageDigest"]
        return digests

    def forget(self):
        """Keeps the state aside, to compare, and takes it away."""
        state = self.folder / "pulse-dev.json"
        self.forgotten = json.loads(state.read_text())["nodes"]
        state.unlink()

    def remembered(self):
        nodes = json.loads((self.folder / "pulse-dev.json").read_text())["nodes"]
        ids = [{node: record["id"] for node, record in each.items()} for each in (self.forgotten, nodes)]
        equal(*ids)


class Run:
    def __init__(self, code, out, err, calls):
        self.code, self.stderr, self.calls = code, err, calls
        lines = out.strip().splitlines()
        # The last line is the summary. A run that failed before its walk has said why on stderr.
        # One that was killed has none, and its last line may be half a line.
        self.summary = json.loads(lines[-1]) if lines and code >= 0 else {}
        if "calls" not in self.summary and "steps" not in self.summary:
            self.summary = {"failed": [err.strip()], "summary": {}, "calls": {"mutating": 0, "total": 0}, "steps": [], "seconds": 0}
        self.mutations = [f"{call.service}:{call.operation}" for call in calls if call.mutating]

        # A read of what is not there is an answer and no refusal.
        self.refused = [f"{call.service}:{call.operation} {call.refusal}" for call in calls if call.mutating and call.refusal]

    def why(self):
        """What it says of an end that is not a good one."""
        lists = [self.summary.get(name) or [] for name in ("failed", "left", "unchecked")]
        return (self.stderr.strip() + " " + shown(sum(lists, [])))[-2000:]

    def told(self):
        return f"{len(self.calls)} calls, {len(self.mutations)} of them mutating, {self.summary['seconds']}s"
