//! What the project's own images are, which of them stand in ECR, and what the others are made with.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Duration;

use landing_aws::Aws;
use landing_aws::ecr::{Bench, Standing};
use landing_blueprint::{ImageFacts, NoBuilder, recipes};
use landing_images::{Builder, Recipe, Tagger, Workshop};
use landing_project::Project;

use crate::failure::{Exit, Failure};
use crate::session::environment;
use crate::world::KeptWorld;

/// AWS time that a rehearsal lets an image take.
const STAND_IN: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(crate) struct Images {
    pub(crate) facts: BTreeMap<String, ImageFacts>,
    pub(crate) no_builder: Option<NoBuilder>,
    pub(crate) notice: Option<String>,
}

impl Images {
    /// Reads the files of every image, looks into ECR, and finds a builder if there is anything to build.
    pub(crate) async fn look(project: &Project, aws: &Aws, world: Option<&KeptWorld>) -> Result<Self, Failure> {
        let recipes = recipes(project);
        let tags = tags(project, &recipes).await?;
        let repositories: Vec<String> = recipes.keys().cloned().collect();
        let standing = aws.standing_images(&repositories).await?;
        let mut looked = Self::default();
        let mut to_make = BTreeMap::new();
        for (repository, recipe) in recipes {
            let tag = tags[&repository].clone();
            let standing = Standing::best(&standing[&repository], Some(&tag)).map(|image| image.tag.clone());
            if standing.as_ref() != Some(&tag) {
                to_make.insert(tag.clone(), recipe);
            }
            looked.facts.insert(repository, ImageFacts { tag, standing });
        }
        if !to_make.is_empty() {
            looked.equip(project, aws, world, to_make).await?;
        }
        Ok(looked)
    }

    async fn equip(
        &mut self,
        project: &Project,
        aws: &Aws,
        world: Option<&KeptWorld>,
        recipes: BTreeMap<String, Recipe>,
    ) -> Result<(), Failure> {
        let environment = environment();
        let named = environment.get("LANDING_BUILDER").filter(|name| !name.is_empty()).cloned();
        let named = named.or_else(|| project.registry.builder.clone());
        let wanted = match named.as_deref() {
            None if world.is_some() => {
                aws.equip(Bench::StandIns { takes: STAND_IN });
                let notice = "this rehearsal stands in for images and builds none; LANDING_BUILDER=auto builds them with docker, podman or buildah";
                self.notice = Some(notice.to_owned());
                return Ok(());
            }
            Some("none") => {
                let (why, help) = ("no builder is to be used".to_owned(), "Name a builder in LANDING_BUILDER".to_owned());
                self.no_builder = Some(NoBuilder { why, help });
                return Ok(());
            }
            None | Some("auto") => None,
            wanted => wanted,
        };
        let path = environment.get("PATH").map(OsString::from).unwrap_or_default();
        match Builder::find(wanted, &path).await {
            Ok(builder) => {
                if let Some(world) = world {
                    world.open_registry().await?;
                }
                aws.equip(Bench::Workshop(Workshop::new(project.dir.clone(), builder, recipes, &environment)));
            }
            Err(unavailable) => {
                let mut help = unavailable.help;
                // It begins a sentence.
                help[..1].make_ascii_uppercase();
                self.no_builder = Some(NoBuilder { why: unavailable.why, help });
            }
        }
        Ok(())
    }
}

/// By repository. Reads every file of every context, so it has a thread of its own.
async fn tags(project: &Project, recipes: &BTreeMap<String, Recipe>) -> Result<BTreeMap<String, String>, Failure> {
    let (dir, recipes) = (project.dir.clone(), recipes.clone());
    let work = tokio::task::spawn_blocking(move || {
        let mut tagger = Tagger::new(&dir);
        let tags = recipes.into_iter().map(|(repository, recipe)| {
            let tag = tagger.tag(&recipe).map_err(|error| {
                let failure = Failure::new(Exit::Configuration, format!("the image {repository}: {error}"));
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                cause.into_iter().fold(failure, Failure::because).help(error.help())
            })?;
            Ok((repository, tag))
        });
        tags.collect::<Result<_, Failure>>()
    });
    work.await.unwrap_or_else(|error| Err(Failure::new(Exit::Failed, format!("the images' files could not be read: {error}"))))
}
