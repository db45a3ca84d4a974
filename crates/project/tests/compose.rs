//! What compose files mean: the cases are written from the Compose Specification's text.

mod common;

use common::{load_dir, project, project_with, write};
use landing_project::{BakedSource, BuildSecret, Condition, EnvValue, Image, Outcome, Platform, Project, Service};

const TOML: &str = "name = \"shop\"\n";

#[track_caller]
fn loaded(files: &[(&str, &str)]) -> Project {
    project(files).unwrap_or_else(|problems| panic!("{}", problems.render(false)))
}

/// The service `web` of a compose file.
#[track_caller]
fn web(compose: &str) -> Service {
    find(&loaded(&[("landing.toml", TOML), ("compose.yaml", compose)]), "web")
}

/// The service `web` with these lines.
#[track_caller]
fn web_with(lines: &str) -> Service {
    let lines: String = lines.lines().map(|line| format!("    {line}\n")).collect();
    web(&format!("services:\n  web:\n    image: nginx:1\n{lines}"))
}

fn find(project: &Project, name: &str) -> Service {
    project.find(name).unwrap_or_else(|| panic!("no service {name}")).clone()
}

fn environment(service: &Service) -> String {
    let show = |(name, value): (&String, &EnvValue)| match value {
        EnvValue::Plain(text) => format!("{name}={text}"),
        other => format!("{name}={other:?}"),
    };
    service.environment.iter().map(show).collect::<Vec<_>>().join(" ")
}

#[test]
fn ports_in_every_form() {
    let table: [(&str, &[u16]); 8] = [
        ("ports: [3000]", &[3000]),
        ("ports: [\"3000\"]", &[3000]),
        ("ports: [\"8000:80\"]", &[80]),
        ("ports: [\"127.0.0.1:8001:81/tcp\", 80]", &[80, 81]),
        ("ports: [\"9090-9092:8080-8082\"]", &[8080, 8081, 8082]),
        ("ports: [\"[::1]:6000:60\"]", &[60]),
        ("ports: [{ name: web, target: 80, published: \"8080\", protocol: tcp, mode: host, app_protocol: http }]", &[80]),
        ("ports: [\"80:80\"]\nexpose: [80, \"81\", \"90-91/tcp\"]", &[80, 81, 90, 91]),
    ];
    for (lines, expected) in table {
        assert_eq!(web_with(lines).ports, expected, "{lines}");
    }
}

#[test]
fn an_unquoted_port_pair_is_no_base_60_number() {
    assert_eq!(web_with("ports:\n  - 22:22\n  - 0.0.0.0:59:59").ports, [22, 59]);
}

#[test]
fn environment_as_map_and_list_with_yaml_scalars_as_written() {
    let map = web_with("environment:\n  A: b\n  B: 1\n  C: true\n  D: 0755\n  E: \"\"\n  F: 3.10\n  G: yes\n  H: a=b");
    assert_eq!(environment(&map), "A=b B=1 C=true D=0755 E= F=3.10 G=yes H=a=b");
    let list = web_with("environment:\n  - A=b\n  - B=\n  - C=d=e\n  - \"D=with space\"");
    assert_eq!(environment(&list), "A=b B= C=d=e D=with space");
}

#[test]
fn variables_without_a_value_come_from_the_environment() {
    let compose = "services: { web: { image: nginx, environment: { A: , B: x } }, api: { image: nginx, environment: [A, C] } }";
    let files = [("landing.toml", TOML), ("compose.yaml", compose), (".env", "C=from .env\nA=weaker\n")];
    let project = project_with(&files, &[("A", "outside")]).unwrap();
    assert_eq!(environment(&find(&project, "web")), "A=outside B=x");
    assert_eq!(environment(&find(&project, "api")), "A=outside C=from .env");
}

#[test]
fn dot_env_lies_beside_the_compose_file_and_is_weaker_than_the_environment() {
    let compose = "services: { web: { image: \"nginx:${TAG}\", environment: { B: \"${B}\", C: \"${C}\" } } }";
    let files = [
        ("landing.toml", "name = \"shop\"\ncompose = \"ops/compose.yaml\"\n"),
        ("ops/compose.yaml", compose),
        ("ops/.env", "TAG=1.27\nB=dot\nC=${B}-${OUT}\n"),
        (".env", "TAG=wrong\n"),
    ];
    let web = find(&project_with(&files, &[("B", "outside"), ("OUT", "o")]).unwrap(), "web");
    assert_eq!(web.image, Image::External("nginx:1.27".to_owned()));
    assert_eq!(environment(&web), "B=outside C=outside-o");
}

#[test]
fn env_files_in_order_then_environment() {
    let files = [
        ("landing.toml", TOML),
        ("a.env", "A=a\nB=a\nC=a\nD=${OUT}\n"),
        ("b.env", "B=b\nC=b\nRAW='x'\n"),
        (
            "compose.yaml",
            "services:\n  web:\n    image: nginx\n    env_file:\n      - a.env\n      - { path: b.env, format: raw }\n      - { path: none.env, required: false }\n    environment: { C: c }\n",
        ),
    ];
    let project = project_with(&files, &[("OUT", "outside")]).unwrap();
    assert_eq!(environment(&find(&project, "web")), "A=a B=b C=c D=outside RAW='x'");
}

#[test]
fn interpolation_reaches_every_value_but_no_key() {
    let compose = "x-any: ${NOT_LOOKED_AT}\nservices:\n  web:\n    image: \"${IMAGE:-nginx}:${TAG:-1}\"\n    command: [\"sh\", \"-c\", \"echo $$HOME ${TAG:-none}\"]\n    \
                   healthcheck: { test: \"test -n \\\"$$HOSTNAME\\\"\", interval: \"${EVERY:-10s}\" }\n    ports: [\"${PORT:-80}\"]\n    deploy: { replicas: \"${COUNT:-3}\" }\n";
    let web = web(compose);
    assert_eq!(web.image, Image::External("nginx:1".to_owned()));
    assert_eq!(web.command.unwrap()[2], "echo $HOME none");
    assert_eq!(web.healthcheck.as_ref().unwrap().command, ["CMD-SHELL", "test -n \"$HOSTNAME\""]);
    assert_eq!((web.healthcheck.unwrap().interval, web.ports, web.replicas), (10, vec![80], 3));
}

#[test]
fn names_in_lists_are_filled_in_and_given_ones_need_no_variable() {
    let toml = "name = \"shop\"\n[services.web]\nsecrets = { TOKEN = \"t\" }\n[secrets.t]\ngenerate = true\n";
    let compose = "services:\n  web:\n    image: nginx\n    environment: [\"${PREFIX:-APP}_MODE=x\", \"TOKEN=${TOKEN?not set}\"]\n    \
                   labels: [\"router.${PREFIX:-app}.rule=Host(`a`)\"]\n";
    let web = find(&loaded(&[("landing.toml", toml), ("compose.yaml", compose)]), "web");
    assert_eq!(environment(&web), "APP_MODE=x");
    assert_eq!(web.labels["router.app.rule"], "Host(`a`)");
}

#[test]
fn commands_as_text_and_list() {
    let web = web_with("command: python -m 'my app' --flag=\"a b\"\nentrypoint: [\"tini\", \"--\"]");
    assert_eq!(web.command.unwrap(), ["python", "-m", "my app", "--flag=a b"]);
    assert_eq!(web.entrypoint.unwrap(), ["tini", "--"]);
}

#[test]
fn health_checks_in_every_form_within_ecs_limits() {
    let check = |lines: &str| web_with(lines).healthcheck;
    let defaults = check("healthcheck: { test: [\"CMD\", \"true\"] }").unwrap();
    assert_eq!((defaults.interval, defaults.timeout, defaults.retries, defaults.start_period), (30, 30, 3, 0));
    let clamped =
        check("healthcheck: { test: \"true\", interval: 1s, timeout: 500ms, retries: 99, start_period: 1h, start_interval: 1s }")
            .unwrap();
    assert_eq!((clamped.interval, clamped.timeout, clamped.retries, clamped.start_period), (5, 2, 10, 300));
    assert_eq!(clamped.command, ["CMD-SHELL", "true"]);
    for off in ["healthcheck: { disable: true }", "healthcheck: { test: [\"NONE\"] }", "healthcheck: { interval: 5s }"] {
        assert_eq!(check(off), None, "{off}");
    }
}

#[test]
fn depends_on_as_list_and_map() {
    let compose = "services:\n  web:\n    image: nginx\n    depends_on:\n      db: { condition: service_healthy, restart: true }\n      setup: { condition: service_completed_successfully }\n      \
                   gone: { condition: service_started, required: false }\n  db: { image: nginx, healthcheck: { test: \"true\" } }\n  setup: { image: nginx, depends_on: [db] }\n";
    let project = loaded(&[("landing.toml", TOML), ("compose.yaml", compose)]);
    let web = find(&project, "web");
    let conditions: Vec<_> = web.depends_on.iter().map(|(name, condition)| (name.as_str(), *condition)).collect();
    assert_eq!(conditions, [("db", Condition::Healthy), ("setup", Condition::Completed)]);
    assert_eq!(project.jobs[0].name, "setup", "whoever is waited for to complete is a job");
    assert_eq!(project.jobs[0].depends_on["db"], Condition::Started);
}

#[test]
fn restart_no_makes_a_job() {
    for (restart, jobs) in [("\"no\"", 1), ("no", 1), ("always", 0), ("on-failure:3", 0), ("unless-stopped", 0)] {
        let compose = format!("services: {{ web: {{ image: nginx }}, x: {{ image: nginx, restart: {restart} }} }}");
        assert_eq!(loaded(&[("landing.toml", TOML), ("compose.yaml", &compose)]).jobs.len(), jobs, "{restart}");
    }
    let policy = "services: { x: { image: nginx, deploy: { restart_policy: { condition: none } } } }";
    assert_eq!(loaded(&[("landing.toml", TOML), ("compose.yaml", policy)]).jobs.len(), 1);
}

#[test]
fn profiles_choose_services() {
    let compose = "services:\n  web: { image: nginx }\n  a: { image: nginx, profiles: [one] }\n  b: { image: nginx, profiles: [one, two] }\n  c: { image: nginx, profiles: [\"${P:-three}\"] }\n";
    for (profiles, expected) in
        [("", "web"), ("\"one\"", "a b web"), ("\"two\"", "b web"), ("\"one\", \"three\"", "a b c web"), ("\"*\"", "a b c web")]
    {
        let toml = format!("{TOML}profiles = [{profiles}]\n");
        let project = loaded(&[("landing.toml", &toml), ("compose.yaml", compose)]);
        let names: Vec<&str> = project.services.iter().map(|service| service.name.as_str()).collect();
        assert_eq!(names.join(" "), expected, "profiles = [{profiles}]");
        assert_eq!(project.services.len() + project.skipped.len(), 4);
    }
}

#[test]
fn merge_keys_are_weaker_than_the_map_they_are_in() {
    let web = web(
        "x-a: &a { image: nginx:a, user: a, environment: { A: a, B: a } }\nx-b: &b { image: nginx:b, user: b, working_dir: /b }\n\
                   services:\n  web:\n    <<: [*a, *b]\n    user: own\n",
    );
    assert_eq!(web.image, Image::External("nginx:a".to_owned()), "the earlier of two wins");
    assert_eq!((web.user.as_deref(), web.working_dir.as_deref()), (Some("own"), Some("/b")));
    assert_eq!(environment(&web), "A=a B=a");
}

#[test]
fn extends_merges_key_by_key() {
    let web = web(
        "services:\n  base:\n    image: nginx:1\n    command: [a, b]\n    environment: [A=base, B=base]\n    labels: { l: base, m: base }\n    ports: [\"80:80\", \"81\"]\n    \
         expose: [90]\n    user: base\n    healthcheck: { test: [\"CMD\", \"a\", \"b\"], interval: 10s }\n    deploy: { replicas: 2, resources: { limits: { cpus: \"0.5\" } } }\n    \
         tmpfs: /a\n    depends_on: [other]\n  \
         web:\n    extends: base\n    command: [c]\n    environment: { B: web, C: web }\n    labels: [m=web]\n    ports: [\"81\", \"82\"]\n    expose: [91]\n    \
         healthcheck: { test: [\"CMD\", \"c\"] }\n    deploy: { resources: { limits: { memory: 1g } } }\n    tmpfs: [/b]\n    depends_on: { third: { condition: service_started } }\n  \
         other: { image: nginx }\n  third: { image: nginx }\n",
    );
    assert_eq!(web.command.as_deref(), Some(&["c".to_owned()][..]), "a command is not half of another");
    assert_eq!(environment(&web), "A=base B=web C=web");
    assert_eq!(web.labels.into_iter().collect::<Vec<_>>(), [("l".into(), "base".into()), ("m".into(), "web".into())]);
    assert_eq!(web.ports, [80, 81, 82, 90, 91]);
    assert_eq!(web.user.as_deref(), Some("base"));
    let check = web.healthcheck.unwrap();
    assert_eq!((check.command.join(" ").as_str(), check.interval), ("CMD c", 10));
    assert_eq!((web.replicas, web.cpu, web.memory), (2, 512, 1024));
    assert_eq!(web.depends_on.len(), 2);
}

#[test]
fn extends_reaches_other_files_whose_paths_are_their_own() {
    let project = loaded(&[
        ("landing.toml", TOML),
        (
            "compose.yaml",
            "services:\n  web:\n    extends: { file: shared/base.yaml, service: middle }\n    environment: { C: c }\n",
        ),
        (
            "shared/base.yaml",
            "services:\n  middle:\n    extends: { service: \"${WHICH:-bottom}\" }\n    environment: { B: b }\n  bottom:\n    build: app\n    env_file: bottom.env\n    volumes: [\"./x.conf:/etc/x.conf:ro\"]\n",
        ),
        ("shared/app/Dockerfile", "FROM scratch\n"),
        ("shared/bottom.env", "A=a\nB=file\n"),
        ("shared/x.conf", "\n"),
    ]);
    let web = find(&project, "web");
    assert_eq!(environment(&web), "A=a B=b C=c");
    let Image::Built(build) = &web.image else { panic!("{:?}", web.image) };
    assert_eq!(build.context.to_str(), Some("shared/app"));
    assert_eq!(web.baked_files[0].source, BakedSource::File("shared/x.conf".into()));
}

#[test]
fn extends_in_a_circle_or_to_nothing() {
    let compose = "services:\n  a: { extends: b }\n  b: { extends: { service: c } }\n  c: { extends: a }\n  d: { extends: aa, image: nginx }\n  e: { extends: { file: none.yaml, service: x } }\n";
    insta::assert_snapshot!(project(&[("landing.toml", TOML), ("compose.yaml", compose)]).unwrap_err().render(false));
}

#[test]
fn build_in_both_forms() {
    let files = |compose: &'static str| {
        [
            ("landing.toml", TOML),
            ("compose.yaml", compose),
            ("app/Dockerfile", ""),
            ("app/docker/prod.Dockerfile", ""),
            ("Dockerfile", ""),
            ("lib/x", ""),
        ]
    };
    let built = |compose| match find(&loaded(&files(compose)), "web").image {
        Image::Built(build) => build,
        other => panic!("{other:?}"),
    };
    let short = built("services: { web: { build: ./app } }");
    assert_eq!((short.context.to_str(), short.dockerfile.unwrap().to_str()), (Some("app"), Some("app/Dockerfile")));
    let root = built("services: { web: { build: . } }");
    assert_eq!((root.context.to_str(), root.dockerfile.unwrap().to_str()), (Some(""), Some("Dockerfile")));
    let long = built(
        "services:\n  web:\n    image: ours\n    build:\n      context: app\n      dockerfile: docker/prod.Dockerfile\n      args: [A=1, B]\n      target: run\n      platforms: [linux/arm64]\n      \
         additional_contexts: { lib: ./lib, base: docker-image://alpine }\n      cache_from: [x]\n",
    );
    assert_eq!(long.dockerfile.unwrap().to_str(), Some("app/docker/prod.Dockerfile"));
    assert_eq!((long.args["A"].as_str(), long.args.len(), long.target.as_deref()), ("1", 1, Some("run")));
    assert_eq!(
        (long.additional_contexts["lib"].as_str(), long.additional_contexts["base"].as_str()),
        ("lib", "docker-image://alpine")
    );
    let arm = loaded(&files("services: { web: { build: { context: app, platforms: [linux/arm64] } } }"));
    assert_eq!(find(&arm, "web").platform, Platform::Arm64);
    let inline = built("services: { web: { build: { context: app, dockerfile_inline: \"FROM scratch\" } } }");
    assert_eq!((inline.dockerfile, inline.dockerfile_inline.as_deref()), (None, Some("FROM scratch")));
}

#[test]
fn what_a_build_is_given_and_what_it_is_not() {
    let project = loaded(&[
        ("landing.toml", "name = \"shop\"\ncompose = \"compose/compose.yaml\"\n"),
        (
            "compose/compose.yaml",
            "services:\n  web:\n    build:\n      context: ../app\n      args: { VERSION: 1, NPM_TOKEN: abc, DB_PASSWORD_FILE: /run/x }\n      labels: [team=shop]\n      secrets: [npm, { source: pip, target: pip.conf }]\n      \
             network: host\n      platforms: [linux/amd64, linux/arm64]\n      cache_from: [x]\n      privileged: false\nsecrets:\n  npm: { environment: NPM_TOKEN }\n  pip: { file: ./$WHICH }\n",
        ),
        ("compose/.env", "WHICH=pip.conf"),
        ("compose/pip.conf", ""),
        ("app/Dockerfile", ""),
    ]);
    let Image::Built(build) = find(&project, "web").image else { panic!("it is built") };
    assert_eq!(build.labels["team"], "shop");
    assert_eq!(build.secrets["npm"], BuildSecret::Environment("NPM_TOKEN".into()));
    assert_eq!(build.secrets["pip.conf"], BuildSecret::File("compose/pip.conf".into()));
    assert_eq!(build.telling_args(), ["NPM_TOKEN"]);
    let key = project.keys.iter().find(|key| key.key == "build").unwrap();
    let Outcome::Mapped { to } = &key.outcome else { panic!("{:?}", key.outcome) };
    assert!(!to.contains("abc"), "the value is shown");
    insta::assert_snapshot!(to.replace("; ", "\n"), @r"
    an image in ECR, built and pushed when its files change (network is left out: a build has the builder's own network
    cache_from is left out: what stands in ECR is not built again, and the builder has its own cache
    the argument NPM_TOKEN seems to be a credential: whoever has the image can read it, give it by `build.secrets`
    of platforms only linux/amd64 is built, on which the task runs)
    ");
}

#[test]
fn read_only_files_are_baked_and_configs_too() {
    let web = find(
        &loaded(&[
            ("landing.toml", TOML),
            (
                "compose.yaml",
                "services:\n  web:\n    image: nginx\n    volumes:\n      - ./a.conf:/etc/a.conf:ro,z\n      - { type: bind, source: ./dir, target: /dir, read_only: true }\n      - { type: tmpfs, target: /t }\n      - /cache\n    \
                              configs: [one, { source: one, target: /etc/one, mode: 0444 }, { source: two, target: /etc/two }]\nconfigs:\n  one: { file: ./$CONF }\n  two:\n    content: |\n      listen ${PORT:-80}\n      password: abc\n",
            ),
            (".env", "CONF=a.conf"),
            ("a.conf", ""),
            ("dir/x", ""),
        ]),
        "web",
    );
    let baked: Vec<String> = web.baked_files.iter().map(|file| format!("{} -> {}", file.source, file.target)).collect();
    let wanted = [
        "a.conf -> /etc/a.conf",
        "a.conf -> /etc/one",
        "a.conf -> /one",
        "dir -> /dir",
        "a text of the compose file -> /etc/two",
    ];
    assert_eq!(baked, wanted);
    assert_eq!(web.baked_files[4].source, BakedSource::Text("listen 80\npassword: abc\n".into()));
}

#[test]
fn what_is_only_read_by_the_word_of_landing_toml_is_baked_too() {
    let project = loaded(&[
        ("landing.toml", "name = \"shop\"\n[services.web]\nread-only = [\"/etc/app.conf\"]\n"),
        ("compose.yaml", "services:\n  web:\n    image: nginx\n    volumes: [./app.conf:/etc/app.conf]\n"),
        ("app.conf", "x"),
    ]);
    let files: Vec<_> = project.services[0].baked_files.iter().map(|file| file.target.as_str()).collect();
    assert_eq!(files, ["/etc/app.conf"]);
}

#[test]
fn what_needs_no_decision_is_left_out_and_said() {
    let project = loaded(&[
        ("landing.toml", "name = \"shop\"\n"),
        (
            "compose.yaml",
            "services:\n  web:\n    image: nginx\n    platform: ${PLATFORM:-}\n    environment: [TZ, SHOWN=1]\n    volumes:\n      - /etc/localtime:/etc/localtime:ro\n      - /etc/timezone:/etc/timezone\n      - run:/run/app\nvolumes:\n  run: { driver_opts: { type: tmpfs, device: tmpfs } }\n",
        ),
    ]);
    let said: Vec<String> =
        project.keys.iter().filter(|row| row.service.is_some()).map(|row| format!("{}: {:?}", row.key, row.outcome)).collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn dropping_all_capabilities_but_some_needs_none_added() {
    let said = |lines: &str| {
        let web = web_with(lines);
        (web.cap_add.join(" "), web.cap_drop.join(" "))
    };
    let usual = said("cap_drop: [all]\ncap_add: [NET_BIND_SERVICE, cap_chown]");
    assert_eq!(usual.0, "");
    assert_eq!(usual.1, "AUDIT_WRITE DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_RAW SETFCAP SETGID SETPCAP SETUID SYS_CHROOT");
    assert_eq!(said("cap_drop: [ALL]\ncap_add: [SYS_PTRACE]"), ("SYS_PTRACE".to_owned(), "ALL".to_owned()));
    assert_eq!(said("cap_drop: [CHOWN, KILL]\ncap_add: [CHOWN]"), (String::new(), "KILL".to_owned()));
}

#[test]
fn a_secret_in_landing_toml_takes_the_place_of_a_file() {
    let compose = "services:\n  db:\n    image: postgres\n    secrets: [pass]\n    environment: { POSTGRES_PASSWORD_FILE: /run/secrets/pass, PGDATA: /x }\nsecrets: { pass: { file: ./pass.txt } }\n";
    let toml = "name = \"shop\"\n[services.db]\nsecrets = { POSTGRES_PASSWORD = \"pass\" }\nscratch = [\"/x\"]\n[secrets.pass]\ngenerate = true\n";
    let project = loaded(&[("landing.toml", toml), ("compose.yaml", compose)]);
    let db = &project.services[0];
    assert_eq!(environment(db), "PGDATA=/x");
    assert!(db.secrets.contains_key("POSTGRES_PASSWORD"));
}

#[test]
fn a_bind_mount_is_kept_where_landing_toml_makes_it_a_volume() {
    let project = loaded(&[
        ("landing.toml", "name = \"shop\"\n[volumes.data]\nbind = \"./data\"\nstorage = \"efs\"\n"),
        ("compose.yaml", "services:\n  web:\n    image: nginx\n    volumes: [\"./data:/var/data\"]\n"),
    ]);
    let mount = &project.services[0].volumes[0];
    assert_eq!((mount.volume.as_str(), mount.target.as_str()), ("data", "/var/data"));
}

#[test]
fn ports_that_compose_publishes_and_nobody_opens_are_said() {
    let closed = |lines: &str, compose: &str| {
        loaded(&[("landing.toml", &format!("name = \"shop\"\n{lines}")), ("compose.yaml", compose)]).closed()
    };
    let one = "services:\n  web:\n    image: nginx\n    ports: [\"80:8080\", \"443:8443\"]\n  db:\n    image: x\n    ports: [\"5432:5432\"]\n";
    let two = "services:\n  web:\n    image: nginx\n    ports: [\"80:8080\"]\n  api:\n    image: x\n    ports: [\"90:9090\"]\n";
    insta::assert_snapshot!([closed("", one), closed("", two)].map(Option::unwrap).join("\n"));
    assert_eq!(closed("[services.web]\nport = 8080\ndefault = true\n", one), None);
    assert_eq!(closed("", "services:\n  worker:\n    image: x\n    expose: [8080]\n"), None);
}

#[test]
fn what_fargate_has_is_taken_over() {
    let web = web_with(
        "user: \"1000:1000\"\nworking_dir: /app\nstop_grace_period: 5m\ninit: true\nread_only: true\ntty: true\nstdin_open: true\nulimits: { nofile: 1024, nproc: 5 }\n\
         cap_drop: [ALL]\ncap_add: [CAP_SYS_PTRACE]\nsysctls: { net.core.somaxconn: 1024 }\nplatform: linux/arm64\nstorage_opt: { size: 50G }\nscale: 2\nlabels: [a=b]",
    );
    insta::assert_json_snapshot!(web);
}

#[test]
fn sizes_are_rounded_up_to_what_fargate_has() {
    for (lines, expected) in [
        ("", (256, 512)),
        ("mem_limit: 600m", (256, 1024)),
        ("cpus: 0.5", (512, 1024)),
        ("cpus: \"0.3\"\nmem_limit: 3g", (512, 3072)),
        ("mem_limit: 5g", (1024, 5120)),
        ("mem_reservation: 1g", (256, 1024)),
        ("deploy: { resources: { limits: { cpus: \"1.5\", memory: 17G } } }", (4096, 17408)),
        ("deploy: { resources: { reservations: { memory: 4g }, limits: { cpus: \"1\" } } }", (1024, 4096)),
    ] {
        let web = web_with(lines);
        assert_eq!((web.cpu, web.memory), expected, "{lines}");
    }
    let toml = format!("{TOML}[services.web]\ncpu = 1024\n");
    let compose = "services: { web: { image: nginx, mem_limit: 2500m } }";
    let web = find(&loaded(&[("landing.toml", &toml), ("compose.yaml", compose)]), "web");
    assert_eq!((web.cpu, web.memory), (1024, 3072), "landing.toml's half stays, compose's is rounded");
}

#[test]
fn calls_are_found_by_host_name() {
    let compose = "services:\n  web:\n    image: nginx\n    environment: { API: \"http://api:80/db\", TOPIC: mqtt-events }\n    command: [wait-for, \"cache:6379\"]\n  \
                   api: { image: nginx, healthcheck: { test: [\"CMD\", \"curl\", \"web\"] }, depends_on: [job] }\n  cache: { image: nginx }\n  mqtt: { image: nginx }\n  db: { image: nginx }\n  \
                   job: { image: nginx, restart: \"no\", environment: { HOST: db } }\n";
    let project = loaded(&[("landing.toml", TOML), ("compose.yaml", compose)]);
    let calls = |name| find(&project, name).calls.into_iter().collect::<Vec<_>>().join(" ");
    assert_eq!(calls("web"), "api cache");
    assert_eq!(calls("api"), "web", "a job is waited for, not called");
    assert_eq!(calls("job"), "db");
}

#[test]
fn the_command_line_s_region_is_stronger_than_the_file_s() {
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        &[("landing.toml", "name = \"shop\"\nregion = \"us-west-2\"\n"), ("compose.yaml", "services: { web: { image: nginx } }")],
    );
    let environment = std::collections::BTreeMap::new();
    let region = |region| {
        let input = landing_project::Input { dir: dir.path(), environment: &environment, env_name: "dev", region };
        landing_project::load(&input).unwrap().region
    };
    assert_eq!(region(None).as_deref(), Some("us-west-2"));
    assert_eq!(region(Some("eu-central-1")).as_deref(), Some("eu-central-1"));
}

#[test]
fn database_words_become_pieces() {
    let toml = "name = \"shop\"\n[databases.main]\n[services.web]\nsecrets = { PASS = \"database:main.password\" }\n\
                environment = { HOST = \"${database.main.host}\", URL = \"x://${database.main.host}:${database.main.port}/$$y\", PLAIN = \"a$$b\", COUNT = 3 }\n";
    let project = loaded(&[("landing.toml", toml), ("compose.yaml", "services: { web: { image: nginx } }")]);
    assert_eq!(project.databases["main"].used_by, ["web"], "whoever is told about it may reach it");
    insta::assert_json_snapshot!((&project.databases, &find(&project, "web").environment, find(&project, "web").secrets));
}

#[test]
fn the_first_default_file_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let image = |tag: &str| format!("services: {{ web: {{ image: \"nginx:{tag}\" }} }}\n");
    write(dir.path(), &[("landing.toml", TOML)]);
    for name in ["docker-compose.yaml", "compose.yml", "compose.yaml", "docker-compose.yml"] {
        write(dir.path(), &[(name, &image(name))]);
        let web = find(&load_dir(dir.path(), &[], "dev").unwrap(), "web");
        assert_eq!(web.image, Image::External(format!("nginx:{name}")));
    }
}

#[test]
fn an_override_file_is_left_alone_and_said() {
    let web = "services: { web: { image: nginx } }";
    let files = [("landing.toml", TOML), ("docker-compose.yml", web), ("docker-compose.override.yml", web)];
    let said = |key: &str| loaded(&files).keys.into_iter().find(|outcome| outcome.key == key);
    let outcome = said("docker-compose.override.yml").unwrap().outcome;
    let Outcome::Ignored { reason } = outcome else { panic!("{outcome:?}") };
    assert!(reason.contains("compose = [\"docker-compose.yml\", \"docker-compose.override.yml\"]"), "{reason}");
    assert!(loaded(&files[..2]).keys.iter().all(|outcome| !outcome.key.contains("override")));
}

#[test]
fn every_key_of_the_specification_has_a_fate() {
    let keys = landing_project::compose_keys();
    assert_eq!(keys.len(), 94);
    let mut sorted: Vec<&str> = keys.iter().map(|row| row.key).collect();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), 94);
    let rows: Vec<String> = keys.iter().map(|row| format!("{:20} {:8} {}", row.key, row.fate, row.says)).collect();
    insta::assert_snapshot!(rows.join("\n"));
}

#[test]
fn the_schema_describes_the_whole_file() {
    insta::assert_json_snapshot!(landing_project::landing_toml_schema());
}

#[test]
fn the_public_address_can_be_told_to_a_service_when_there_is_one() {
    let compose = "services:\n  web:\n    image: nginx\n    ports: [\"80\"]\n";
    let toml = "name = \"shop\"\n[services.web]\npaths = [\"/*\"]\nenvironment = { HOME_PAGE = \"${url}/start\" }\n";
    let project = common::project(&[("landing.toml", toml), ("docker-compose.yml", compose)]).unwrap();
    let pieces = vec![landing_project::Piece::Url, landing_project::Piece::Text("/start".to_owned())];
    assert_eq!(project.services[0].environment["HOME_PAGE"], EnvValue::Template(pieces));
    let private = toml.replace("paths = [\"/*\"]\n", "");
    let problems = common::project(&[("landing.toml", &private), ("docker-compose.yml", compose)]).unwrap_err();
    assert_eq!(problems.0[0].title, "nothing here has a public address");
}

#[test]
fn a_state_lies_in_a_file_or_in_a_bucket_and_each_environment_may_have_its_own() {
    use landing_project::StatePlace;
    let compose = "services:\n  web:\n    image: nginx\n    expose: [\"80\"]\n";
    let place = |lines: &str| {
        let toml = format!("name = \"shop\"\n{lines}");
        common::project(&[("landing.toml", &toml), ("docker-compose.yml", compose)]).unwrap().state
    };
    let s3 = |bucket: Option<&str>, prefix: &str| StatePlace::S3 { bucket: bucket.map(str::to_owned), prefix: prefix.to_owned() };
    assert_eq!(place(""), StatePlace::Local);
    assert_eq!(place("state = \"local\"\n"), StatePlace::Local);
    assert_eq!(place("state = \"s3\"\n"), s3(None, ""));
    assert_eq!(place("state = { s3 = \"acme-state\" }\n"), s3(Some("acme-state"), ""));
    assert_eq!(place("[state]\ns3 = \"acme-state\"\nprefix = \"/teams/shop/\"\n"), s3(Some("acme-state"), "teams/shop/"));
    assert_eq!(place("state = { s3 = \"acme-state\" }\n[env.dev]\nstate = \"local\"\n"), StatePlace::Local);
    assert_eq!(place("state = \"s3\"\n[env.dev.state]\ns3 = \"acme-dev\"\n"), s3(Some("acme-dev"), ""));
}
