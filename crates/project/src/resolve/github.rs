//! `[github]`: who may deploy from GitHub Actions, and what the workflow is made from.

use super::Cx;
use crate::{problem::Problem, project::Github};

pub(super) fn read(cx: &mut Cx<'_>) -> Option<Github> {
    let github = cx.settings.github.as_ref()?;
    let place = cx.document.key(&["github"]);
    let Some(repository) = &github.repository else {
        cx.problems.push(Problem::at(&place, "missing-key", "[github] needs `repository`").help("repository = \"org/repo\""));
        return None;
    };
    let is_part =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if repository.split('/').count() != 2 || !repository.split('/').all(is_part) {
        cx.problems.push(
            Problem::at(
                &cx.document.value(&["github", "repository"]),
                "bad-value",
                format!("`{repository}` is not a GitHub repository"),
            )
            .help("write it as \"org/repo\""),
        );
    }
    // They end in the role's trust policy, where `*` would let every branch deploy.
    for (key, value) in [("branch", &github.branch), ("environment", &github.environment)] {
        if value.as_ref().is_some_and(|value| value.is_empty() || value.contains(['*', '?'])) {
            cx.problems.push(
                Problem::at(
                    &cx.document.value(&["github", key]),
                    "bad-value",
                    format!("`{key}` must name one {key}, without wildcards"),
                )
                .label("the role that deploys trusts exactly this")
                .help(format!("for example {key} = \"{}\"", if key == "branch" { "main" } else { "production" })),
            );
        }
    }
    let branch = github.branch.clone().or_else(|| github.environment.is_none().then(|| "main".to_owned()));
    let (environment, env) = (github.environment.clone(), github.env.clone());
    let found = Github {
        repository: repository.clone(),
        branch,
        environment,
        plan: github.plan,
        up_role: github.up_role.clone(),
        account: github.account.clone(),
        install: github.install.clone(),
        env,
    };
    workflow(cx, &found);
    Some(found)
}

/// What only the workflow is made from.
fn workflow(cx: &mut Cx<'_>, github: &Github) {
    let mut wrong = |path: &[&str], title: String, help: &str| {
        let place = cx.document.value(&[&["github"], path].concat());
        cx.problems.push(Problem::at(&place, "bad-value", title).help(help));
    };
    if let Some(arn) = github.up_role.as_ref().filter(|arn| !is_role(arn)) {
        wrong(
            &["up-role"],
            format!("`{arn}` is not the ARN of a role"),
            "for example up-role = \"arn:aws:iam::123456789012:role/landing-up\"",
        );
    }
    if let Some(account) = github.account.as_ref().filter(|account| !is_account(account)) {
        wrong(
            &["account"],
            format!("`{account}` is not the number of an AWS account"),
            "twelve digits in quotes: account = \"123456789012\"",
        );
    }
    if github.install.as_ref().is_some_and(|install| install.trim().is_empty()) {
        wrong(&["install"], "`install` installs nothing".to_owned(), "shell lines that put `landing` into ~/.cargo/bin");
    }
    for name in github.env.keys().filter(|name| !is_variable(name)) {
        let title = format!("`{name}` cannot be a variable of the workflow");
        wrong(
            &["env", name],
            title,
            "letters, digits and `_`, not a digit first, and not one of GitHub's or AWS's own (GITHUB_…, RUNNER_…, AWS_…)",
        );
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `arn:PARTITION:iam::ACCOUNT:role/PATH`.
fn is_role(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let [start, partition, service, region, account, rest] = parts[..] else { return false };
    let is_name =
        |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+=,.@-_/".contains(&byte));
    start == "arn"
        && partition.starts_with("aws")
        && (service, region) == ("iam", "")
        && is_account(account)
        && rest.strip_prefix("role/").is_some_and(is_name)
}

/// Not one that decides who the workflow is, or where.
fn is_variable(name: &str) -> bool {
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.to_ascii_uppercase().starts_with(prefix));
    is_name && !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) && !starts(&["GITHUB_", "RUNNER_", "AWS_"])
}
