//! Images: a repository for each one that is made here, the image in it, and where each task's image is pulled from.

use std::collections::BTreeMap;

use landing_aws::ecr::{Image as EcrImage, Repository};
use landing_engine::{NodeName, Readiness, Ref, Stack};
use landing_images::{Baked, BakedSource, Base, Build, Recipe, SecretSource};
use landing_project::{BuildSecret, Image, Platform, Project, Service};
use serde_json::json;

use crate::Draft;

/// What is known of one image before the graph is drawn.
#[derive(Clone, Debug, Default)]
pub struct ImageFacts {
    /// The tag of what its files say now.
    pub tag: String,
    /// The tag under which an image stands: the same one, or that of the image that was pushed last.
    pub standing: Option<String>,
}

/// Why an image that does not stand cannot be made on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoBuilder {
    pub why: String,
    /// What to do about it.
    pub help: String,
}

/// Repository and image of one service or job.
pub(crate) struct TaskImage {
    pub(crate) repository: Option<NodeName>,
    pub(crate) uri: Ref<String>,
    /// False for an image of our own that is not there and cannot be made.
    pub(crate) there: bool,
}

/// By compose name.
pub(crate) type Images = BTreeMap<String, TaskImage>;

/// ECR takes lower case only.
fn repository_name(stack: &Stack, service: &str) -> String {
    format!("{}/{}", stack.prefix(), service.to_lowercase())
}

/// What a project's own images are made from, by repository. What is pulled from elsewhere as it is has none.
pub fn recipes(project: &Project) -> BTreeMap<String, Recipe> {
    let stack = Stack::new(&project.name, &project.env);
    let tasks = project.services.iter().chain(&project.jobs);
    let hidden = hidden(project);
    let recipe = |service| Some(Recipe { hidden: hidden.clone(), ..recipe(service)? });
    tasks.filter_map(|service| Some((repository_name(&stack, &service.name), recipe(service)?))).collect()
}

/// Where the state lies unless somebody says otherwise, with its lock, its journal and what is there for a moment: it would be another one at every `up`.
fn hidden(project: &Project) -> Vec<String> {
    vec![format!("state/{}-", project.name), "state/.".to_owned()]
}

fn recipe(service: &Service) -> Option<Recipe> {
    let base = match &service.image {
        Image::External(_) if service.baked_files.is_empty() => return None,
        Image::External(reference) => Base::Image(reference.clone()),
        Image::Built(build) => Base::Build(Build {
            context: build.context.clone(),
            dockerfile: build.dockerfile.clone().unwrap_or_default(),
            dockerfile_inline: build.dockerfile_inline.clone(),
            args: build.args.clone(),
            target: build.target.clone(),
            contexts: build.additional_contexts.clone(),
            labels: build.labels.clone(),
            secrets: build.secrets.iter().map(|(id, secret)| (id.clone(), secret_source(secret))).collect(),
        }),
    };
    let platform = match service.platform {
        Platform::X86_64 => "linux/amd64",
        Platform::Arm64 => "linux/arm64",
    };
    let baked = service.baked_files.iter().map(|file| Baked { source: baked_source(&file.source), target: file.target.clone() });
    Some(Recipe { base, platform: platform.into(), baked: baked.collect(), hidden: Vec::new() })
}

fn baked_source(source: &landing_project::BakedSource) -> BakedSource {
    match source {
        landing_project::BakedSource::File(path) => BakedSource::File(path.clone()),
        landing_project::BakedSource::Text(text) => BakedSource::Text(text.clone()),
    }
}

fn secret_source(secret: &BuildSecret) -> SecretSource {
    match secret {
        BuildSecret::Environment(variable) => SecretSource::Environment(variable.clone()),
        BuildSecret::File(path) => SecretSource::File(path.clone()),
    }
}

/// Arguments that seem to be credentials. Not refused: a word in a name may mislead.
fn telling(service: &Service) -> Option<String> {
    let Image::Built(build) = &service.image else {
        return None;
    };
    let names = build.telling_args();
    (!names.is_empty()).then(|| {
        format!(
            "the build of {} is given {} as an argument, which whoever has the image can read: give a credential by `build.secrets` and RUN --mount=type=secret",
            service.name,
            names.join(", ")
        )
    })
}

pub(crate) fn draw(draft: &mut Draft<'_>) -> Images {
    let project = draft.project;
    let mut images = Images::new();
    let (mut missing, mut stale) = (Vec::new(), Vec::new());
    for service in project.services.iter().chain(&project.jobs) {
        let image = match &service.image {
            Image::External(reference) if service.baked_files.is_empty() => {
                TaskImage { repository: None, uri: reference.as_str().into(), there: true }
            }
            _ => own(draft, service, &mut missing, &mut stale),
        };
        images.insert(service.name.clone(), image);
    }
    let services = project.services.iter().chain(&project.jobs);
    draft.notices.extend(services.filter_map(telling));
    if let Some(no) = &draft.facts.no_builder {
        draft.notices.extend(notices(no, &missing, &stale));
    }
    images
}

/// A service and the tag that is wanted in its repository.
struct Wanted<'a> {
    service: &'a str,
    place: String,
}

fn notices(no: &NoBuilder, missing: &[Wanted<'_>], stale: &[Wanted<'_>]) -> Vec<String> {
    let NoBuilder { why, help } = no;
    let names = |wanted: &[Wanted<'_>]| wanted.iter().map(|wanted| wanted.service).collect::<Vec<_>>().join(", ");
    let places = |wanted: &[Wanted<'_>]| wanted.iter().map(|wanted| format!("\n    {}", wanted.place)).collect::<String>();
    let mut notices = Vec::new();
    if !missing.is_empty() {
        notices.push(format!(
            "no image in ECR yet for {}, and {why}: they stay at 0 tasks. {help} and run `landing up` again, or push the images from elsewhere:{}",
            names(missing),
            places(missing)
        ));
    }
    if !stale.is_empty() {
        notices.push(format!(
            "the files of {} have changed, and {why}: the images that stand in ECR stay. {help} and run `landing up` again, or push the images from elsewhere:{}",
            names(stale),
            places(stale)
        ));
    }
    notices
}

fn own<'a>(draft: &mut Draft<'_>, service: &'a Service, missing: &mut Vec<Wanted<'a>>, stale: &mut Vec<Wanted<'a>>) -> TaskImage {
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
    let uri = Repository::URI.of(&node).text();
    let facts = draft.facts.images.get(&name).cloned().unwrap_or_default();
    let wanted = Wanted { service: &service.name, place: format!("{name}:{}", facts.tag) };
    let tag = match facts.standing {
        _ if facts.tag.is_empty() => None,
        Some(standing) if standing == facts.tag => Some(standing),
        _ if draft.facts.no_builder.is_none() => Some(facts.tag.clone()),
        // What runs goes on running: nothing is scaled down because this machine cannot build.
        Some(standing) => {
            stale.push(wanted);
            Some(standing)
        }
        None => {
            missing.push(wanted);
            None
        }
    };
    let Some(tag) = tag else {
        return TaskImage {
            repository: Some(node),
            uri: Ref::join(vec![uri, format!(":{}", facts.tag).as_str().into()]),
            there: false,
        };
    };
    let image = draft.graph.add(&service.name, &EcrImage { repository: name, tag });
    draft.graph.set_service(&image, &service.name);
    draft.graph.after(&image, &node, Readiness::Known);
    // Pinned by digest: a tag that moves changes nothing until the next `up` sees it.
    let uri = Ref::join(vec![uri, "@".into(), EcrImage::DIGEST.of(&image)]);
    TaskImage { repository: Some(node), uri, there: true }
}
