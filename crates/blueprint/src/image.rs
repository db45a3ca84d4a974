//! Images: a repository for each one that is built, and where each task's image is pulled from.

use std::collections::BTreeMap;

use landing_aws::ecr::Repository;
use landing_engine::{NodeName, Ref, Stack};
use landing_project::{Image, Project, Service};
use serde_json::json;

use crate::Draft;

/// The tag that is looked for in a repository.
pub const TAG: &str = "latest";

/// Repository and image of one service or job.
pub(crate) struct TaskImage {
    pub(crate) repository: Option<NodeName>,
    pub(crate) uri: Ref<String>,
    /// False for an image of our own that is not in its repository yet.
    pub(crate) there: bool,
}

/// By compose name.
pub(crate) type Images = BTreeMap<String, TaskImage>;

/// What is built, and what has files of the project baked into it, needs a repository of its own; the rest is pulled from where it is.
fn is_ours(service: &Service) -> bool {
    matches!(service.image, Image::Built(_)) || !service.baked_files.is_empty()
}

/// ECR takes lower case only.
fn repository_name(stack: &Stack, service: &str) -> String {
    format!("{}/{}", stack.prefix(), service.to_lowercase())
}

/// Repository names of a project's own images, for looking up what stands in them.
pub fn repositories(project: &Project) -> Vec<String> {
    let stack = Stack::new(&project.name, &project.env);
    let tasks = project.services.iter().chain(&project.jobs);
    tasks.filter(|service| is_ours(service)).map(|service| repository_name(&stack, &service.name)).collect()
}

pub(crate) fn draw(draft: &mut Draft<'_>) -> Images {
    let project = draft.project;
    let mut images = Images::new();
    let mut missing = Vec::new();
    for service in project.services.iter().chain(&project.jobs) {
        let image = match &service.image {
            Image::External(reference) if service.baked_files.is_empty() => {
                TaskImage { repository: None, uri: reference.as_str().into(), there: true }
            }
            _ => own(draft, service),
        };
        if !image.there {
            missing.push(service.name.as_str());
        }
        images.insert(service.name.clone(), image);
    }
    if !missing.is_empty() {
        draft.notices.push(format!(
            "no image in ECR yet for {}: they stay at 0 tasks until `{}/<service>:{TAG}` is pushed and `landing up` runs again",
            missing.join(", "),
            draft.prefix
        ));
    }
    images
}

fn own(draft: &mut Draft<'_>, service: &Service) -> TaskImage {
    let name = repository_name(&draft.stack, &service.name);
    let repository = Repository {
        name: name.clone(),
        scan_on_push: true,
        mutable_tags: true,
        lifecycle: json!({
            "rules": [{
                "rulePriority": 1,
                "description": format!("keep the last {} images", draft.project.registry.keep_images),
                "selection": { "tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": draft.project.registry.keep_images },
                "action": { "type": "expire" },
            }],
        }),
    };
    let node = draft.graph.add(&service.name, &repository);
    draft.graph.set_service(&node, &service.name);
    let digest = draft.facts.images.get(&name);
    // Pinned by digest: a tag that moves changes nothing until the next `up` sees it.
    let suffix = digest.map_or_else(|| format!(":{TAG}"), |digest| format!("@{digest}"));
    let uri = Ref::join(vec![Repository::URI.of(&node).text(), suffix.as_str().into()]);
    TaskImage { repository: Some(node), uri, there: digest.is_some() }
}
