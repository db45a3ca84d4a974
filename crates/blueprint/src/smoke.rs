//! What must be true of the stack when it works: the questions of `landing smoke`, read off the drawn graph.
//!
//! A route is asked for as it is declared: what the load balancer's check asks for, where that path leads through the load balancer, must answer as the check
//! wants it; any other path must be answered by the service itself, whatever it says. What landing.toml says under `smoke` goes before both.

use landing_aws::cloudfront::Distribution;
use landing_aws::ecs::{Job, Rollout, Service as EcsService, TaskDefinition};
use landing_aws::elbv2::{LoadBalancer, Rule};
use landing_aws::s3::Site;
use landing_aws::smoke::{Check, Expect, What};
use landing_engine::{Graph, Kind, NodeName, Ref};
use landing_project::pattern::matches;
use landing_project::{AlbFrom, Project, Service};

use crate::Blueprint;

/// An address inside the site that is no file of it.
const DEEP_LINK: &str = "/landing/smoke";
/// What a target group expects that is told nothing.
const HEALTHY: &str = "200";

/// The checks of a stack as it is drawn, in the order in which people read them.
pub fn smoke(project: &Project, blueprint: &Blueprint) -> Vec<Check> {
    let graph = &blueprint.graph;
    let routes = Routes::of(project, graph);
    let mut checks = site(graph, &routes);
    for service in &project.services {
        checks.extend(of_service(project, graph, &routes, service));
    }
    for job in &project.jobs {
        if let Some(drawn) = shape::<Job>(graph, &job.name) {
            checks.push(check(job, "job", What::Job { task_definition: drawn.task_definition }));
        }
    }
    checks
}

fn shape<K: Kind>(graph: &Graph, name: &str) -> Option<K> {
    let desired = graph.get(&NodeName::new(K::NAME, name))?;
    Some(serde_json::from_value(desired.shape.clone()).expect("a shape in the graph was made from its kind"))
}

fn check(service: &Service, what: &str, asked: What) -> Check {
    Check { name: format!("{}: {what}", service.name), service: Some(service.name.clone()), what: asked }
}

/// The site's first page, and an address of which only the application in the browser knows.
fn site(graph: &Graph, routes: &Routes) -> Vec<Check> {
    let Some(domain) = &routes.distribution else { return Vec::new() };
    let published = shape::<Site>(graph, "spa").is_some();
    let routed = shape::<Distribution>(graph, "spa").is_some_and(|drawn| drawn.function.is_some());
    let page = |path: &str| {
        let what = match published {
            _ if routes.to_the_api(path) => What::Left("a service takes this path, so nobody sees the site here".into()),
            true => What::Page { url: url("https", domain, path) },
            false => What::Left("nothing is published yet".into()),
        };
        Check { name: format!("site: GET {path} through CloudFront"), service: None, what }
    };
    ["/"].into_iter().chain(routed.then_some(DEEP_LINK)).map(page).collect()
}

fn of_service(project: &Project, graph: &Graph, routes: &Routes, service: &Service) -> Vec<Check> {
    let drawn = shape::<Rollout>(graph, &service.name).zip(shape::<EcsService>(graph, &service.name));
    let Some((rollout, early)) = drawn else { return Vec::new() };
    if rollout.count == 0 {
        let why = match service.replicas {
            0 => "no task is asked for",
            _ => "it runs no task: its image is not there yet, or that of a job that it waits for",
        };
        return vec![check(service, "tasks", What::Left(why.to_owned()))];
    }
    let groups = early.targets.into_iter().map(|target| target.group).collect();
    let mut checks = vec![check(service, "tasks", What::Tasks { cluster: rollout.cluster, service: rollout.service, groups })];
    if let Some(task) = shape::<TaskDefinition>(graph, &service.name).filter(|_| service.smoke.log) {
        checks.push(check(service, "log", What::Log { group: task.log_group }));
    }
    let questions = questions(routes, service);
    let ask = |through: &str, scheme: &str, domain: &Ref<String>, (path, expect): &(String, Expect)| {
        let what = What::Http { url: url(scheme, domain, path), expect: expect.clone() };
        check(service, &format!("GET {path} through {through}"), what)
    };
    // Who lets only CloudFront in turns everybody else away.
    if let Some(domain) = routes.balancer.as_ref().filter(|_| project.alb.from == AlbFrom::Internet) {
        checks.extend(questions.iter().map(|question| ask("the load balancer", "http", domain, question)));
    }
    if let Some(domain) = &routes.distribution {
        let reached = questions.iter().filter(|(path, _)| routes.to_the_api(path));
        checks.extend(reached.map(|question| ask("CloudFront", "https", domain, question)));
    }
    if !service.public_ip {
        let host = || LoadBalancer::DNS.of(&NodeName::new(LoadBalancer::NAME, "nlb"));
        // As with the network load balancer's own checks, the first port tells whether the service lives.
        let ports = service.tcp.iter().enumerate();
        checks.extend(
            ports.map(|(nth, port)| {
                check(service, &format!("TCP {port}"), What::Tcp { host: host(), port: *port, must: nth == 0 })
            }),
        );
    }
    checks
}

fn url(scheme: &str, domain: &Ref<String>, path: &str) -> Ref<String> {
    // The only character of a path pattern that no URL has.
    let path = path.replace('"', "%22");
    Ref::join(vec![format!("{scheme}://").as_str().into(), domain.clone(), path.as_str().into()])
}

/// One question for each route of a service.
fn questions(routes: &Routes, service: &Service) -> Vec<(String, Expect)> {
    let (health, smoke) = (service.health.as_ref(), &service.smoke);
    let checked = health.filter(|health| health.port.is_none() || health.port == service.port);
    let declared = smoke.path.as_deref().or(checked.map(|health| health.path.as_str()));
    let first = || service.paths.iter().find_map(|pattern| routes.sample(pattern, service));
    let path = declared.filter(|path| routes.leads_to(path, service)).map(str::to_owned);
    let is_told = smoke.status.is_some() || smoke.contains.is_some();
    let path = path.or_else(|| if is_told { first().or_else(|| Some("/".to_owned())) } else { None });
    let mut questions = Vec::new();
    if let Some(path) = path {
        let codes = match (&smoke.path, checked) {
            (None, Some(health)) => health.codes.clone(),
            _ => None,
        };
        let codes = smoke.status.clone().or(codes).unwrap_or_else(|| HEALTHY.into());
        questions.push((path, Expect::Codes { codes, contains: smoke.contains.clone() }));
    }
    for pattern in &service.paths {
        if !questions.iter().any(|(path, _)| matches(pattern, bare(path))) {
            questions.extend(routes.sample(pattern, service).map(|path| (path, Expect::Service)));
        }
    }
    // What no rule takes is a route of its own.
    let unruled = |path: &str| routes.taken_by(path).is_none();
    if service.default && !questions.iter().any(|(path, _)| unruled(path)) {
        let path = ["/", "/landing-smoke"].into_iter().find(|path| unruled(path));
        questions.extend(path.map(|path| (path.to_owned(), Expect::Service)));
    }
    questions
}

/// Where a path leads, as the load balancer and CloudFront decide it.
struct Routes {
    balancer: Option<Ref<String>>,
    distribution: Option<Ref<String>>,
    /// Priority, patterns and service of each rule, the first that matches wins.
    rules: Vec<(i32, Vec<String>, String)>,
    default: Option<String>,
    api: Vec<String>,
}

impl Routes {
    fn of(project: &Project, graph: &Graph) -> Self {
        let alb = NodeName::new(LoadBalancer::NAME, "alb");
        let spa = NodeName::new(Distribution::NAME, "spa");
        let drawn = graph.iter().filter(|(node, _)| node.kind() == Rule::NAME).filter_map(|(node, desired)| {
            let rule = shape::<Rule>(graph, node.name())?;
            Some((rule.priority, rule.paths, desired.service.clone()?))
        });
        let mut rules: Vec<_> = drawn.collect();
        rules.sort();
        Self {
            balancer: graph.get(&alb).map(|_| LoadBalancer::DNS.of(&alb)),
            distribution: graph.get(&spa).map(|_| Distribution::DOMAIN.of(&spa).text()),
            rules,
            default: project.services.iter().find(|service| service.default).map(|service| service.name.clone()),
            api: shape::<Distribution>(graph, "spa").map(|drawn| drawn.api_paths).unwrap_or_default(),
        }
    }

    fn to_the_api(&self, path: &str) -> bool {
        self.api.iter().any(|pattern| matches(pattern, bare(path)))
    }

    /// The service whose rule takes it.
    fn taken_by(&self, path: &str) -> Option<&str> {
        let takes = |(_, patterns, _): &&(i32, Vec<String>, String)| patterns.iter().any(|pattern| matches(pattern, bare(path)));
        self.rules.iter().find(takes).map(|(_, _, service)| service.as_str())
    }

    fn leads_to(&self, path: &str, service: &Service) -> bool {
        self.taken_by(path).or(self.default.as_deref()) == Some(&service.name)
    }

    /// A path that the pattern stands for and that leads to the service.
    fn sample(&self, pattern: &str, service: &Service) -> Option<String> {
        // What a star at the end stands for may be nothing; a file has a name.
        let (start, end) = pattern.strip_suffix('*').map_or((pattern, false), |start| (start, true));
        let with = |last: &str| {
            let path = start.replace('*', "index").replace('?', "x") + if end { last } else { "" };
            if path.starts_with('/') { path } else { format!("/{path}") }
        };
        [with(""), with("landing-smoke")].into_iter().find(|path| self.leads_to(path, service))
    }
}

/// Without its query, which no pattern looks at.
fn bare(path: &str) -> &str {
    path.split('?').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::drawn;

    /// The questions of a project, by what they ask and expect.
    fn asked(toml: &str, compose: &str, published: bool) -> String {
        let (project, drawn) = drawn(toml, compose, published);
        let line = |check: &Check| format!("{} → {}\n", check.name, check.expected());
        smoke(&project, &drawn).iter().map(line).collect()
    }

    const TWO: &str = "services:\n  api:\n    image: a:1\n    expose: [80]\n  auth:\n    image: b:1\n    expose: [8080, 9000]\n  worker:\n    image: c:1\n";

    #[test]
    fn each_route_is_asked_for_as_it_is_declared() {
        let toml = "name = \"shop\"\n\n[services.api]\npaths = [\"/api/*\", \"/*.php\"]\ndefault = true\nhealth = { path = \"/api/health\", codes = \"200-299\" }\n\n[services.auth]\npaths = [\"/api/auth/*\"]\nport = 8080\nhealth = \"9000/ready\"\ntcp = [9000]\n\n[spa]\ndist = \"dist\"\n";
        insta::assert_snapshot!(asked(toml, TWO, true));
        let bare = asked(toml, TWO, false);
        assert!(bare.contains("site: GET / through CloudFront → nothing"), "what is not published is not asked for: {bare}");
    }

    #[test]
    fn a_site_behind_a_service_that_takes_every_path_is_said_to_be_hidden() {
        let toml =
            "name = \"shop\"\n\n[services.api]\npaths = [\"/*\"]\n\n[services.auth]\nport = 8080\n\n[spa]\ndist = \"dist\"\n";
        let asked = asked(toml, TWO, true);
        assert!(asked.contains("site: GET / through CloudFront → nothing"), "{asked}");
    }

    /// A path that another service's rule takes tells nothing of this one.
    #[test]
    fn a_path_that_leads_to_another_service_is_not_asked_for() {
        let toml = "name = \"shop\"\n\n[services.api]\npaths = [\"/api/*\"]\nhealth = \"/api/auth/health\"\n\n[services.auth]\npaths = [\"/api/auth/*\"]\nport = 8080\n";
        let asked = asked(toml, TWO, true);
        assert!(asked.contains("api: GET /api/ through the load balancer → an answer of the service"), "{asked}");
        assert!(!asked.contains("/api/auth/health"), "{asked}");
    }
}
