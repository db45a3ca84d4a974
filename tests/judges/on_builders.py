"""Real builds: `up` builds and pushes every image of the example with the machine's own builder, into the registry of the sandbox.

The builder is buildah, or podman, with a store of its own that goes with the run: nobody's images are touched and nothing is fetched. The public images
that the example is built from are made here first, under the names that its Dockerfiles ask for; they hold a shell and little else.
"""
import base64
import gzip
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
from pathlib import Path

from expected import REGION, SERVICES, TASKS
from journey import EXAMPLE, Journey, binary
from report import equal
from server import Server
from witness import Witness

PUBLIC = ("docker.io/library/python:3.13-slim", "docker.io/library/eclipse-mosquitto:2.0", "quay.io/keycloak/keycloak:26.3")

# Task to a file of the project and where its image must have it.
COPIED = {task: (f"services/{task}/main.py", "app/main.py") for task in TASKS} | {
    "keycloak": ("compose/keycloak/pulse-realm.json", "opt/keycloak/data/import/pulse-realm.json"),
    "mqtt": ("compose/mosquitto/mosquitto.conf", "mosquitto/config/mosquitto.conf"),
}

SITE = "pulse-dev-spa-123456789012"
TOKEN = "npm-n0b0dy-may-see-this"
MOTD = "welcome"


class Builder:
    """The machine's, with a store in `folder`, behind a script that writes down how it is called."""

    def __init__(self, folder):
        self.folder = folder
        self.real = shutil.which("buildah") or shutil.which("podman")
        self.name = Path(self.real).name
        store = folder / "storage.conf"
        store.write_text(f'[storage]\ndriver = "vfs"\ngraphroot = "{folder}/graph"\nrunroot = "{folder}/run"\nrootless_storage_path = "{folder}/graph"\n')
        # Without a container of its own for every RUN, which not every machine allows.
        self.environment = {"CONTAINERS_STORAGE_CONF": str(store), "BUILDAH_ISOLATION": "chroot"}
        self.path = folder / "bin" / self.name
        self.path.parent.mkdir()
        self.path.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >> "{folder}/calls"\nexec "{self.real}" "$@"\n')
        self.path.chmod(0o755)

    def run(self, *arguments):
        done = subprocess.run([self.real, *arguments], env={**os.environ, **self.environment}, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def make_public_images(self):
        """Of a shell and what it needs, so that a Dockerfile can RUN."""
        root = self.folder / "public"
        for tool in ("sh", "cat", "sha256sum"):
            copy(Path(shutil.which(tool)), root / "bin" / tool)
            libraries = subprocess.run(["ldd", shutil.which(tool)], capture_output=True, text=True, check=False).stdout
            for library in re.findall(r"/\S+", libraries):
                copy(Path(library), root / library.lstrip("/"))
        (self.folder / "Public").write_text("FROM scratch\nCOPY . /\n")
        for name in PUBLIC:
            self.run("build", "--file", str(self.folder / "Public"), "--tag", name, str(root))

    def calls(self):
        """The words of every build and push since this was last asked."""
        path = self.folder / "calls"
        calls = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return [call for call in calls if call.split()[0] in ("build", "push")]


def replace(path, *pairs):
    text = path.read_text()
    for old, new in pairs:
        equal(text.count(old), 1)
        text = text.replace(old, new)
    path.write_text(text)


def copy(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)


class RealBuilds(Journey):
    def __init__(self, endpoint, registry, builder, folder):
        super().__init__(endpoint, forgetful=False)
        self.registry, self.builder = registry, builder
        self.example = folder / "pulse"
        shutil.copytree(EXAMPLE, self.example)
        self.environment = {**builder.environment, "LANDING_BUILDER": str(builder.path), "NPM_TOKEN": TOKEN}
        self.write_secret_and_config()

    def write_secret_and_config(self):
        """The dispatcher's build proves that it saw a secret; the broker gets one more file, whose text is in the compose file."""
        replace(self.example / "compose" / "docker-compose.yml",
                ("      dockerfile: dispatcher/Dockerfile\n", "      dockerfile: dispatcher/Dockerfile\n      secrets: [npm]\n"),
                ("    user: mosquitto\n", "    user: mosquitto\n    configs: [{ source: motd, target: /etc/motd }]\n"),
                ("volumes:\n  postgres:", f"secrets:\n  npm: {{ environment: NPM_TOKEN }}\nconfigs:\n  motd: {{ content: {MOTD} }}\n\nvolumes:\n  postgres:"))
        replace(self.example / "services" / "dispatcher" / "Dockerfile",
                ("USER nobody", "RUN --mount=type=secret,id=npm cat /run/secrets/npm | sha256sum > proof\nUSER nobody"))

    def walk(self):
        check, same = self.report.check, self.report.equal
        del self.environment["NPM_TOKEN"]
        refused = self.landing("up", "--yes", ends=2)
        same("builds: without its secret nothing is built, and nothing is touched", (refused.code, refused.mutations, self.builder.calls()), (2, [], []))
        check("builds: and the secret is named", names, refused.stderr, "NPM_TOKEN")
        self.environment["NPM_TOKEN"] = TOKEN
        first, calls = self.up()
        same("builds: up ends well", (first.code, first.summary["failed"]), (0, []))
        same("builds: it built and pushed each image once", count(calls), (len(TASKS), len(TASKS)))
        check("builds: every service runs", self.all_run)
        asked = first.summary["smoke"]
        same("builds: and it works, by every question that smoke asks", (asked["failed"], asked["ok"] > 30), (0, True))
        self.judge_images()
        check("builds: a build secret reaches its build, and nothing else", self.judge_secret, calls)
        print(f"     {first.told()}", flush=True)

        again, calls = self.up()
        self.still("builds: up again", again)
        same("builds: up again builds and pushes nothing", count(calls), (0, 0))

        with (self.example / "services" / "dispatcher" / "main.py").open("a") as file:
            file.write("# one line more\n")
        changed, calls = self.up()
        same("builds: one changed line is one build and one push", (changed.code, count(calls)), (0, (1, 1)))
        same("builds: one changed line rolls one service", changed.mutations, ["ecs:RegisterTaskDefinition", "ecs:UpdateService"])
        self.judge_images()
        self.still("builds: and nothing is left to do", self.landing("up", "--yes"))

        with (self.example / "compose" / "mosquitto" / "mosquitto.conf").open("a") as file:
            file.write("# one line more\n")
        changed, calls = self.up()
        same("builds: a changed file that is baked in is one build and one push", (changed.code, count(calls)), (0, (1, 1)))
        self.judge_images()

        with (self.example / "frontend" / "dist" / "assets" / "app-7ea3a983.js").open("a") as file:
            file.write("// one line more\n")
        published, calls = self.up()
        same("site: one changed file builds no image", (published.code, count(calls)), (0, (0, 0)))
        sent = [re.sub(r"\?.*", "", call) for call in published.mutations]
        objects = [f"s3:PUT /{SITE}/{key}" for key in ("assets/app-7ea3a983.js", ".landing-published")]
        same("site: one changed file is uploaded, its edges are told, and the marker is written", (sent[:1], sent[2:], len(sent)), (objects[:1], objects[1:], 3))
        check("site: and exactly its path is invalidated", self.judge_invalidation, ["/assets/app-7ea3a983.js"])
        self.still("site: and nothing is left to do", self.landing("up", "--yes"))

        gone = self.landing("down", "--yes", "--allow-data-loss")
        same("builds: down ends well", (gone.code, gone.summary["failed"]), (0, []))

    def judge_invalidation(self, paths):
        """The only one that there ever was: a first publication needs none."""
        cloudfront = self.client("cloudfront")
        [distribution] = cloudfront.list_distributions()["DistributionList"]["Items"]
        [told] = cloudfront.list_invalidations(DistributionId=distribution["Id"])["InvalidationList"]["Items"]
        batch = cloudfront.get_invalidation(DistributionId=distribution["Id"], Id=told["Id"])["Invalidation"]["InvalidationBatch"]
        equal(batch["Paths"]["Items"], paths)

    def up(self):
        self.builder.calls()
        run = self.landing("up", "--yes")
        calls = self.builder.calls()
        # The witness does not see the registry's own traffic, so it sees no push.
        return run, calls

    def all_run(self):
        named, found = sorted(SERVICES), []
        for some in (named[:10], named[10:]):
            found += self.client("ecs").describe_services(cluster="pulse-dev", services=some)["services"]
        equal({service["serviceName"]: service["runningCount"] for service in found}, dict.fromkeys(named, 1))

    def judge_images(self):
        wrong = []
        for task in sorted(TASKS):
            try:
                self.judge_image(task)
            except Exception as error:  # noqa: BLE001
                wrong.append(f"{task}: {error}")
        self.report.equal("builds: what each task definition names is in the registry, whole, and has the project's files", wrong, [])

    def judge_secret(self, calls):
        layers = self.layers("dispatcher")[1]
        proof = b"".join(unpacked(layer).get("app/proof", b"") for layer in layers).decode().split()[0]
        equal(proof, hashlib.sha256(TOKEN.encode()).hexdigest())
        shown = calls + self.printed + [path.read_text() for path in self.folder.glob("*.json")]
        shown += [content.decode(errors="replace") for layer in layers for content in unpacked(layer).values()]
        equal([text for text in shown if TOKEN in text], [])

    def judge_image(self, task):
        config, layers = self.layers(task)
        equal(config["architecture"], "amd64")
        files = {}
        for layer in layers:
            files.update(unpacked(layer))
        source, target = COPIED[task]
        equal(files.get(target), (self.example / source).read_bytes())
        if task == "mqtt":
            equal(files.get("etc/motd"), MOTD.encode())

    def layers(self, task):
        """Configuration and layers of the image that a task runs, every one checked against its digest."""
        definition = self.client("ecs").describe_task_definition(taskDefinition=f"pulse-dev-{task}")["taskDefinition"]
        repository, digest = re.fullmatch(r"[^/]+/(pulse-dev/\w+)@(sha256:[0-9a-f]{64})", definition["containerDefinitions"][0]["image"]).groups()
        manifest = json.loads(self.fetch(f"{repository}/manifests/{digest}", digest))
        config = json.loads(self.fetch(f"{repository}/blobs/{manifest['config']['digest']}", manifest["config"]["digest"]))
        return config, [self.fetch(f"{repository}/blobs/{layer['digest']}", layer["digest"]) for layer in manifest["layers"]]

    def fetch(self, path, digest):
        """What the registry has there, when it is what its digest says."""
        token = self.client("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
        accept = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
        request = urllib.request.Request(f"http://{self.registry}/v2/{path}", headers={"Authorization": f"Basic {token}", "Accept": accept})
        with urllib.request.urlopen(request, timeout=60) as reply:
            content = reply.read()
        equal(f"sha256:{hashlib.sha256(content).hexdigest()}", digest)
        return content


def names(text, what):
    assert what in text, text


def count(calls):
    words = [call.split()[0] for call in calls]
    return words.count("build"), words.count("push")


def unpacked(layer):
    content = gzip.decompress(layer) if layer[:2] == b"\x1f\x8b" else layer
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive if member.isfile()}


def main():
    if not (shutil.which("buildah") or shutil.which("podman")):
        print("skipped: there is neither buildah nor podman on this machine, so nothing was built", flush=True)
        return 0
    serve = [binary(), "sandbox", "serve", "--port", "0", "--registry", "127.0.0.1:0", "--time-scale", "600", "--region", REGION]
    with tempfile.TemporaryDirectory(prefix="landing-builders-") as folder, Server(serve) as server:
        folder = Path(folder)
        registry = server.process.stdout.readline().split()[-1]
        builder = Builder(folder)
        builder.make_public_images()
        print(f"     {builder.name}, registry {registry}", flush=True)
        return RealBuilds(server.url, registry, builder, folder).run().end("builders")


if __name__ == "__main__":
    sys.exit(main())
