//! Every problem as a person sees it.

mod common;

use common::{load_dir, project, write};
use insta::assert_snapshot;

const NAME: &str = "name = \"shop\"\n";
const WEB: &str = "services:\n  web:\n    image: nginx:1\n    expose: [80]\n";

/// What a person sees when these files are wrong.
#[track_caller]
fn problems(files: &[(&str, &str)]) -> String {
    project(files).expect_err("the project should not load").render(false)
}

/// landing.toml with these lines below its name, beside a compose file with one service.
#[track_caller]
fn toml(lines: &str) -> String {
    problems(&[("landing.toml", &format!("{NAME}{lines}")), ("compose.yaml", WEB)])
}

/// A compose file of one service with these lines, beside the shortest landing.toml.
#[track_caller]
fn web(lines: &str) -> String {
    let compose: String = lines.lines().map(|line| format!("    {line}\n")).collect();
    problems(&[("landing.toml", NAME), ("compose.yaml", &format!("services:\n  web:\n    image: nginx:1\n{compose}"))])
}

#[track_caller]
fn compose(text: &str) -> String {
    problems(&[("landing.toml", NAME), ("compose.yaml", text)])
}

#[test]
fn missing_landing_toml() {
    assert_snapshot!(problems(&[("compose.yaml", WEB)]));
}

#[test]
fn malformed_landing_toml() {
    assert_snapshot!(problems(&[("landing.toml", "name = \"shop\"\nskip = [\"a\"\nregion = \"x\"\n"), ("compose.yaml", WEB)]));
}

#[test]
fn landing_toml_without_a_name() {
    assert_snapshot!(problems(&[("landing.toml", "region = \"us-west-2\"\n"), ("compose.yaml", WEB)]));
}

#[test]
fn landing_toml_that_is_not_text() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("landing.toml"), [0x6e, 0xff, 0xfe]).unwrap();
    assert_snapshot!(load_dir(dir.path(), &[], "dev").unwrap_err().render(false));
}

#[test]
fn unknown_keys_all_at_once() {
    assert_snapshot!(toml(
        "regoin = \"us-west-2\"\n[services.web]\nmemroy = 512\nsecret = { A = \"b\" }\n[database.main]\n[env.staging.network]\nzone = 3\n"
    ));
}

#[test]
fn values_of_the_wrong_kind() {
    assert_snapshot!(toml("[services.web]\ncpu = \"big\"\n"));
    assert_snapshot!(toml("[network]\nnat = \"singel\"\n"));
}

#[test]
fn unknown_service() {
    assert_snapshot!(toml("skip = [\"postgres\"]\n[services.wep]\ncpu = 256\n"));
}

#[test]
fn two_default_services() {
    let compose = "services:\n  web: { image: nginx, expose: [80] }\n  api: { image: nginx, expose: [80] }\n";
    let toml = format!("{NAME}[services.web]\ndefault = true\n\n[services.api]\ndefault = true\n");
    assert_snapshot!(problems(&[("landing.toml", &toml), ("compose.yaml", compose)]));
}

#[test]
fn two_services_on_one_path_and_port() {
    let compose = "services:\n  web: { image: nginx, expose: [80] }\n  api: { image: nginx, expose: [80] }\n";
    let toml = format!(
        "{NAME}[services.web]\npaths = [\"/x/*\"]\ntcp = [9000]\n\n[services.api]\npaths = [\"/y/*\", \"/x/*\"]\ntcp = [9000]\n"
    );
    assert_snapshot!(problems(&[("landing.toml", &toml), ("compose.yaml", compose)]));
}

#[test]
fn addresses_that_cannot_be_a_vpc() {
    for (name, cidr) in [
        ("too_small", "10.1.0.0/26"),
        ("too_large", "10.0.0.0/8"),
        ("overlapping", "169.254.0.0/16"),
        ("not_the_start", "10.0.1.0/16"),
        ("not_a_range", "10.0.0/16"),
    ] {
        assert_snapshot!(format!("cidr_{name}"), toml(&format!("[network]\ncidr = \"{cidr}\"\n")));
    }
    assert_snapshot!("zones", toml("[network]\nzones = 1\n"));
}

#[test]
fn unsupported_compose_keys() {
    assert_snapshot!(web(
        "gpus: all\nprivileged: true\nextra_hosts: [\"host.docker.internal:host-gateway\"]\nnetwork_mode: host\nsecrets: [token]"
    ));
}

#[test]
fn typos_in_compose() {
    assert_snapshot!(web("enviroment: { A: b }\nhealthcheck: { tests: [\"CMD\", \"true\"] }\ndeploy: { replica: 2 }"));
    assert_snapshot!(compose("servises:\n  web: { image: nginx }\n"));
}

#[test]
fn unset_variable() {
    assert_snapshot!(web(
        "environment:\n  TAG: \"v-${RELEASE}\"\n  MODE: ${MODE:?say which mode}\n  COST: 5$\n  BARE:\ncommand: echo $WHO"
    ));
}

#[test]
fn one_variable_is_asked_for_once_with_all_its_places() {
    assert_snapshot!(compose(
        "services:\n  a:\n    image: x:${TAG}\n    env_file: .env.production\n  b:\n    image: y:${TAG}\n    env_file: .env.production\n    environment: [\"V=$TAG\"]\n"
    ));
}

#[test]
fn a_file_of_compose_v1_is_one_problem() {
    let of_keys_alone = compose("# laid over another\ndb:\n  command: top\n  net: host\n");
    assert!(of_keys_alone.starts_with("error[compose-v1]") && !of_keys_alone.contains("unknown"), "{of_keys_alone}");
    assert!(!compose("servics:\n  web:\n    image: x\n").contains("v1"));
    assert_snapshot!(compose("web:\n  build: .\n  links: [redis]\n  net: bridge\nredis:\n  image: redis\n"));
}

#[test]
fn unset_variables_of_what_is_not_deployed_do_not_matter() {
    let toml =
        format!("{NAME}skip = [\"db\"]\n[services.web]\nsecrets = {{ TOKEN = \"t\" }}\n[secrets.t]\nfrom = \"env:TOKEN\"\n");
    let compose = "services:\n  web: { image: nginx, environment: { TOKEN: \"${TOKEN}\" } }\n  db: { image: \"pg:${NOPE}\" }\n";
    assert!(project(&[("landing.toml", &toml), ("compose.yaml", compose)]).is_ok());
}

#[test]
fn invalid_sizes() {
    assert_snapshot!("size_memory", toml("[services.web]\ncpu = 512\nmemory = 512\n"));
    assert_snapshot!("size_cpu", toml("[services.web]\ncpu = 300\nmemory = 1024\n"));
    assert_snapshot!("size_half", toml("[services.web]\nmemory = 700\n"));
    assert_snapshot!("size_compose", web("deploy: { resources: { limits: { memory: 500g } } }"));
}

#[test]
fn plain_text_credentials_are_never_shown() {
    let files = [
        ("landing.toml", NAME),
        ("app.env", "SMTP_TOKEN=hunter5\n"),
        (
            "compose.yaml",
            "x-shared: &shared\n  DB_PASSWORD: hunter1\nservices:\n  web:\n    image: nginx\n    env_file: app.env\n    environment:\n      <<: *shared\n      \
             CACHE: redis://me:hunter2@cache:6379/0\n      LIST: \"${API_KEY}\"\n      API_KEY: ${API_KEY}\n  worker:\n    image: nginx\n    environment: [\"JWT_SECRET=hunter3\"]\n  \
             other:\n    image: nginx\n    environment: *shared\n",
        ),
    ];
    let found = common::project_with(&files, &[("API_KEY", "hunter4")]).unwrap_err();
    let shown = format!("{}\n{found}\n{found:?}\n{}", found.render(false), found.render(true));
    assert!(!shown.contains("hunter"), "a value is shown: {shown}");
    assert_snapshot!(found.render(false));
}

#[test]
fn credentials_in_landing_toml_are_never_shown() {
    let shown = toml(
        "[services.web.environment]\nDB_PASSWORD = \"hunter1\"\nURL = \"http://u:hunter2@h\"\n[secrets.x]\nfrom = \"hunter3\"\n",
    );
    assert!(!shown.contains("hunter"), "a value is shown: {shown}");
    assert_snapshot!(shown);
}

#[test]
fn lines_of_other_problems_hide_credentials_too() {
    let shown = web(
        "environment: { DB_PASSWORD: \"hunter1${UNSET}\", A: \"${UNSET_TOO}\" }\nlabels:\n  note: |\n    hunter2\n    ${UNSET_THREE}",
    );
    assert!(!shown.contains("hunter"), "a value is shown: {shown}");
    let env = problems(&[
        ("landing.toml", NAME),
        ("compose.yaml", "services: { web: { image: nginx, env_file: x.env } }"),
        ("x.env", "A=1\n=hunter3\n"),
    ]);
    assert!(!env.contains("hunter"), "a value is shown: {env}");
    assert_snapshot!(format!("{shown}\n\n{env}"));
}

#[test]
fn a_dollar_sign_in_a_password_shows_nothing_of_it() {
    let shown = web(
        "environment:\n  DB_PASSWORD: abc$hunter1\n  API_TOKEN: $hunter2\n  URL: \"postgres://u:p$hunter3@h/d\"\n  JWT_SECRET: ${JWT_SECRET}\n  OTHER: postgres://u:${DB_PASS}@h/d",
    );
    assert!(!shown.contains("hunter"), "a value is shown: {shown}");
    assert_snapshot!(shown);
}

#[test]
fn path_traversal() {
    assert_snapshot!(problems(&[
        ("landing.toml", &format!("{NAME}compose = \"ops/compose.yaml\"\n[spa]\ndist = \"../dist\"\n")),
        (
            "ops/compose.yaml",
            "services:\n  web:\n    build: ../../elsewhere\n    env_file: [/etc/passwd]\n    volumes: [\"~/.aws:/root/.aws:ro\"]\n  api:\n    extends: { file: ../../x.yaml, service: y }\n"
        ),
    ]));
    assert_snapshot!(problems(&[("landing.toml", "name = \"shop\"\ncompose = \"../compose.yaml\"\n")]));
}

#[cfg(unix)]
#[test]
fn links_that_lead_outside_are_path_traversal() {
    let outside = tempfile::tempdir().unwrap();
    write(outside.path(), &[("secret.env", "A=1\n")]);
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        &[
            ("landing.toml", NAME),
            ("compose.yaml", "services:\n  web:\n    image: nginx\n    env_file: linked/secret.env\n    build: gone\n"),
        ],
    );
    std::os::unix::fs::symlink(outside.path(), dir.path().join("linked")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("later"), dir.path().join("gone")).unwrap();
    assert_snapshot!(load_dir(dir.path(), &[], "dev").unwrap_err().render(false));
}

#[test]
fn cyclic_depends_on() {
    assert_snapshot!(compose(
        "services:\n  a: { image: nginx, depends_on: [b] }\n  b: { image: nginx, depends_on: [c] }\n  c:\n    image: nginx\n    depends_on:\n      a: { condition: service_started }\n"
    ));
}

#[test]
fn other_mistakes_in_depends_on() {
    assert_snapshot!(compose(
        "services:\n  web:\n    image: nginx\n    depends_on:\n      databse: { condition: service_started }\n      database: { condition: service_healthy }\n      cache: { condition: healthy }\n  database: { image: nginx }\n  cache: { image: nginx }\n"
    ));
}

#[test]
fn names_too_long_or_wrong() {
    let toml = "name = \"a-very-long-name-for-a-project\"\n[secrets.Bad_Name]\ngenerate = true\n";
    let compose = "services:\n  a_service_with_a_name_of_forty_one_letters: { image: nginx }\n  web.v2: { image: nginx }\n";
    assert_snapshot!(problems(&[("landing.toml", toml), ("compose.yaml", compose)]));
    assert_snapshot!(problems(&[("landing.toml", "name = \"My Shop\"\n"), ("compose.yaml", WEB)]));
}

#[test]
fn volumes_that_have_no_place() {
    assert_snapshot!(web(
        "volumes:\n  - data:/var/lib/data\n  - ./src:/app\n  - /var/run/docker.sock:/var/run/docker.sock:ro\n  - ./missing.conf:/etc/x.conf:ro\n  - { type: cluster, source: x, target: /x }"
    ));
}

#[test]
fn what_a_writable_mount_is_for_decides_what_to_do() {
    let compose = "services:\n  built:\n    build: ./app\n    volumes: [./app:/code, ./conf/nginx.conf:/etc/nginx.conf, ./uploads:/up, .:/all]\n  db:\n    image: postgres:16\n    volumes: [./pg:/var/lib/postgresql/data, ~/x:/x]\n";
    assert_snapshot!(problems(&[
        ("landing.toml", NAME),
        ("compose.yaml", compose),
        ("app/Dockerfile", "FROM scratch\n"),
        ("conf/nginx.conf", ""),
    ]));
}

#[test]
fn files_of_secrets_become_variables_where_the_program_knows_both() {
    assert_snapshot!(compose(
        "services:\n  db:\n    image: postgres\n    secrets: [pass, { source: user, target: /etc/user }]\n    environment: [POSTGRES_PASSWORD_FILE=/run/secrets/pass, POSTGRES_USER_FILE=/etc/user]\n  sql:\n    image: mysql\n    secrets: [pass]\n    environment: { MYSQL_PASSWORD_FILE: /run/secrets/pass }\n    healthcheck: { test: \"mysqladmin ping -p$$(cat /run/secrets/pass)\" }\n  app:\n    image: x\n    secrets: [pass]\nsecrets: { pass: { file: ./p }, user: { file: ./u } }\n"
    ));
}

#[test]
fn one_password_for_all_is_the_databases_only_where_the_name_says_so() {
    let told = compose(
        "services:\n  db:\n    image: postgres:16\n    environment: { POSTGRES_PASSWORD: same }\n    volumes: [\"d:/var/lib/postgresql/data\"]\n  a:\n    image: x\n    environment: { DB_HOST: db, DB_PASSWORD: same, MONGODB_PASSWORD: same, RABBITMQ_PASS: same, REDIS_PASSWORD: same }\n  b:\n    image: x\n    environment: { HOST: db, PASSWORD: same, SMTP_PASSWORD: same }\nvolumes: { d: }\n",
    );
    let given: Vec<&str> = told.lines().filter(|line| line.contains("database:db.password") && !line.contains("help")).collect();
    assert_eq!(
        given,
        [
            "DB_PASSWORD = \"database:db.password\"",
            "secrets = { PASSWORD = \"database:db.password\", SMTP_PASSWORD = \"smtp-password\" }"
        ]
    );
}

#[test]
fn two_passwords_of_one_name_are_two_secrets() {
    assert_snapshot!(compose(
        "services:\n  a-db:\n    image: x\n    environment: { DB_PASSWORD: one }\n  b_db:\n    image: x\n    environment: { DB_PASSWORD: two }\n  c:\n    image: x\n    environment: { OTHER_TOKEN: same }\n  d:\n    image: x\n    environment: { OTHER_TOKEN: same }\n"
    ));
}

#[test]
fn volumes_that_cannot_be_kept() {
    let compose = "services:\n  web:\n    image: nginx\n    volumes:\n      - data:/data\n      - data:relative\n      - { type: volume, source: data, target: /part, volume: { subpath: part } }\n      - other:/other\n  db:\n    image: postgres:16\n    volumes: [\"db:/var/lib/postgresql/data\"]\n";
    let toml = format!(
        "{NAME}[volumes.data]\nuid = 0\ngid = 0\n[volumes.dtaa]\nstorage = \"efs\"\n[volumes.\"my.files\"]\nstorage = \"efs\"\n[volumes.more]\nstorage = \"efs\"\nsize = 20\n"
    );
    assert_snapshot!(problems(&[("landing.toml", &toml), ("compose.yaml", compose)]));
    let toml = format!("{NAME}[volumes.data]\nstorage = \"ebs\"\n");
    assert_snapshot!(problems(&[("landing.toml", &toml), ("compose.yaml", WEB)]));
}

#[test]
fn references_to_nothing() {
    assert_snapshot!(toml(
        "[services.web]\nsecrets = { A = \"tokn\", B = \"database:mian.password\", C = \"database:main.host\", D = \"admin\", E = \"token:password\" }\n\
         environment = { F = \"${database.main.adress}\", G = \"${HOME}\", H = \"${database.main.password}\" }\n\
         [secrets.token]\ngenerate = true\n[secrets.admin]\ngenerate = { username = \"admin\" }\n[secrets.both]\nfrom = \"env:X\"\ngenerate = true\n[secrets.none]\n\
         [databases.main]\nused-by = [\"wbe\"]\n"
    ));
}

#[test]
fn databases_that_rds_would_refuse() {
    assert_snapshot!(toml(
        "[databases.main]\nengine = \"mysql\"\nclass = \"t3.micro\"\nversion = \"latest\"\nstorage = 10\nbackup-days = 90\ndatabase = \"my-db\"\nuser = \"admin\"\n"
    ));
}

#[test]
fn other_settings_that_aws_would_refuse() {
    assert_snapshot!(toml(
        "region = \"us-west2\"\n[logs]\nretention-days = 10\n[github]\nrepository = \"shop\"\nbranch = \"*\"\n[spa]\ndist = \"dist\"\nprice-class = \"PriceClass_10\"\n\
         [services.web]\npaths = [\"api\"]\nhealth = { path = \"health\", codes = \"ok\" }\n"
    ));
}

#[test]
fn which_port_takes_requests() {
    let toml = format!("{NAME}[services.web]\ndefault = true\n[services.api]\npaths = [\"/api/*\"]\n");
    let compose = "services:\n  web: { image: nginx, expose: [80, 9090] }\n  api: { image: nginx }\n";
    assert_snapshot!(problems(&[("landing.toml", &toml), ("compose.yaml", compose)]));
}

#[test]
fn a_job_takes_no_traffic() {
    let toml = format!("{NAME}[services.migrate]\npaths = [\"/x\"]\nport = 80\n");
    assert_snapshot!(problems(&[
        ("landing.toml", &toml),
        ("compose.yaml", "services:\n  migrate: { image: nginx, restart: \"no\" }\n")
    ]));
}

#[test]
fn compose_files_that_cannot_be_read() {
    assert_snapshot!("compose_missing", problems(&[("landing.toml", NAME)]));
    assert_snapshot!(
        "compose_named_but_missing",
        problems(&[("landing.toml", "name = \"shop\"\ncompose = \"ops/compose.yaml\"\n")])
    );
    assert_snapshot!("compose_not_yaml", compose("services:\n  web:\n    image: [nginx\n  x: y\n"));
    assert_snapshot!("compose_duplicate_key", compose("services:\n  web:\n    image: a\n    image: b\n"));
    assert_snapshot!("compose_empty", compose(""));
    assert_snapshot!("compose_not_a_map", compose("- a\n- b\n"));
    assert_snapshot!("compose_include", compose("include: [other.yaml]\nservices: { web: { image: nginx } }\n"));
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[("landing.toml", NAME)]);
    std::fs::write(dir.path().join("compose.yaml"), [0xff, 0xfe, 0x00]).unwrap();
    assert_snapshot!("compose_not_text", load_dir(dir.path(), &[], "dev").unwrap_err().render(false));
}

#[test]
fn values_that_compose_would_refuse_too() {
    assert_snapshot!(web(
        "ports: [\"80:http\", \"53:53/udp\", { target: x }]\nmem_limit: lots\nstop_grace_period: 10\ninit: maybe\nplatform: windows/amd64\ncommand: echo 'open\nenvironment: [{ A: b }]\nenv_file: nowhere.env\nentrypoint: []"
    ));
    assert_snapshot!(compose(
        "services:\n  web: {}\n  api:\n  db: { build: { context: nowhere, dockerfyle: x, ssh: [default] } }\n"
    ));
}

#[test]
fn builds_that_need_what_no_builder_here_has() {
    assert_snapshot!(compose(
        "services:\n  web:\n    build:\n      context: .\n      dockerfile_inline: FROM scratch\n      ssh: [default]\n      platforms: [linux/riscv64]\n      entitlements: [network.host]\n      additional_contexts: { base: \"service:base\" }\n      \
         secrets: [gone, kept, { source: npm, targte: x }, { source: npm, target: \"a,src=/etc/shadow\" }, outside]\n\
         secrets:\n  kept: { external: true }\n  npm: { environment: NPM_TOKEN }\n  outside: { file: ../../x }\n"
    ));
}

#[test]
fn plain_text_has_file_line_and_column() {
    let problems = project(&[("landing.toml", "name = \"shop\"\n  regoin = 1\n"), ("compose.yaml", WEB)]).unwrap_err();
    assert_snapshot!(problems, @r"
    landing.toml:2:3: unknown key `regoin` in landing.toml: not a key of `landing.toml`
      help: did you mean `region`?
    ");
    assert_eq!((problems.0[0].code, problems.0[0].line, problems.0[0].column), ("unknown-key", 2, 3));
}

#[test]
fn places_where_no_state_can_lie() {
    assert_snapshot!("state_word", toml("state = \"s4\"\n"));
    assert_snapshot!("state_address", toml("state = \"s3://acme-state/teams/shop/\"\n"));
    assert_snapshot!("state_bucket", toml("state = { s3 = \"Acme.State\", prefix = \"a//b\" }\n"));
    assert_snapshot!("state_key", toml("[state]\ns3 = \"acme-state\"\nprefx = \"a\"\n"));
}

#[test]
fn smoke_that_nobody_could_ask() {
    assert_snapshot!(problems(&[
        (
            "landing.toml",
            "name = \"shop\"\n\n[services.web]\npaths = [\"/api/*\"]\nsmoke = { path = \"/health\", status = \"fine\" }\n\n[services.worker]\nsmoke = { contains = \"ok\", log = false }\n\n[services.other]\npaths = [\"/other/*\"]\nsmoke = { path = \"other\", logs = true }\n",
        ),
        (
            "compose.yaml",
            "services:\n  web:\n    image: nginx:1\n    expose: [80]\n  worker:\n    image: nginx:1\n  other:\n    image: nginx:1\n    expose: [80]\n"
        ),
    ]));
}

#[test]
fn templates_that_cannot_be_put_together() {
    assert_snapshot!(toml(
        "[services.web]\nsecrets = { A = \"url:key\", B = \"database:main.url\" }\n[databases.main]\n[secrets.main-url]\ngenerate = true\n\
         [secrets.url]\ntemplate = \"${database.main.url}?sslmode=require\"\n[secrets.both]\ntemplate = \"${secret.t}\"\nfrom = \"env:X\"\n\
         [secrets.t]\ngenerate = true\n[secrets.gone]\ntemplate = \"amqp://app:${secret.tt}@mq\"\n[secrets.nested]\ntemplate = \"${secret.url}\"\n\
         [secrets.nobody]\ntemplate = \"${database.mian.password}\"\n[secrets.what]\ntemplate = \"${TOKEN}\"\n\
         [secrets.plain]\ntemplate = \"amqp://app:hunter2@mq/${secret.t}\"\n[secrets.open]\ntemplate = \"${database.main.host}\"\n\
         [secrets.long]\ntemplate = \"${secret.t}${secret.t}${secret.t}${secret.t}${secret.t}\"\n"
    ));
}

/// With everybody who names it; and what is proposed is a landing.toml without problems.
#[test]
fn a_postgresql_container_leads_to_a_database_in_rds() {
    let compose = "services:\n  web:\n    image: web:1\n    environment:\n      DATABASE_URL: postgres://app:hunter2@db:5432/app?pool=5\n      \
                   PRISMA_URL: postgresql://app:hunter2@db/app\n      CACHE: redis:6379\n    depends_on: [db, redis]\n  \
                   worker:\n    image: worker:1\n    environment: { DB_HOST: db, DB_USER: app, DB_PASSWORD: hunter2, DB_PATH: /srv/db }\n  \
                   redis:\n    image: redis:8\n  \
                   db:\n    image: postgres:17-alpine\n    environment: { POSTGRES_USER: app, POSTGRES_PASSWORD: hunter2 }\n    \
                   volumes: [\"data:/var/lib/postgresql/data\"]\nvolumes: { data: {} }\n";
    let problems = project(&[("landing.toml", NAME), ("compose.yaml", compose)]).unwrap_err();
    assert_snapshot!(problems.render(false));
    let lines = problems.proposal().unwrap().lines().filter(|line| !line.starts_with("for landing.toml"));
    let lines: Vec<&str> = lines.collect();
    let given = project(&[("landing.toml", &format!("{NAME}{}", lines.join("\n"))), ("compose.yaml", compose)]).unwrap();
    let web = given.find("web").unwrap();
    assert!(web.databases(&given.secrets).contains("db") && web.environment.keys().eq(["CACHE"]), "{:?}", web.environment);
    assert_eq!(given.databases["db"].used_by, ["web", "worker"]);
}
