//! The workflow that does on GitHub what a person does at a terminal: the plan of a pull request, and the deploy, or all of `up`, of the branch.
//!
//! Actions are named by commit, since a tag can be moved by whoever owns it. To update one: look up the commit of its new release (`git ls-remote --tags
//! https://github.com/OWNER/NAME`), compare it with what others have pinned, put it in below, and run `landing ci github` where there is a workflow.
//!
//! Written without a library for YAML: everything that is not ours goes in as a JSON string, which YAML takes as it is, or as a block of shell lines.
//! Source: GitHub Docs, "Workflow syntax for GitHub Actions", "OpenID Connect reference".

use std::collections::BTreeSet;

use landing_project::{Github, Project, SecretSource, StatePlace};

use crate::github::{deploy_role, plan_role};
use crate::names::hash;

const CHECKOUT: &str = "actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2";
const CACHE: &str = "actions/cache@668228422ae6a00e4ad889ee87cd7109ec5666a7 # v5.0.4";
const CREDENTIALS: &str = "aws-actions/configure-aws-credentials@8df5847569e6427dd6c4fb1cf565c83acfa8afa7 # v6.0.0";

/// Where the shell step finds what `landing plan` wrote.
const PAGE: &str = "\"$RUNNER_TEMP/landing-plan.md\"";

/// Only of the repository's own branches: GitHub gives pull requests from elsewhere no identity.
const OWN: &str = "github.event.pull_request.head.repo.full_name == github.repository";
const ELSEWHERE: &str = "github.event.pull_request.head.repo.full_name != github.repository";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workflow {
    /// Begins and ends with a line of YAML; who wrote it is the caller's to add.
    pub text: String,
    /// What it leaves to the user.
    pub notices: Vec<String>,
}

/// Why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoWorkflow {
    #[error("landing.toml does not say which repository may deploy")]
    Nobody,
    #[error("landing.toml does not say how a runner of GitHub gets `landing`")]
    NoInstall,
    #[error("the workflow must name a region, and landing.toml names none")]
    NoRegion,
}

/// The workflow of one environment. `folder` is the project's, from the root of the repository, with `/` between its parts; empty for the root itself.
///
/// # Errors
/// When `landing.toml` lacks what it is made from.
pub fn workflow(project: &Project, region: Option<&str>, folder: &str) -> Result<Workflow, NoWorkflow> {
    let github = project.github.as_ref().ok_or(NoWorkflow::Nobody)?;
    let install = github.install.as_deref().ok_or(NoWorkflow::NoInstall)?;
    let region = region.or(project.region.as_deref()).ok_or(NoWorkflow::NoRegion)?;
    let draft = Draft { project, github, install, region, stack: format!("{}-{}", project.name, project.env), folder };
    let mut lines = draft.head();
    if github.plan {
        lines.extend(draft.plan());
        lines.extend(draft.fork());
    }
    lines.extend(draft.release());
    Ok(Workflow { text: lines.join("\n") + "\n", notices: draft.notices() })
}

struct Draft<'a> {
    project: &'a Project,
    github: &'a Github,
    install: &'a str,
    region: &'a str,
    stack: String,
    folder: &'a str,
}

impl Draft<'_> {
    fn head(&self) -> Vec<String> {
        let branches = format!("    branches: [{}]", quoted(&pattern(self.github.deploys_from())));
        let mut lines =
            vec![format!("name: landing {}", self.stack), String::new(), "on:".into(), "  push:".into(), branches.clone()];
        if self.github.plan {
            lines.extend(["  pull_request:".to_owned(), branches]);
        }
        lines.extend(text(
            "
  workflow_dispatch:

# Each job asks for what it needs.
permissions: {}

defaults:
  run:
    shell: bash

jobs:",
        ));
        lines
    }

    fn plan(&self) -> Vec<String> {
        let stack = &self.stack;
        let mut lines = vec!["  plan:".to_owned(), format!("    if: github.event_name == 'pull_request' && {OWN}")];
        lines.extend(text(&format!(
            "
    runs-on: ubuntu-24.04
    timeout-minutes: 30
    concurrency:
      group: landing-plan-{stack}-${{{{ github.event.pull_request.number }}}}
      cancel-in-progress: true
    permissions:
      contents: read
      id-token: write
      pull-requests: write
    steps:"
        )));
        lines.extend(self.before(&self.role(&plan_role(stack))));
        // No secret is given to what any branch may have changed, and the role of a plan could not compare it with the stored one either.
        let given = self.env(|_, value| !value.contains("secrets"));
        lines.extend(step("Plan", &given, &format!("{} plan --markdown {PAGE}", self.landing())));
        let env = [("GH_TOKEN", "${{ github.token }}"), ("NUMBER", "${{ github.event.pull_request.number }}")];
        let env: Vec<(String, String)> = env.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let mut comment = step("Show the plan in one comment", &env, &self.comment());
        comment.insert(1, "        if: ${{ !cancelled() }}".into());
        lines.extend(comment);
        lines
    }

    /// Puts the page into the comment that a run before wrote, or into a new one. A comment with the mark that somebody else wrote is left alone.
    fn comment(&self) -> String {
        let stack = &self.stack;
        let mark = format!("<!-- landing plan {stack} -->");
        format!(
            r#"comment="$RUNNER_TEMP/landing-comment.md"
{{
  echo '{mark}'
  if [ -s {PAGE} ]; then cat {PAGE}; else
    echo "**No plan of {stack}**: [what went wrong]($GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID)"
  fi
}} > "$comment"
ours='.[] | select(.user.login == "github-actions[bot]" and (.body | startswith("{mark}"))) | .id'
id=$(gh api --paginate "repos/$GITHUB_REPOSITORY/issues/$NUMBER/comments?per_page=100" --jq "$ours" | sed -n 1p)
if [ -n "$id" ]; then
  gh api --silent --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$id" --field "body=@$comment"
else
  gh api --silent --method POST "repos/$GITHUB_REPOSITORY/issues/$NUMBER/comments" --field "body=@$comment"
fi"#
        )
    }

    fn fork(&self) -> Vec<String> {
        let mut lines =
            vec![String::new(), "  fork:".to_owned(), format!("    if: github.event_name == 'pull_request' && {ELSEWHERE}")];
        lines.extend(text(
            "
    runs-on: ubuntu-24.04
    timeout-minutes: 5
    permissions: {}
    steps:",
        ));
        let words = format!(
            "No plan of {}: a pull request from a fork gets no credentials. Somebody who may push here can plan it from a branch of this repository.",
            self.stack
        );
        lines.extend(step("Say why there is no plan", &[], &format!("echo \"{words}\" | tee -a \"$GITHUB_STEP_SUMMARY\"")));
        lines.push(String::new());
        lines
    }

    /// `deploy` with the role that landing drew, or `up` with one of the user's.
    fn release(&self) -> Vec<String> {
        let (job, title, command, role) = match &self.github.up_role {
            Some(arn) => ("up", "Up", "up --yes", arn.clone()),
            None => ("deploy", "Deploy", "deploy", self.role(&deploy_role(&self.stack))),
        };
        let branch = self.github.deploys_from().replace('\'', "''");
        let condition = format!("github.event_name != 'pull_request' && github.ref == 'refs/heads/{branch}'");
        let mut lines = vec![format!("  {job}:"), format!("    if: {}", quoted(&condition))];
        if let Some(environment) = &self.github.environment {
            lines.push(format!("    environment: {}", quoted(environment)));
        }
        lines.extend(text(&format!(
            "
    runs-on: ubuntu-24.04
    timeout-minutes: 120
    # A run that has begun is let end; of those that wait, the newest goes next.
    concurrency:
      group: landing-{}
      cancel-in-progress: false
    permissions:
      contents: read
      id-token: write
    steps:",
            self.stack
        )));
        lines.extend(self.before(&role));
        let stored = self.secret_variables();
        // A value at hand is compared with the stored one, and the role that deploys may not read that.
        let mut given = self.env(|name, _| self.github.up_role.is_some() || !stored.contains(name));
        given.push(("LANDING_LOCK_WAIT".to_owned(), "15m".to_owned()));
        lines.extend(step(title, &given, &format!("{} {command}", self.landing())));
        lines
    }

    /// The files, the program, and only then the credentials, so that what installs the program does not have them.
    fn before(&self, role: &str) -> Vec<String> {
        let key = hash(self.install, 16);
        let mut lines = text(&format!(
            "
      - uses: {CHECKOUT}
        with:
          persist-credentials: false
      - id: landing
        uses: {CACHE}
        with:
          path: ~/.cargo/bin/landing
          key: landing-${{{{ runner.os }}}}-${{{{ runner.arch }}}}-{key}"
        ));
        let mut install = step("Install landing", &[], self.install);
        install.insert(1, "        if: steps.landing.outputs.cache-hit != 'true'".to_owned());
        lines.extend(install);
        lines.extend(text(&format!(
            "
      - uses: {CREDENTIALS}
        with:
          role-to-assume: {}
          aws-region: {}",
            quoted(role),
            quoted(self.region)
        )));
        lines
    }

    /// In place of the shell, which would keep the signal of a cancelled run to itself.
    fn landing(&self) -> String {
        let folder = if self.folder.is_empty() { String::new() } else { format!(" -C {}", shell(self.folder)) };
        format!("exec landing{folder} --env {}", self.project.env)
    }

    fn role(&self, name: &str) -> String {
        let account = self.github.account.as_deref().unwrap_or("${{ vars.AWS_ACCOUNT_ID }}");
        let partition = match self.region {
            region if region.starts_with("cn-") => "aws-cn",
            region if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        };
        format!("arn:{partition}:iam::{account}:role/{name}")
    }

    fn env(&self, may_have: impl Fn(&str, &str) -> bool) -> Vec<(String, String)> {
        let all = self.github.env.iter().filter(|(name, value)| may_have(name, value));
        all.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// The variables that secrets of the stack take their values from.
    fn secret_variables(&self) -> BTreeSet<&str> {
        let sources = self.project.secrets.values().filter_map(|secret| match &secret.source {
            SecretSource::Environment { variable } => Some(variable.as_str()),
            SecretSource::Generate { .. } | SecretSource::Template(_) => None,
        });
        sources.collect()
    }

    fn notices(&self) -> Vec<String> {
        let mut notices = Vec::new();
        if self.github.account.is_none() {
            let what = match (&self.github.up_role, self.github.plan) {
                (Some(_), false) => None,
                _ => Some(
                    "the workflow takes the account's number from the repository's variable AWS_ACCOUNT_ID: `gh variable set AWS_ACCOUNT_ID`, or `account = \"…\"` under [github]",
                ),
            };
            notices.extend(what.map(str::to_owned));
        }
        if self.project.state == StatePlace::Local {
            notices.push(
                "the state lies on each machine, so a runner knows AWS by its tags alone and no lock keeps you and it apart: `state = \"s3\"` in landing.toml gives both one state and one lock"
                    .to_owned(),
            );
        }
        if !self.github.plan {
            notices.push(
                "pull requests get no plan: `plan = true` under [github] makes a role that only reads, and a job".to_owned(),
            );
        }
        if self.github.up_role.is_none() {
            notices.push(
                "a push releases with `landing deploy`, which refuses when anything but a release would change: then `landing up` is a person's, or give `up-role` under [github]"
                    .to_owned(),
            );
        }
        notices
    }
}

/// Lines of a text that begins with a newline, for the sake of its indentation.
fn text(text: &str) -> Vec<String> {
    text.trim_start_matches('\n').lines().map(str::to_owned).collect()
}

/// A step that runs shell lines.
fn step(name: &str, env: &[(String, String)], run: &str) -> Vec<String> {
    let mut lines = vec![format!("      - name: {name}")];
    if !env.is_empty() {
        lines.push("        env:".into());
        lines.extend(env.iter().map(|(name, value)| format!("          {name}: {}", quoted(value))));
    }
    let run = run.trim().replace("\r\n", "\n");
    if run.contains(|c: char| c.is_control() && c != '\n') {
        lines.push(format!("        run: {}", quoted(&run)));
        return lines;
    }
    lines.push("        run: |".into());
    lines.extend(run.lines().map(|line| format!("          {line}").trim_end().to_owned()));
    lines
}

/// A scalar that YAML reads as this text, whatever is in it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A word that a shell takes as it is.
fn shell(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    if text.chars().all(is_plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// A filter that only this branch passes.
fn pattern(branch: &str) -> String {
    let mut pattern = String::new();
    for c in branch.chars() {
        if "*?+[]!\\".contains(c) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}
