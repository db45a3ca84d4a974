//! Rules between services: order, one default, no two on one path or port, who uses which database.

use std::collections::{BTreeMap, BTreeSet};

use super::{Cx, cycles};
use crate::{
    compose::{Compose, Dependency},
    problem::Problem,
    project::{Database, KeyOutcome, Outcome, Secret},
    service::{Condition, Service},
    suggest::did_you_mean,
};

/// Dependencies must be there, and form no circle.
pub(super) fn depend(
    cx: &mut Cx<'_>,
    compose: &Compose<'_>,
    skipped: &BTreeMap<String, String>,
    dependencies: &BTreeMap<String, Vec<Dependency>>,
    all: &mut BTreeMap<String, Service>,
) {
    let known: Vec<&str> = compose.services.keys().map(String::as_str).collect();
    for (name, list) in dependencies {
        for dependency in list {
            let target = &dependency.service;
            if let Some(reason) = skipped.get(target) {
                cx.outcomes.push(KeyOutcome {
                    service: Some(name.clone()),
                    key: format!("depends_on.{target}"),
                    file: dependency.place.source.path.clone(),
                    line: dependency.place.line(),
                    outcome: Outcome::Ignored { reason: format!("`{target}` is not deployed: {reason}") },
                });
            } else if !all.contains_key(target) {
                // One that could not be read has a problem of its own.
                if dependency.required && !compose.services.contains_key(target) {
                    cx.problems.push(
                        Problem::at(
                            &dependency.place,
                            "unknown-service",
                            format!("`{name}` depends on `{target}`, which is not in the compose file"),
                        )
                        .help(did_you_mean(target, known.iter().copied())),
                    );
                }
            } else if dependency.condition == Condition::Healthy && all[target].healthcheck.is_none() {
                cx.problems.push(
                    Problem::at(
                        &dependency.place,
                        "no-healthcheck",
                        format!("`{name}` waits for `{target}` to be healthy, but it has no health check"),
                    )
                    .help(format!("give `{target}` a `healthcheck` in the compose file (ECS does not run the one of its image)")),
                );
            } else if let Some(service) = all.get_mut(name) {
                service.depends_on.insert(target.clone(), dependency.condition);
            }
        }
    }
    let edges =
        all.iter().map(|(name, service)| (name.as_str(), service.depends_on.keys().map(String::as_str).collect())).collect();
    for circle in cycles::find(&edges) {
        let place = dependencies
            .get(&circle[0])
            .into_iter()
            .flatten()
            .find(|dependency| dependency.service == circle[1])
            .map(|dependency| &dependency.place);
        let Some(place) = place else { continue };
        cx.problems.push(
            Problem::at(place, "depends-on-cycle", format!("services wait for each other: {}", circle.join(" → ")))
                .label("none of them could ever start")
                .help("remove one of these `depends_on`, and let the program try again until the other one answers"),
        );
    }
}

pub(super) fn one_default(cx: &mut Cx<'_>, all: &BTreeMap<String, Service>) {
    let defaults: Vec<&str> = all.values().filter(|service| service.default).map(|service| service.name.as_str()).collect();
    let [first, others @ ..] = &defaults[..] else {
        return;
    };
    for other in others {
        let place = cx.document.key(&["services", other, "default"]);
        cx.problems.push(
            Problem::at(&place, "two-defaults", format!("`{first}` and `{other}` both take what no path matches"))
                .label("a load balancer has one default")
                .help("keep `default = true` on one of them, and give the other one `paths`"),
        );
    }
}

/// `used-by` and references agree, and name services that are there.
pub(super) fn used_by(
    cx: &mut Cx<'_>,
    compose: &Compose<'_>,
    all: &BTreeMap<String, Service>,
    secrets: &BTreeMap<String, Secret>,
    databases: &mut BTreeMap<String, Database>,
) {
    for (name, database) in databases {
        for (index, user) in database.used_by.iter().enumerate() {
            if all.contains_key(user) {
                continue;
            }
            let place = cx.document.value(&["databases", name, "used-by", &index.to_string()]);
            let problem = if compose.services.contains_key(user) {
                Problem::at(&place, "unknown-service", format!("`{user}` uses database `{name}`, but is not deployed"))
                    .help("remove it from `used-by`, or from `skip`")
            } else {
                Problem::at(&place, "unknown-service", format!("the compose file has no service `{user}`"))
                    .help(did_you_mean(user, all.keys().map(String::as_str)))
            };
            cx.problems.push(problem);
        }
        // Whoever is told about it may reach it.
        let told =
            all.values().filter(|service| service.databases(secrets).contains(name.as_str())).map(|service| service.name.clone());
        let mut users: BTreeSet<String> = database.used_by.drain(..).collect();
        users.extend(told);
        database.used_by = users.into_iter().collect();
    }
}

pub(super) fn jobs_take_no_traffic(cx: &mut Cx<'_>, all: &BTreeMap<String, Service>, once: &BTreeSet<String>) {
    for service in all.values().filter(|service| once.contains(&service.name)) {
        let key = ["paths", "default", "tcp"].into_iter().find(|key| match *key {
            "paths" => !service.paths.is_empty(),
            "default" => service.default,
            _ => !service.tcp.is_empty(),
        });
        let Some(key) = key else { continue };
        cx.problems.push(
            Problem::at(
                &cx.document.key(&["services", &service.name, key]),
                "job-with-traffic",
                format!("`{}` is a job that ends, so it cannot take requests", service.name),
            )
            .help("it is a job by `restart: \"no\"`, or since another service waits for its completion"),
        );
    }
}

/// Two services cannot answer the same path, nor the same port of the network load balancer.
pub(super) fn no_overlap(cx: &mut Cx<'_>, all: &BTreeMap<String, Service>) {
    let mut paths: BTreeMap<&str, &str> = BTreeMap::new();
    let mut ports: BTreeMap<u16, &str> = BTreeMap::new();
    for service in all.values() {
        for (index, path) in service.paths.iter().enumerate() {
            if let Some(other) = paths.insert(path, &service.name) {
                let place = cx.document.value(&["services", &service.name, "paths", &index.to_string()]);
                cx.problems.push(
                    Problem::at(&place, "two-on-a-path", format!("`{other}` and `{}` both take `{path}`", service.name))
                        .help("keep it on one of them"),
                );
            }
        }
        for (index, port) in service.tcp.iter().enumerate() {
            if let Some(other) = ports.insert(*port, &service.name) {
                let place = cx.document.value(&["services", &service.name, "tcp", &index.to_string()]);
                cx.problems.push(
                    Problem::at(&place, "two-on-a-port", format!("`{other}` and `{}` both take port {port}", service.name))
                        .label("there is one network load balancer")
                        .help("let one of them listen on another port"),
                );
            }
        }
    }
}
