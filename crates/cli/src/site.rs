//! The files of the single-page application: built when that is asked for, read, and compared with nothing yet.

use std::collections::BTreeMap;
use std::path::Path;

use landing_aws::Aws;
use landing_blueprint::{SiteFacts, site_bucket};
use landing_images::{Died, Invocation, run};
use landing_project::site::{self, Unpublishable};
use landing_project::{Project, SecretSource, Spa, SpaBuild};

use crate::commands::say;
use crate::failure::{Exit, Failure};
use crate::render::style;
use crate::session::{environment, shown};

/// Lines of a build that failed which are told once more, together.
const LAST_LINES: usize = 10;
/// Files that must not be published which are named one by one.
const SHOWN: usize = 20;

#[derive(Default)]
pub(crate) struct Site {
    pub(crate) facts: Option<SiteFacts>,
    pub(crate) notice: Option<String>,
}

impl Site {
    /// `builds`: the project's build command is run first.
    pub(crate) async fn look(project: &Project, aws: &Aws, builds: bool) -> Result<Self, Failure> {
        let Some(spa) = &project.spa else { return Ok(Self::default()) };
        let mut notice = None;
        match &spa.build {
            Some(build) if builds => make(project, build).await?,
            Some(build) if project.dir.join(&spa.dist).exists() => {
                let dist = spa.dist.display();
                notice = Some(format!("`landing up` runs `{}` first; here, {dist} is taken as it is", build.command));
            }
            _ => {}
        }
        let mut facts = SiteFacts { files: read(project, spa).await?, standing: None };
        match (&facts.files, site_bucket(project, &aws.account)) {
            (Some(_), _) => aws.publish_from(project.dir.join(&spa.dist)),
            (None, Some(bucket)) => facts.standing = aws.standing_site(&bucket).await?,
            (None, None) => {}
        }
        Ok(Self { facts: Some(facts), notice })
    }
}

/// Reads every file, so it has a thread of its own.
async fn read(project: &Project, spa: &Spa) -> Result<Option<site::SiteFiles>, Failure> {
    let (dir, dist) = (project.dir.clone(), spa.dist.clone());
    let secrets = secrets(project, &environment());
    let work = tokio::task::spawn_blocking(move || site::read(&dir, &dist, &secrets));
    let read = work.await.map_err(|error| Failure::new(Exit::Failed, format!("the site's files could not be read: {error}")))?;
    read.map_err(|refused| refusal(&spa.dist, &refused))
}

fn refusal(dist: &Path, refused: &[Unpublishable]) -> Failure {
    let title = format!("{} cannot be published as it is; nothing was touched", shown(dist));
    let mut failure = Failure::new(Exit::Configuration, title);
    for file in refused.iter().take(SHOWN) {
        failure = failure.because(format!("{file}: {}", file.help));
    }
    match refused.len().checked_sub(SHOWN) {
        Some(more @ 1..) => failure.because(format!("and {more} more")),
        _ => failure,
    }
}

/// Values that are at hand, by variable.
fn secrets(project: &Project, environment: &BTreeMap<String, String>) -> Vec<(String, String)> {
    secret_variables(project).filter_map(|name| Some((name.to_owned(), environment.get(name)?.clone()))).collect()
}

fn secret_variables(project: &Project) -> impl Iterator<Item = &str> {
    project.secrets.values().filter_map(|secret| match &secret.source {
        SecretSource::Environment { variable } => Some(variable.as_str()),
        SecretSource::Generate { .. } | SecretSource::Template(_) => None,
    })
}

/// Runs the build, which is given nothing that is only for AWS or for the services.
async fn make(project: &Project, build: &SpaBuild) -> Result<(), Failure> {
    let folder = project.dir.join(&build.dir);
    if !folder.is_dir() {
        let title = format!("the build of the application is to run in {}, and there is no such folder", shown(&build.dir));
        return Err(Failure::new(Exit::Configuration, title).help("name the folder with its package.json as `dir` under [spa]"));
    }
    let mut invocation = Invocation::new(Path::new("sh"));
    invocation.args(["-c", &build.command]).folder(&folder);
    let ours = |name: &&String| name.starts_with("AWS_") || name.starts_with("LANDING_");
    let environment = environment();
    for name in environment.keys().filter(ours).map(String::as_str).chain(secret_variables(project)) {
        invocation.withhold(name);
    }
    say(&format!("{}: {}", style::dim("build"), build.command));
    let tell = |line: &str| say(&format!("{}: {line}", style::dim("build")));
    run(invocation, &tell).await.map_err(|Died { said, how }| {
        let title = format!("the build of the application failed ({how}); nothing was touched");
        let last = &said[said.len().saturating_sub(LAST_LINES)..];
        let failure = last.iter().fold(Failure::new(Exit::Failed, title), |failure, line| failure.because(line.clone()));
        failure.help(format!("`{}` must end with 0 in {}", build.command, shown(&folder)))
    })
}
