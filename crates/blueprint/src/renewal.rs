//! Another value for one secret, and new tasks for the services that have read the one before: a plan narrowed to them.
//!
//! What is wanted does not change when a value does, so the difference is put where the plan looks for one: what is live is marked as outdated. The rest is the
//! common path: the plan shows it, the door writes it down, the rollouts wait for the secret and are waited for.

use std::collections::BTreeSet;

use landing_aws::ecs::{Rollout, TaskDefinition};
use landing_aws::rds::Instance;
use landing_aws::secretsmanager::{Secret as Kept, SecretSource};
use landing_engine::plan::Step;
use landing_engine::{Action, Kind, LiveSet, NodeName, Plan};
use landing_project::{Database, Project, Secret, SecretRef, Service};
use serde_json::{Value, json};

/// A secret, as `landing.toml` names it: `stripe`, or `database:main` for the one that RDS keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    Secret(String),
    Database(String),
}

/// Why it is not done.
#[derive(Debug, thiserror::Error)]
pub enum NoRenewal {
    #[error("there is no secret `{0}`")]
    Unknown(String),
    #[error("{0} is not there yet")]
    NotThere(NodeName),
    #[error("{service} would get more than another secret: {} has changes that wait", shown(nodes))]
    Beyond { service: String, nodes: Vec<NodeName> },
}

fn shown(nodes: &[NodeName]) -> String {
    nodes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl Which {
    /// # Errors
    /// When the project has no such secret.
    pub fn find(project: &Project, name: &str) -> Result<Self, NoRenewal> {
        match name.split_once(':') {
            Some(("database", name)) => match project.databases.get(name) {
                Some(Database { password: Some(secret), .. }) => Ok(Self::Secret(secret.clone())),
                Some(_) => Ok(Self::Database(name.to_owned())),
                None => Err(NoRenewal::Unknown(format!("database:{name}"))),
            },
            None if project.secrets.contains_key(name) => Ok(Self::Secret(name.to_owned())),
            _ => Err(NoRenewal::Unknown(name.to_owned())),
        }
    }

    /// All that there are.
    pub fn all(project: &Project) -> Vec<Self> {
        let secrets = project.secrets.keys().cloned().map(Self::Secret);
        let kept_by_rds = project.databases.values().filter(|database| database.password.is_none());
        secrets.chain(kept_by_rds.map(|database| Self::Database(database.name.clone()))).collect()
    }

    pub fn node(&self) -> NodeName {
        match self {
            Self::Secret(name) => NodeName::new(Kept::NAME, name),
            Self::Database(name) => NodeName::new(Instance::NAME, name),
        }
    }

    /// Those that read it when a task starts, by itself or in what is put together from it.
    pub fn readers<'a>(&'a self, project: &'a Project, of: &'a [Service]) -> impl Iterator<Item = &'a str> {
        let reads = move |reference: &SecretRef| match (reference, self) {
            (SecretRef::Secret { name, .. }, Self::Secret(mine)) => {
                name == mine || self.templates(project).any(|template| template == name)
            }
            (SecretRef::DatabaseUser { database, .. }, Self::Database(mine)) => database == mine,
            _ => false,
        };
        of.iter().filter(move |service| service.secrets.values().any(reads)).map(|service| service.name.as_str())
    }

    /// Names of the secrets that are put together from it.
    pub fn templates<'a>(&'a self, project: &'a Project) -> impl Iterator<Item = &'a str> {
        let mine = if let Self::Secret(mine) = self { Some(mine.as_str()) } else { None };
        let made_of_it = move |secret: &&Secret| secret.source.secrets().any(|name| Some(name) == mine);
        project.secrets.values().filter(made_of_it).map(|secret| secret.name.as_str())
    }

    /// What must follow a new value: databases whose password it is, then what is put together from it.
    fn followers(&self, project: &Project) -> Vec<NodeName> {
        let mine = if let Self::Secret(mine) = self { Some(mine) } else { None };
        let databases = project.databases.values().filter(|database| mine.is_some() && database.password.as_ref() == mine);
        let databases = databases.map(|database| NodeName::new(Instance::NAME, &database.name));
        databases.chain(self.templates(project).map(|template| NodeName::new(Kept::NAME, template))).collect()
    }
}

impl std::fmt::Display for Which {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Secret(name) => f.write_str(name),
            Self::Database(name) => write!(f, "database:{name}"),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Renewal {
    pub which: Which,
    /// Whoever makes the value makes another one: the generator, or RDS. Otherwise it is given.
    pub anew: bool,
    /// The services that read it get new tasks.
    pub roll: bool,
}

impl Renewal {
    /// Marks what is to be replaced.
    pub fn mark(&self, project: &Project, live: &mut LiveSet) {
        let mut set = |node: &NodeName, field: &str, value: &dyn Fn(&Value) -> Value| {
            // A service that runs nothing has read nothing.
            let shape = live.nodes.get_mut(node).map(|there| &mut there.shape).filter(|shape| shape["count"] != json!(0));
            if let Some(there) = shape.and_then(|shape| shape.get_mut(field)) {
                *there = value(there);
            }
        };
        if self.anew {
            match self.which {
                Which::Secret(_) => set(&self.which.node(), "value", &|_| json!(SecretSource::Outdated)),
                // As if RDS did not keep it: so the kind is asked to see to it.
                Which::Database(_) => set(&self.which.node(), "managed_password", &|_| json!(false)),
            }
        }
        for service in self.which.readers(project, &project.services).filter(|_| self.roll) {
            let outdated = |revision: &Value| json!(Rollout::outdated(revision.as_str().unwrap_or_default()));
            set(&NodeName::new(Rollout::NAME, service), "task_definition", &outdated);
        }
    }

    /// The part of `plan`, made from what was marked, that does it and nothing else.
    ///
    /// # Errors
    /// When there is nothing to renew, or new tasks would bring more with them than another secret.
    pub fn narrow(&self, project: &Project, plan: Plan) -> Result<Plan, NoRenewal> {
        let secret = self.which.node();
        let step = |node: &NodeName| plan.step(node);
        let made = step(&secret).is_none_or(|step| matches!(step.action, Action::Create | Action::Replace));
        if made && (self.anew || matches!(self.which, Which::Database(_))) {
            return Err(NoRenewal::NotThere(secret));
        }
        let mut keep = BTreeSet::from([secret]);
        keep.extend(self.which.followers(project));
        for service in self.which.readers(project, &project.services).filter(|_| self.roll) {
            let (revision, rollout) = (NodeName::new(TaskDefinition::NAME, service), NodeName::new(Rollout::NAME, service));
            // One that does not stand, or runs nothing, reads nothing.
            if step(&rollout).is_none_or(|step| step.action == Action::Create || runs_nothing(step)) {
                continue;
            }
            let waits = [&revision, &rollout].into_iter().filter(|node| step(node).is_some_and(more_than_tasks)).cloned();
            let nodes: Vec<NodeName> = waits.collect();
            if !nodes.is_empty() {
                return Err(NoRenewal::Beyond { service: service.to_owned(), nodes });
            }
            // The revision stays as it is, and says what its tasks wait for.
            keep.extend([revision, rollout]);
        }
        Ok(plan.of_only(|step| keep.contains(&step.node)))
    }
}

fn runs_nothing(step: &Step) -> bool {
    step.changes.iter().any(|change| change.field == "count" && change.old == json!(0))
}

fn more_than_tasks(step: &Step) -> bool {
    let only_marked = step.changes.iter().all(|change| {
        let (old, new) = (change.old.as_str().unwrap_or_default(), change.new.as_str().unwrap_or_default());
        change.field == "task_definition" && change.from.is_none() && Rollout::is_only_outdated(old, new)
    });
    step.changes_aws() && !only_marked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::drawn;

    #[test]
    fn only_who_reads_a_secret_reads_it() {
        let database = |name: &str, by: &str| {
            format!(
                "[databases.{name}]\nengine = \"postgres\"\nversion = \"16\"\nclass = \"db.t3.micro\"\nused-by = [\"{by}\"]\n\n"
            )
        };
        let toml = format!(
            "name = \"shop\"\n\n[services.web]\nsecrets = {{ A = \"one\", P = \"database:main.password\" }}\n\n[services.migrate]\nsecrets = {{ B = \"one\" }}\n\n[services.worker]\nsecrets = {{ C = \"two\", P = \"database:side.password\" }}\n\n[secrets.one]\ngenerate = true\n\n[secrets.two]\ngenerate = true\n\n{}{}",
            database("main", "web"),
            database("side", "worker")
        );
        let compose =
            "services:\n  web:\n    image: a:1\n  worker:\n    image: b:1\n  migrate:\n    image: c:1\n    restart: \"no\"\n";
        let (project, _) = drawn(&toml, compose, false);
        let readers = |name: &str| {
            let which = Which::find(&project, name).expect("there is one");
            let (services, jobs) = (which.readers(&project, &project.services), which.readers(&project, &project.jobs));
            services.chain(jobs).collect::<Vec<_>>().join(", ")
        };
        let all = ["one", "two", "database:main", "database:side"].map(readers);
        assert_eq!(all, ["web, migrate", "worker", "web", "worker"]);
    }
}
