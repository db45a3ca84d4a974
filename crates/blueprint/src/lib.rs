//! From a validated project to the desired graph: every name, range, rule and default is chosen here, and nothing here touches the network.
//!
//! Nothing knows a particular project. Each module adds its part of the landing zone when the project asks for it, and nothing otherwise: no load
//! balancer without paths, no NAT gateway without private tasks, no distribution without a single-page application.

mod database;
mod delivery;
mod deploy;
mod edge;
mod github;
mod image;
mod looking;
mod names;
mod network;
mod policy;
mod renewal;
#[cfg(test)]
mod sample;
mod secret;
mod security;
mod service;
mod smoke;
mod task;
mod volume;
mod workflow;

use std::collections::BTreeMap;

use landing_engine::{Graph, Ref, Stack};
use landing_project::Project;

pub use delivery::{SiteFacts, site_bucket};
pub use deploy::{NoDeploy, SITE, deploy};
pub use image::{ImageFacts, NoBuilder, recipes};
pub use names::{Whereabouts, database_name, secret_name, whereabouts};
pub use renewal::{NoRenewal, Renewal, Which};
pub use smoke::smoke;
pub use workflow::{NoWorkflow, Workflow, workflow};

/// What only AWS can tell, looked up once before the graph is drawn.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    pub account: String,
    pub region: String,
    pub partition: String,
    /// Names of the region's availability zones, sorted.
    pub zones: Vec<String>,
    /// By repository; none when nobody looked.
    pub images: BTreeMap<String, ImageFacts>,
    /// Why an image that does not stand cannot be made here; `None` when it can.
    pub no_builder: Option<NoBuilder>,
    /// What is to be published; `None` when nobody looked.
    pub site: Option<SiteFacts>,
    /// Managed prefix list of CloudFront's origin-facing addresses; needed only when the load balancer admits CloudFront alone.
    pub cloudfront_prefix_list: Option<String>,
}

/// The desired graph and what people should be told about it.
#[derive(Clone, Debug)]
pub struct Blueprint {
    pub stack: Stack,
    pub graph: Graph,
    /// Things to know that are no error, such as a service without an image.
    pub notices: Vec<String>,
    /// Name → value of what `landing outputs` prints, URLs last.
    pub outputs: Vec<(String, Ref<String>)>,
}

#[derive(Debug, thiserror::Error)]
pub enum BlueprintError {
    #[error(
        "the region {region} has {found} availability zones that this account can use, and `network.zones` asks for {wanted}"
    )]
    Zones { region: String, found: usize, wanted: u8 },
}

/// Draws the graph.
///
/// # Errors
/// When the region cannot hold it.
pub fn draw(project: &Project, facts: &Facts) -> Result<Blueprint, BlueprintError> {
    if facts.zones.len() < usize::from(project.network.zones) {
        let (region, found) = (facts.region.clone(), facts.zones.len());
        return Err(BlueprintError::Zones { region, found, wanted: project.network.zones });
    }
    let stack = Stack::new(&project.name, &project.env);
    let mut draft = Draft {
        project,
        facts,
        prefix: stack.prefix(),
        stack,
        graph: Graph::default(),
        notices: Vec::new(),
        outputs: Vec::new(),
    };
    let network = network::draw(&mut draft);
    let groups = security::draw(&mut draft, &network);
    let mut secrets = secret::draw(&mut draft);
    let databases = database::draw(&mut draft, &network, &groups, &secrets);
    let volumes = volume::draw(&mut draft, &network, &groups);
    let images = image::draw(&mut draft);
    let edge = edge::draw(&mut draft, &network, &groups);
    secret::draw_templates(&mut draft, &mut secrets, &databases);
    let tasks = task::draw(&mut draft, &secrets, &databases, &volumes, &images);
    let services = service::draw(&mut draft, &network, &groups, &edge, &tasks, &images);
    let site = delivery::draw(&mut draft, &edge);
    github::draw(&mut draft, &images, &tasks, &services, site.as_ref());
    Ok(Blueprint { stack: draft.stack, graph: draft.graph, notices: draft.notices, outputs: draft.outputs })
}

/// The graph while it is being drawn.
struct Draft<'a> {
    project: &'a Project,
    facts: &'a Facts,
    stack: Stack,
    prefix: String,
    graph: Graph,
    notices: Vec<String>,
    outputs: Vec<(String, Ref<String>)>,
}

impl Draft<'_> {
    /// `arn:<partition>:<service>:<region>:<account>:<rest>`.
    fn arn(&self, service: &str, rest: &str) -> String {
        let Facts { partition, region, account, .. } = self.facts;
        format!("arn:{partition}:{service}:{region}:{account}:{rest}")
    }

    /// The same for services without regions.
    fn global_arn(&self, service: &str, rest: &str) -> String {
        let Facts { partition, account, .. } = self.facts;
        format!("arn:{partition}:{service}::{account}:{rest}")
    }

    fn output(&mut self, name: &str, value: Ref<String>) {
        self.outputs.push((name.to_owned(), value));
    }
}
