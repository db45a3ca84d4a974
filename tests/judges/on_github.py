"""The workflow that `landing ci github` writes, on a runner of our own: GitHub's schema judges the file, and each shell step runs here as GitHub runs it, in a
clone, on the sandbox as a server. Actions are stood in for; `gh` is a script that keeps comments in a file.

What a green run does not prove: that the actions do what their names say, and that GitHub gives the roles their tokens.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from journey import ROOT, binary
from report import Report, equal
from server import Server

REPOSITORY = "example-org/hello"
SETTINGS = f"""
state = "s3"

[github]
repository = "{REPOSITORY}"
plan = true
account = "123456789012"
install = "cp '{binary()}' ~/.cargo/bin/landing"
env = {{ MOOD = "${{{{ vars.MOOD }}}}", TOKEN = "${{{{ secrets.TOKEN }}}}" }}
"""

# Comments as GitHub keeps them. It answers what the workflow asks, with the real jq where there is one.
GH = """#!/usr/bin/env python3
import json, os, re, sys
from pathlib import Path
arguments, store = sys.argv[1:], Path(os.environ["STAND_IN"])
assert os.environ["GH_TOKEN"] == "the-token", "gh has no token"
assert arguments.pop(0) == "api", arguments
value = lambda flag: arguments[arguments.index(flag) + 1] if flag in arguments else None
method, body, query = value("--method") or "GET", value("--field"), value("--jq")
path = next(word for word in arguments if word.startswith("repos/")).split("?")[0]
comments = json.loads(store.read_text())
if method == "GET":
    login, start = re.fullmatch(r'\\.\\[\\] \\| select\\(\\.user\\.login == "(.+?)" and \\(\\.body \\| startswith\\("(.+?)"\\)\\)\\) \\| \\.id', query).groups()
    print("".join(f"{c['id']}\\n" for c in comments if c["user"] == login and c["body"].startswith(start)), end="")
    sys.exit()
text = Path(body.removeprefix("body=@")).read_text()
if method == "POST":
    assert path == "repos/example-org/hello/issues/7/comments", path
    comments.append({"id": 100 + len(comments), "user": "github-actions[bot]", "body": text, "writes": 1})
else:
    comment = next(c for c in comments if path == f"repos/example-org/hello/issues/comments/{c['id']}")
    comment.update(body=text, writes=comment["writes"] + 1)
store.write_text(json.dumps(comments))
"""


class Runner:
    """A machine that GitHub lends: one job, step by step."""

    def __init__(self, folder, clone, endpoint):
        self.folder, self.clone, self.endpoint = folder, clone, endpoint
        self.comments = folder / "comments.json"
        self.comments.write_text("[]")
        gh = folder / "bin" / "gh"
        gh.parent.mkdir()
        gh.write_text(GH)
        gh.chmod(0o755)

    def run(self, workflow, job, event, ref, number=""):
        """What each step said and how it ended, and the page of the job."""
        steps, self.page = {}, ""
        home = Path(tempfile.mkdtemp(dir=self.folder))
        (home / ".cargo/bin").mkdir(parents=True)
        self.role, failed = None, False
        for index, step in enumerate(workflow["jobs"][job]["steps"]):
            if "uses" in step:
                if "configure-aws-credentials" in step["uses"]:
                    self.role = step["with"]
                continue
            if failed and "cancelled" not in str(step.get("if")):
                continue
            done = self.step(step, index, home, event, ref, number)
            steps[step["name"]] = done
            failed = failed or done.returncode != 0
        return steps

    def step(self, step, index, home, event, ref, number):
        script, page = home / f"step-{index}.sh", home / f"page-{index}.md"
        page.touch()
        values = {"github.token": "the-token", "github.event.pull_request.number": number, "vars.MOOD": "calm", "secrets.TOKEN": "a-secret-of-the-repository"}
        fill = lambda text: re.sub(r"\$\{\{ (.+?) \}\}", lambda found: values[found[1]], str(text))
        script.write_text(fill(step["run"]))
        environment = {
            "PATH": f"{home}/.cargo/bin:{self.folder}/bin:/usr/bin:/bin", "HOME": str(home), "CI": "true", "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(self.clone), "GITHUB_STEP_SUMMARY": str(page), "GITHUB_REPOSITORY": REPOSITORY, "GITHUB_RUN_ID": "42",
            "GITHUB_SERVER_URL": "https://github.com", "GITHUB_EVENT_NAME": event, "GITHUB_REF": ref, "RUNNER_TEMP": str(home), "STAND_IN": str(self.comments),
        }
        if self.role:
            # As the action leaves them to the steps after it.
            environment |= {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_REGION": self.role["aws-region"]}
            environment |= {"AWS_ENDPOINT_URL": self.endpoint}
        self.environment = environment | {name: fill(value) for name, value in step.get("env", {}).items()}
        # GitHub's own command line for `shell: bash`.
        command = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)]
        done = subprocess.run(command, cwd=self.clone, env=self.environment, capture_output=True, text=True, check=False, timeout=120)
        self.page += page.read_text()
        return done

    def shown(self):
        return json.loads(self.comments.read_text())


def git(folder, *arguments):
    subprocess.run(["git", "-c", "user.name=judge", "-c", "user.email=judge@example.org", "-C", str(folder), *arguments], check=True, capture_output=True)


def ended(steps, codes):
    got = {name: done.returncode for name, done in steps.items()}
    assert got == codes, f"{got}\n" + "\n".join(f"{name}:\n{done.stdout}{done.stderr}" for name, done in steps.items())


def main():
    report = Report()
    with tempfile.TemporaryDirectory() as folder, Server([binary(), "--time-scale", "300", "sandbox", "serve", "--port", "0"]) as sandbox:
        folder = Path(folder)
        origin, clone = folder / "origin", folder / "clone"
        project = origin / "apps" / "hello"
        shutil.copytree(ROOT / "examples" / "hello", project, ignore=shutil.ignore_patterns("state"))
        settings = project / "landing.toml"
        first, _, rest = settings.read_text().partition("\n[")
        state, github = SETTINGS.split("[github]")
        settings.write_text(f"{first}{state}\n[{rest}\n[github]{github}")
        git(folder, "init", "--quiet", "--initial-branch", "main", str(origin))
        made = subprocess.run([binary(), "-C", str(project), "ci", "github"], capture_output=True, text=True, check=False)
        assert made.returncode == 0, made.stderr
        git(origin, "add", "--all")
        git(origin, "commit", "--quiet", "--message", "hello")
        git(folder, "clone", "--quiet", str(origin), str(clone))
        path = clone / ".github/workflows/landing.yml"
        workflow = yaml.safe_load(path.read_text())
        runner = Runner(folder, clone, sandbox.url)
        landing = lambda *words: subprocess.run(
            [binary(), "-C", str(clone / "apps/hello"), "--endpoint-url", sandbox.url, "--time-scale", "300", *words], capture_output=True, text=True, check=False,
            env=os.environ | {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"})

        def schema():
            tool = Path(sys.executable).with_name("check-jsonschema")
            done = subprocess.run([tool, "--builtin-schema", "vendor.github-workflows", str(path)], capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr

        def careful():
            assert workflow["permissions"] == {}, workflow["permissions"]
            allowed = {name: job["permissions"] for name, job in workflow["jobs"].items()}
            may = {"contents": "read", "id-token": "write"}
            equal(allowed, {"plan": may | {"pull-requests": "write"}, "fork": {}, "deploy": may})
            for used in re.findall(r"uses: (.*)", path.read_text()):
                assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", used), used
            # `on` is a truth value to YAML 1.1.
            assert "pull_request_target" not in workflow[True], "a fork would get credentials"
            cancels = {name: job["concurrency"]["cancel-in-progress"] for name, job in workflow["jobs"].items() if "concurrency" in job}
            equal(cancels, {"plan": True, "deploy": False})
            assert workflow["jobs"]["plan"]["concurrency"]["group"] != workflow["jobs"]["deploy"]["concurrency"]["group"]
            assert all("timeout-minutes" in job for job in workflow["jobs"].values())

        def plan(codes, writes, words):
            steps = runner.run(workflow, "plan", "pull_request", "refs/pull/7/merge", "7")
            ended(steps, codes)
            [comment] = [comment for comment in runner.shown() if comment["user"] == "github-actions[bot]"]
            equal(comment["writes"], writes)
            assert comment["body"].startswith("<!-- landing plan hello-dev -->\n"), comment["body"]
            assert words in comment["body"] and words in runner.page, (comment["body"], runner.page)
            return steps

        def first_plan():
            # Somebody else's comment with the mark is not ours to change.
            runner.comments.write_text(json.dumps([{"id": 1, "user": "mallory", "body": "<!-- landing plan hello-dev -->", "writes": 0}]))
            plan({"Install landing": 0, "Plan": 0, "Show the plan in one comment": 0}, 1, "to create")
            equal(runner.role["role-to-assume"], "arn:aws:iam::123456789012:role/hello-dev-plan")
            equal([comment["writes"] for comment in runner.shown()], [0, 1])

        def refused():
            steps = runner.run(workflow, "deploy", "push", "refs/heads/main")
            ended(steps, {"Install landing": 0, "Deploy": 2})
            assert "this is more than a deploy" in runner.page and "landing up" in runner.page, runner.page
            assert "\n::error title=landing deploy::" in "\n" + steps["Deploy"].stderr, steps["Deploy"].stderr

        def stands():
            done = landing("up", "--yes")
            equal(done.returncode, 0)

        def released():
            compose = next((clone / "apps/hello").glob("*compose*.y*ml"))
            compose.write_text(re.sub(r"image: \S+", "image: nginx:1.28-alpine", compose.read_text()))
            steps = runner.run(workflow, "deploy", "push", "refs/heads/main")
            ended(steps, {"Install landing": 0, "Deploy": 0})
            equal(runner.role["role-to-assume"], "arn:aws:iam::123456789012:role/hello-dev-deploy")
            equal(runner.environment["LANDING_LOCK_WAIT"], "15m")
            assert "### `landing deploy`: done" in runner.page and "2 updated" in runner.page, runner.page

        def quiet_plan():
            plan({"Install landing": 0, "Plan": 0, "Show the plan in one comment": 0}, 2, "Nothing to change.")

        def mistake():
            settings = clone / "apps/hello/landing.toml"
            before = settings.read_text()
            settings.write_text(before.replace("region", "regoin"))
            steps = plan({"Install landing": 0, "Plan": 2, "Show the plan in one comment": 0}, 3, "regoin")
            settings.write_text(before)
            assert re.search(r"^::error title=.*,file=apps/hello/landing\.toml,line=\d+,col=\d+::", steps["Plan"].stderr, re.M), steps["Plan"].stderr

        def fork():
            ended(runner.run(workflow, "fork", "pull_request", "refs/pull/8/merge", "8"), {"Say why there is no plan": 0})
            assert "fork gets no credentials" in runner.page, runner.page
            assert runner.role is None, "it took a role"

        report.check("GitHub's schema takes the workflow", schema)
        report.check("each job may do what it needs and no more; actions are pinned; a deploy is never cancelled", careful)
        report.check("a pull request is planned, with the role that only reads, and told in one comment of ours", first_plan)
        report.check("a push that is more than a deploy is refused, and the page says what to do", refused)
        report.check("a person's `up` builds what is missing", stands)
        report.check("a push of another image is a release", released)
        report.check("the next plan of the pull request changes the comment that is there", quiet_plan)
        report.check("a mistake is told at its line, and in the comment in place of the plan before", mistake)
        report.check("a fork gets words and nothing else", fork)
    return report.end("the workflow on a runner of our own")


if __name__ == "__main__":
    sys.exit(main())
