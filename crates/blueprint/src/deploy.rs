//! What a deploy may change: a plan narrowed to images, revisions, jobs, roll-outs and the files of the single-page application.

use std::collections::BTreeSet;

use landing_aws::ecr::Image;
use landing_aws::ecs::{Job, Rollout, TaskDefinition};
use landing_aws::s3::Site;
use landing_engine::{Kind, NodeName, Plan};
use landing_project::{Condition, Project};

/// What the files of the single-page application are called among the services; a service of that name is deployed with them.
pub const SITE: &str = "spa";

/// Why it is no deploy.
#[derive(Debug, thiserror::Error)]
pub enum NoDeploy {
    #[error("there is no service or job `{name}` among those that are deployed: {}", known.join(", "))]
    Unknown { name: String, known: Vec<String> },
    #[error("this is more than a deploy: it changes {}", shown(beyond))]
    Beyond { beyond: Vec<NodeName> },
}

/// As many as fit into a line.
const SHOWN: usize = 6;

fn shown(nodes: &[NodeName]) -> String {
    let mut names: Vec<String> = nodes.iter().take(SHOWN).map(ToString::to_string).collect();
    names.extend((nodes.len() > SHOWN).then(|| format!("{} more", nodes.len() - SHOWN)));
    names.join(", ")
}

fn is_deployed(node: &NodeName) -> bool {
    [Image::NAME, TaskDefinition::NAME, Job::NAME, Rollout::NAME, Site::NAME].contains(&node.kind())
}

/// The part of `plan` that deploys these services, or all of them when none is named, with the jobs that they wait for.
///
/// # Errors
/// When a name is unknown, or when the plan changes anything else in AWS: a release must not go out beside an infrastructure that is not what the project asks for.
pub fn deploy(project: &Project, plan: Plan, services: &[String]) -> Result<Plan, NoDeploy> {
    let mut meant: BTreeSet<&str> = BTreeSet::new();
    let mut open: Vec<&str> = services.iter().map(String::as_str).collect();
    while let Some(name) = open.pop() {
        let Some(service) = project.find(name) else {
            if name == SITE && project.spa.is_some() {
                meant.insert(SITE);
                continue;
            }
            let known = project.services.iter().chain(&project.jobs).map(|service| service.name.clone());
            let known = known.chain(project.spa.as_ref().map(|_| SITE.to_owned())).collect();
            return Err(NoDeploy::Unknown { name: name.to_owned(), known });
        };
        if meant.insert(&service.name) {
            let jobs = service.depends_on.iter().filter(|(_, condition)| **condition == Condition::Completed);
            open.extend(jobs.map(|(job, _)| job.as_str()));
        }
    }
    let beyond: Vec<NodeName> =
        plan.steps.iter().filter(|step| step.changes_aws() && !is_deployed(&step.node)).map(|step| step.node.clone()).collect();
    if !beyond.is_empty() {
        return Err(NoDeploy::Beyond { beyond });
    }
    let is_meant =
        |service: &Option<String>| services.is_empty() || service.as_deref().is_some_and(|service| meant.contains(service));
    Ok(plan.of_only(|step| is_deployed(&step.node) && is_meant(&step.service)))
}
