//! Both files together: landing.toml has its say over compose, and all that they name must exist.

mod calls;
mod credentials;
mod cycles;
mod databases;
mod fargate;
mod github;
mod managed;
mod names;
mod network;
mod references;
mod rules;
mod secrets;
mod services;
mod smoke;
mod state;
mod templates;
mod volumes;

pub(crate) use names::plain;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use crate::{
    Input,
    compose::{self, Compose, Report},
    files::{Files, ReadError},
    place::Place,
    problem::{Problem, Problems},
    project::{AlbFrom, AlbSettings, KeyOutcome, Logs, Outcome, Project, Registry, Skipped, Spa, SpaBuild},
    proposal,
    settings::{self, AlbFromSetting, ComposeFiles, Document, Settings, SpaSettings},
    suggest::did_you_mean,
};

/// All that the steps below need to see, and where they put what is wrong.
struct Cx<'a> {
    document: &'a Document<'a>,
    settings: &'a Settings,
    problems: Vec<Problem>,
    outcomes: Vec<KeyOutcome>,
    /// What the specification's schema refuses; the readers of single keys have better words for most of it.
    form: Vec<Problem>,
    credentials: credentials::Plain,
}

impl Cx<'_> {
    /// Adds what nobody else has said of the form of a line, and takes out what only follows from something else.
    fn complete(&mut self) {
        let of_form = |problem: &&Problem| ["bad-value", "unknown-key", "bad-name"].contains(&problem.code);
        let said: BTreeSet<(PathBuf, usize)> =
            self.problems.iter().filter(of_form).map(|problem| (problem.file.clone(), problem.line)).collect();
        let unsaid = self.form.drain(..).filter(|problem| !said.contains(&(problem.file.clone(), problem.line)));
        self.problems.extend(unsaid);
        // A blank in place of a variable that is not set is wrong in many ways, and has one fix.
        let blank = self.problems.iter().filter(|problem| problem.code == "unset-variable");
        let blank: BTreeSet<(PathBuf, usize)> = blank.map(|problem| (problem.file.clone(), problem.line)).collect();
        self.problems.retain(|problem| {
            let follows = ["bad-value", "unsupported-value", "unsupported-volume", "missing-file", "path-traversal"];
            !follows.contains(&problem.code) || !blank.contains(&(problem.file.clone(), problem.line))
        });
    }
}

pub(crate) fn project(input: &Input<'_>) -> Result<Project, Problems> {
    let mut files = Files::new(input.dir);
    let source = files.read("landing.toml".as_ref()).map_err(|error| Problems(vec![unreadable(&error)], None))?;
    let (document, settings, problems) =
        settings::read(&source, input.env_name).map_err(|problems| sorted(problems, &source.text))?;
    let mut cx = Cx {
        document: &document,
        settings: &settings,
        problems,
        outcomes: Vec::new(),
        form: Vec::new(),
        credentials: credentials::Plain::default(),
    };
    names::environment(&mut cx, input.env_name);
    let name = names::project(&mut cx);
    names::region(&mut cx);
    let state = state::read(&mut cx);
    let network = network::read(&mut cx);
    let spa = spa(&mut cx, &files);
    let github = github::read(&mut cx);
    let logs = logs(&mut cx);
    let compose = compose_paths(&mut cx, &files).and_then(|paths| {
        let report = Report { problems: &mut cx.problems, form: &mut cx.form, outcomes: &mut cx.outcomes };
        compose::load(&mut files, &paths, input.environment, report)
    });
    let mut compose = match compose {
        Ok(compose) => compose,
        Err(problem) => {
            cx.problems.push(problem);
            cx.complete();
            return Err(sorted(cx.problems, &source.text));
        }
    };
    let name_of_all = settings.name.clone().unwrap_or_default();
    compose.variables.dot_env.entry("COMPOSE_PROJECT_NAME".to_owned()).or_insert(name_of_all);
    let skipped = skipped(&mut cx, &compose);
    let mut databases = databases::read(&mut cx);
    let secrets = secrets::read(&mut cx, &mut databases);
    let kept = volumes::kept(&mut cx);
    let (services, jobs) = services::read(&mut cx, &compose, &skipped, &secrets, &mut databases, &kept, &mut files);
    let volumes = volumes::read(&mut cx, &services, &jobs);
    cx.problems.extend(cx.credentials.problems());
    cx.complete();
    if !cx.problems.is_empty() {
        return Err(sorted(cx.problems, &source.text));
    }
    let mut keys = cx.outcomes;
    keys.sort_by(|a, b| (&a.service, &a.key).cmp(&(&b.service, &b.key)));
    Ok(Project {
        name,
        env: input.env_name.to_owned(),
        region: input.region.map(str::to_owned).or_else(|| settings.region.clone()),
        dir: input.dir.to_owned(),
        files: files.read.into_iter().collect(),
        state,
        network,
        services,
        jobs,
        skipped: skipped.into_iter().map(|(name, reason)| Skipped { name, reason }).collect(),
        secrets,
        databases,
        volumes,
        spa,
        github,
        alb: AlbSettings {
            from: match settings.alb.from {
                None | Some(AlbFromSetting::Internet) => AlbFrom::Internet,
                Some(AlbFromSetting::CloudFront) => AlbFrom::CloudFront,
            },
        },
        logs,
        registry: Registry {
            keep_images: settings.registry.keep_images.unwrap_or(10).max(1),
            builder: settings.registry.builder.clone(),
        },
        keys,
    })
}

/// By file and line, landing.toml first, and each only once, with what they all ask for in landing.toml.
fn sorted(mut problems: Vec<Problem>, landing_toml: &str) -> Problems {
    let key = |problem: &Problem| {
        let is_compose = problem.file.extension().is_none_or(|extension| extension != "toml");
        (is_compose, problem.file.clone(), problem.span.start, problem.code)
    };
    problems.sort_by_key(key);
    problems.dedup();
    let mut each: Vec<Problem> = Vec::new();
    for problem in problems {
        if !each.iter_mut().any(|told| told.absorbs(&problem)) {
            each.push(problem);
        }
    }
    // Its tables are not shown while there may be a credential in them.
    let has_credential = each.iter().any(|problem| {
        ["plain-text-credential", "bad-secret"].contains(&problem.code)
            && problem.file.extension().is_some_and(|extension| extension == "toml")
    });
    if has_credential {
        return Problems(each, None);
    }
    let proposal = proposal::text(each.iter().flat_map(|problem| &problem.lines), landing_toml);
    Problems(each, proposal)
}

fn unreadable(error: &ReadError) -> Problem {
    match error {
        ReadError::Missing => Problem::in_file("landing.toml", "missing-landing-toml", "there is no landing.toml in this folder")
            .help(settings::MINIMAL),
        other => Problem::in_file("landing.toml", "unreadable-landing-toml", format!("cannot read landing.toml: {other}"))
            .help(settings::MINIMAL),
    }
}

/// The compose file, and those that are laid over it.
fn compose_paths(cx: &mut Cx<'_>, files: &Files<'_>) -> Result<Vec<PathBuf>, Problem> {
    match &cx.settings.compose {
        Some(ComposeFiles::One(text)) => Ok(vec![compose_path(text, &cx.document.value(&["compose"]), files)?]),
        Some(ComposeFiles::Many(texts)) if texts.is_empty() => {
            Err(Problem::at(&cx.document.value(&["compose"]), "missing-compose", "`compose` names no file")
                .help("name the compose file: compose = \"path/to/compose.yaml\""))
        }
        Some(ComposeFiles::Many(texts)) => {
            let place = |index: usize| cx.document.value(&["compose", &index.to_string()]);
            texts.iter().enumerate().map(|(index, text)| compose_path(text, &place(index), files)).collect()
        }
        None => {
            let place = cx.document.value(&[]);
            let path = compose::default_path(files).ok_or_else(|| {
                Problem::at(&place, "missing-compose", "there is no compose file in this folder")
                    .help("name it: compose = \"path/to/compose.yaml\"")
            })?;
            cx.outcomes.extend(compose::override_beside(&path, files));
            Ok(vec![files.inside("".as_ref(), &path.to_string_lossy(), &place)?])
        }
    }
}

fn compose_path(text: &str, place: &Place, files: &Files<'_>) -> Result<PathBuf, Problem> {
    let path = files.inside("".as_ref(), text, place)?;
    if files.exists(&path) {
        return Ok(path);
    }
    Err(Problem::at(place, "missing-compose", format!("there is no {}", path.display()))
        .label("it is relative to the folder of landing.toml")
        .help("name the compose file: compose = \"path/to/compose.yaml\""))
}

/// Compose services that are not deployed, and why.
fn skipped(cx: &mut Cx<'_>, compose: &Compose<'_>) -> BTreeMap<String, String> {
    let mut skipped = BTreeMap::new();
    let known = || compose.services.keys().map(String::as_str).collect::<Vec<_>>();
    for (index, name) in cx.settings.skip.iter().enumerate() {
        if compose.services.contains_key(name) {
            skipped.insert(name.clone(), "in `skip` of landing.toml".to_owned());
        } else {
            let place = cx.document.value(&["skip", &index.to_string()]);
            cx.problems.push(
                Problem::at(&place, "unknown-service", format!("`skip` names `{name}`, which is not in the compose file"))
                    .help(did_you_mean(name, known())),
            );
        }
    }
    // Compose's own word for every profile.
    let everything = "*".to_owned();
    for (name, declared) in &compose.services {
        let profiles = declared.profiles(&compose.variables);
        let active = profiles.is_empty()
            || profiles
                .iter()
                .any(|profile| cx.settings.profiles.contains(profile) || cx.settings.profiles.contains(&everything));
        if !active && !skipped.contains_key(name) {
            skipped.insert(name.clone(), format!("profile {} is not active", profiles.join(", ")));
        }
    }
    for (name, reason) in &skipped {
        let Some(place) = compose.services.get(name).map(|declared| &declared.place) else {
            continue;
        };
        cx.outcomes.push(KeyOutcome {
            service: Some(name.clone()),
            key: "*".to_owned(),
            file: place.source.path.clone(),
            line: place.line(),
            outcome: Outcome::Ignored { reason: format!("not deployed: {reason}") },
        });
    }
    for name in cx.settings.services.keys() {
        let place = cx.document.key(&["services", name]);
        if !compose.services.contains_key(name) {
            cx.problems.push(
                Problem::at(&place, "unknown-service", format!("the compose file has no service `{name}`"))
                    .help(did_you_mean(name, known())),
            );
        }
    }
    skipped
}

fn spa(cx: &mut Cx<'_>, files: &Files<'_>) -> Option<Spa> {
    let spa = cx.settings.spa.as_ref()?;
    let Some(dist) = &spa.dist else {
        cx.problems.push(
            Problem::at(&cx.document.key(&["spa"]), "missing-key", "[spa] needs `dist`")
                .help("dist = \"frontend/dist\": the folder with the built files"),
        );
        return None;
    };
    let dist = files.inside("".as_ref(), dist, &cx.document.value(&["spa", "dist"]));
    let dist = dist.map_err(|problem| cx.problems.push(problem)).ok()?;
    let build = spa_build(cx, files, spa, &dist);
    let classes = ["PriceClass_100", "PriceClass_200", "PriceClass_All"];
    let price_class = spa.price_class.clone().unwrap_or_else(|| classes[0].to_owned());
    if !classes.contains(&price_class.as_str()) {
        cx.problems.push(
            Problem::at(
                &cx.document.value(&["spa", "price-class"]),
                "bad-value",
                format!("CloudFront has no price class `{price_class}`"),
            )
            .help(did_you_mean(&price_class, classes)),
        );
    }
    Some(Spa { dist, build, price_class })
}

fn spa_build(cx: &mut Cx<'_>, files: &Files<'_>, spa: &SpaSettings, dist: &Path) -> Option<SpaBuild> {
    let dir = match &spa.dir {
        None => dist.parent().unwrap_or(Path::new("")).to_owned(),
        Some(dir) => {
            let place = cx.document.value(&["spa", "dir"]);
            if spa.build.is_none() {
                let what = "`dir` says where `build` runs, and there is no `build`";
                cx.problems.push(Problem::at(&place, "missing-key", what).help("add `build`, or leave `dir` out"));
            }
            files.inside("".as_ref(), dir, &place).map_err(|problem| cx.problems.push(problem)).ok()?
        }
    };
    let command = spa.build.clone()?;
    if command.trim().is_empty() {
        let what = "an empty `build` makes nothing";
        cx.problems.push(Problem::at(&cx.document.value(&["spa", "build"]), "bad-value", what).help("leave it out"));
    }
    Some(SpaBuild { command, dir })
}

/// Source: CloudWatch Logs API Reference, `PutRetentionPolicy`, `retentionInDays`.
const RETENTION_DAYS: [u32; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

fn logs(cx: &mut Cx<'_>) -> Logs {
    let retention_days = cx.settings.logs.retention_days.unwrap_or(7);
    if !RETENTION_DAYS.contains(&retention_days) {
        let nearest = RETENTION_DAYS.iter().min_by_key(|days| days.abs_diff(retention_days)).copied().unwrap_or(7);
        cx.problems.push(
            Problem::at(
                &cx.document.value(&["logs", "retention-days"]),
                "bad-value",
                format!("CloudWatch Logs cannot keep logs for {retention_days} days"),
            )
            .label(format!("the nearest that it can is {nearest}"))
            .help(format!("one of {}", RETENTION_DAYS.map(|days| days.to_string()).join(", "))),
        );
    }
    Logs { retention_days }
}
