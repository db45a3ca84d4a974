//! Deploy from GitHub Actions without stored keys: the OIDC provider and a role for exactly one repository and branch or environment.

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
use crate::{Draft, policy};

const ISSUER: &str = "token.actions.githubusercontent.com";

pub(crate) fn draw(draft: &mut Draft<'_>, images: &Images, tasks: &Tasks, services: &Services, site: Option<&Site>) {
    let Some(github) = &draft.project.github else { return };
    let provider = OidcProvider { url: format!("https://{ISSUER}"), clients: vec!["sts.amazonaws.com".into()] };
    let provider = draft.graph.add("github", &provider);
    let subjects = subjects(github);
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "Federated": OidcProvider::ARN.of(&provider).text() },
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": { "StringEquals": { format!("{ISSUER}:aud"): "sts.amazonaws.com", format!("{ISSUER}:sub"): subjects } },
        }],
    });
    let role = Role {
        name: fit(&format!("{}-deploy", draft.prefix), 64),
        trust,
        policies: BTreeMap::from([("deploy".to_owned(), policy::document(statements(draft, images, tasks, services, site)))]),
        managed: Vec::new(),
    };
    let role = draft.graph.add("deploy", &role);
    draft.output("deploy-role", Role::ARN.of(&role).text());
}

/// Whom GitHub's token must name: the environment when one is given, which GitHub then protects by its own rules, else the branch.
fn subjects(github: &Github) -> Value {
    let environment = github.environment.as_ref().map(|name| format!("repo:{}:environment:{name}", github.repository));
    let branch = github.branch.as_ref().map(|name| format!("repo:{}:ref:refs/heads/{name}", github.repository));
    match environment.or(branch) {
        Some(subject) => json!(subject),
        None => json!(format!("repo:{}:ref:refs/heads/main", github.repository)),
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
