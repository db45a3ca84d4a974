"""moto judges the shared state: two machines, one bucket that landing makes, one run at a time, there and back."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from expected import REGION
from inventory import inventory
from journey import CREDENTIALS, EXAMPLE, Run, binary, clients
from on_moto import moto
from report import Report, equal

HELLO = EXAMPLE.parent / "hello"
BUCKET = f"landing-state-123456789012-{REGION}"
S3 = 'state = "s3"\n'
UP, DOWN = ("up", "--yes"), ("down", "--yes", "--allow-data-loss")


class Machine:
    """A folder with the project, and a home of its own."""

    def __init__(self, folder, name, endpoint):
        self.home, self.endpoint = Path(folder) / name, endpoint
        shutil.copytree(HELLO, self.home / "hello", ignore=shutil.ignore_patterns(".landing", "state"))
        self.keep_state(S3)

    def keep_state(self, line):
        """`line` of landing.toml says where."""
        settings = (HELLO / "landing.toml").read_text()
        (self.home / "hello" / "landing.toml").write_text(line + settings)

    def start(self, *arguments):
        command = [binary(), "-C", str(self.home / "hello"), *arguments, "--endpoint-url", self.endpoint]
        if arguments[0] in ("up", "down"):
            command.append("--json")
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), "AWS_EC2_METADATA_DISABLED": "true",
                       "AWS_ACCESS_KEY_ID": CREDENTIALS["aws_access_key_id"], "AWS_SECRET_ACCESS_KEY": CREDENTIALS["aws_secret_access_key"]}
        return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, *arguments):
        return ended(self.start(*arguments))

    def files(self):
        """States on this disk; a lock's file may stay."""
        return [path.name for path in self.home.rglob("hello-dev.json")]


class Words:
    """A run whose output is for people, or for a file."""

    def __init__(self, process):
        self.stdout, self.stderr = process.communicate(timeout=600)
        self.code = process.returncode


def ended(process):
    if "--json" not in process.args:
        return Words(process)
    out, err = process.communicate(timeout=600)
    return Run(process.returncode, out, err, [])


def mutating(run):
    return run.summary["calls"]["mutating"]


def walk(report, client, machines):
    ada, bob = machines
    s3, same = client("s3"), report.equal
    before = inventory(client)

    # Both begin at the same moment; the slower one waits for the lock.
    processes = [machine.start(*UP, "--lock-wait", "300") for machine in machines]
    first, second = (ended(process) for process in processes)
    for run in (first, second):
        if run.code:
            print(f"     exit {run.code}: {run.why()}", flush=True)
    same("two at once: both end well", (first.code, second.code), (0, 0))
    created = sorted(run.summary["summary"].get("create", 0) for run in (first, second))
    same("two at once: one makes everything, the other finds nothing to do", (created[0], created[1] > 20), (0, True))
    same("two at once: no state is on a disk", ada.files() + bob.files(), [])
    report.check("the bucket is versioned, encrypted, closed, and its owner's", safe, s3)

    state = json.loads(body(s3, "state.json"))
    same("the state in the bucket knows what was made", len(state["nodes"]), created[1])
    pulled = [machine.run("state", "pull") for machine in machines]
    same("both pull the same", [json.loads(run.stdout) for run in pulled], [state, state])

    lock = json.loads(body(s3, "lock.json"))
    owner = {"pid": 1, "host": "elsewhere", "user": "eve", "command": "up", "since": "2026-01-01T00:00:00Z"}
    report.check("a live run's lock is not taken", kept_out, s3, lock, owner, bob)

    place = ada.home / "hello" / "state" / "hello-dev.json"
    same("back: pull puts the state on the disk", ada.run("state", "pull", str(place)).code, 0)
    ada.keep_state("")
    home = ada.run(*UP)
    same("back: up finds nothing to do", (home.code, mutating(home)), (0, 0))

    ada.keep_state(S3)
    # The bucket still has it: what is on the disk must be pushed before it counts.
    same("there again: push moves it", ada.run("state", "push").code, 0)
    again = ada.run(*UP)
    same("there again: up finds nothing to do", (again.code, mutating(again)), (0, 0))

    gone = bob.run(*DOWN)
    same("down by the other machine ends well", gone.code, 0)
    same("down: what stands is what stood before, and the bucket", set(inventory(client)) - set(before), {line for line in inventory(client) if BUCKET in line})
    twice = ada.run(*DOWN)
    same("down again finds nothing to do", (twice.code, mutating(twice)), (0, 0))


def kept_out(s3, lock, owner, machine):
    """Another's lock, as it would stand while he is at work."""
    held = {**lock, "fence": lock["fence"] + 1, "beat": 1, "run": "0123456789abcdef", "holder": owner}
    s3.put_object(Bucket=BUCKET, Key=key(s3, "lock.json"), Body=json.dumps(held).encode())
    run = machine.run(*UP)
    s3.put_object(Bucket=BUCKET, Key=key(s3, "lock.json"), Body=json.dumps({**lock, "fence": lock["fence"] + 1}).encode())
    assert run.code != 0 and "eve" in run.stderr, (run.code, run.stderr)


def key(s3, name):
    return next(entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET)["Contents"] if entry["Key"].endswith(name))


def body(s3, name):
    return s3.get_object(Bucket=BUCKET, Key=key(s3, name))["Body"].read()


def safe(s3):
    equal(s3.get_bucket_versioning(Bucket=BUCKET)["Status"], "Enabled")
    block = s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"]
    equal(set(block.values()), {True})
    rule = s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"][0]
    equal(rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"], "AES256")
    equal(s3.get_bucket_ownership_controls(Bucket=BUCKET)["OwnershipControls"]["Rules"][0]["ObjectOwnership"], "BucketOwnerEnforced")
    assert len(s3.list_object_versions(Bucket=BUCKET)["Versions"]) > 2, "earlier states are kept"


def main():
    report = Report()
    with moto() as server, tempfile.TemporaryDirectory() as folder:
        client = clients(server.url)
        walk(report, client, [Machine(folder, name, server.url) for name in ("ada", "bob")])
    return report.end("moto and the shared state")


if __name__ == "__main__":
    sys.exit(main())
