//! GitHub Actions without stored keys: the OIDC provider, a role that deploys for exactly one branch or environment, and, when asked for, one that plans for pull
//! requests.

use std::collections::BTreeMap;

use landing_aws::cloudfront::Distribution;
use landing_aws::ecr::Repository;
use landing_aws::iam::{OidcProvider, Role};
use landing_aws::s3::Bucket;
use landing_engine::Ref;
use landing_project::Github;
use serde_json::{Value, json};

use crate::delivery::Site;
use crate::image::Images;
use crate::names::fit;
use crate::service::Services;
use crate::task::Tasks;
use crate::{Draft, looking, policy};

const ISSUER: &str = "token.actions.githubusercontent.com";

pub(crate) fn draw(draft: &mut Draft<'_>, images: &Images, tasks: &Tasks, services: &Services, site: Option<&Site>) {
    let Some(github) = &draft.project.github else { return };
    let provider = OidcProvider { url: format!("https://{ISSUER}"), clients: vec!["sts.amazonaws.com".into()] };
    let provider = draft.graph.add("github", &provider);
    let trust = |subject: String| {
        json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": { "Federated": OidcProvider::ARN.of(&provider).text() },
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": { "StringEquals": { format!("{ISSUER}:aud"): "sts.amazonaws.com", format!("{ISSUER}:sub"): subject } },
            }],
        })
    };
    // A deploy scans like everything else, to refuse what would be more than a deploy.
    let mut look = looking::statements(draft);
    look.extend(looking::writes_the_state(draft));
    let deploy = policy::document(statements(draft, images, tasks, services, site));
    let deploy = Role {
        name: deploy_role(&draft.prefix),
        trust: trust(subject(github)),
        policies: BTreeMap::from([("deploy".to_owned(), deploy), ("look".to_owned(), policy::document(look))]),
        managed: Vec::new(),
    };
    let plan = github.plan.then(|| Role {
        name: plan_role(&draft.prefix),
        trust: trust(format!("repo:{}:pull_request", github.repository)),
        policies: BTreeMap::from([("look".to_owned(), policy::document(looking::statements(draft)))]),
        managed: Vec::new(),
    });
    for (name, role) in [("deploy", Some(deploy)), ("plan", plan)] {
        let Some(role) = role else { continue };
        let role = draft.graph.add(name, &role);
        draft.output(&format!("{name}-role"), Role::ARN.of(&role).text());
    }
}

pub(crate) fn deploy_role(prefix: &str) -> String {
    fit(&format!("{prefix}-deploy"), 64)
}

/// Any branch's pull request may take it, with whatever workflow that branch has: it can read how things are set up, and no data.
pub(crate) fn plan_role(prefix: &str) -> String {
    fit(&format!("{prefix}-plan"), 64)
}

/// Whom GitHub's token must name: the environment when one is given, which GitHub then protects by its own rules, else the branch.
fn subject(github: &Github) -> String {
    match &github.environment {
        Some(name) => format!("repo:{}:environment:{name}", github.repository),
        None => format!("repo:{}:ref:refs/heads/{}", github.repository, github.deploys_from()),
    }
}

/// What a deploy does: push images, register task definitions, roll services, publish the site.
fn statements(draft: &Draft<'_>, images: &Images, tasks: &Tasks, services: &Services, site: Option<&Site>) -> Vec<Value> {
    let mut statements = Vec::new();
    let repositories: Vec<Ref<String>> =
        images.values().filter_map(|image| image.repository.as_ref()).map(|node| Repository::ARN.of(node).text()).collect();
    if !repositories.is_empty() {
        statements.push(policy::allow(&["ecr:GetAuthorizationToken"], vec!["*".into()]));
        let push = [
            "ecr:BatchCheckLayerAvailability",
            "ecr:BatchGetImage",
            "ecr:CompleteLayerUpload",
            "ecr:DescribeImages",
            "ecr:GetDownloadUrlForLayer",
            "ecr:InitiateLayerUpload",
            "ecr:PutImage",
            "ecr:UploadLayerPart",
        ];
        statements.push(policy::allow(&push, repositories));
    }
    if !services.is_empty() {
        let below = |kind: &str, rest: &str| Ref::value(draft.arn("ecs", &format!("{kind}/{}{rest}", draft.prefix)));
        let roll = ["ecs:DescribeServices", "ecs:UpdateService"];
        statements.push(policy::allow(&roll, vec![below("service", "/*")]));
        // AWS allows no narrower resource for these two reads.
        statements.push(policy::allow(&["ecs:DescribeTaskDefinition", "ecs:ListTaskDefinitions"], vec!["*".into()]));
        statements.push(policy::allow(&["ecs:RegisterTaskDefinition", "ecs:TagResource"], vec![below("task-definition", "-*")]));
        // To say why a task died.
        statements.push(policy::allow(&["ecs:DescribeTasks"], vec![below("task", "/*")]));
        statements.push(policy::allow(&["ecs:ListTasks", "elasticloadbalancing:DescribeTargetHealth"], vec!["*".into()]));
        let logs = Ref::value(draft.arn("logs", &format!("log-group:/ecs/{}/*", draft.prefix)));
        statements.push(policy::allow(&["logs:DescribeLogStreams", "logs:GetLogEvents"], vec![logs]));
        if !draft.project.jobs.is_empty() {
            statements.push(policy::allow(&["ecs:RunTask"], vec![below("task-definition", "-*")]));
            statements.push(policy::allow(&["ecs:TagResource"], vec![below("task", "/*")]));
        }
        let roles = tasks.values().flat_map(|task| [&task.execution_role, &task.task_role]).map(|role| Role::ARN.of(role).text());
        let mut pass = policy::allow(&["iam:PassRole"], roles.collect());
        pass["Condition"] = json!({ "StringEquals": { "iam:PassedToService": "ecs-tasks.amazonaws.com" } });
        statements.push(pass);
    }
    if let Some(site) = site {
        let bucket = Bucket::ARN.of(&site.bucket).text();
        statements.push(policy::allow(&["s3:ListBucket"], vec![bucket.clone()]));
        let objects = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"];
        statements.push(policy::allow(&objects, vec![policy::below(bucket, "/*")]));
        let invalidate = ["cloudfront:CreateInvalidation", "cloudfront:GetInvalidation"];
        statements.push(policy::allow(&invalidate, vec![Distribution::ARN.of(&site.distribution).text()]));
    }
    statements
}
