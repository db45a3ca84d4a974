//! Builders: which one is taken, what it is called with, what it is never called with, and what its failures mean.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::Mutex;

use common::{Machine, Project, build, recipe};
use landing_images::{Baked, BakedSource, Base, Build, Builder, Cause, Login, Recipe, SecretSource};

const FINE: &str = "exit 0";
const NO_DAEMON: &str = "case $1 in version) echo 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?' >&2; exit 1;; esac";

fn login() -> Login {
    Login { endpoint: "http://127.0.0.1:5000".into(), user: "AWS".into(), password: "registry-secret-1".into() }
}

#[tokio::test]
async fn the_first_that_works_is_taken_unless_one_is_named() {
    let all = Machine::with(&[("docker", FINE), ("podman", FINE), ("buildah", FINE)]);
    assert_eq!(all.builder().await.tool.name(), "docker");
    let stopped = Machine::with(&[("docker", NO_DAEMON), ("buildah", FINE)]);
    assert_eq!(stopped.builder().await.tool.name(), "buildah");
    let named = Builder::find(Some("podman"), &all.path()).await.unwrap();
    assert_eq!(named.tool.name(), "podman");
    let path = all.file("buildah").display().to_string();
    assert_eq!(Builder::find(Some(&path), "".as_ref()).await.unwrap().tool.name(), "buildah");
}

#[tokio::test]
async fn why_nothing_can_be_built_here_is_said_with_what_to_do() {
    let mut said = Vec::new();
    for (wanted, tools) in [
        (None, &[][..]),
        (None, &[("docker", NO_DAEMON)][..]),
        (Some("docker"), &[("docker", NO_DAEMON), ("buildah", FINE)][..]),
        (Some("podman"), &[("buildah", FINE)][..]),
        (Some("kaniko"), &[("buildah", FINE)][..]),
    ] {
        let error = Builder::find(wanted, &Machine::with(tools).path()).await.unwrap_err();
        said.push(format!("{}\n  help: {}", error.why, error.help));
    }
    insta::assert_snapshot!(said.join("\n"), @r"
    there is no docker, podman or buildah on this machine
      help: install one of them
    docker is here and cannot build: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?
      help: start Docker, or name another builder in LANDING_BUILDER
    docker is here and cannot build: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?
      help: start Docker, or name another builder in LANDING_BUILDER
    there is no `podman` on this machine
      help: install it, or name another builder
    `kaniko` is no builder
      help: name docker, podman, buildah or the path of one of them; `none` builds nothing
    ");
}

fn everything() -> Recipe {
    let args = [("VERSION", "1.2"), ("HTTP_PROXY", "http://proxy"), ("DOCKER_TAG", "x")];
    recipe(Build {
        args: args.map(|(name, value)| (name.into(), value.into())).into(),
        target: Some("run".into()),
        contexts: [("lib".into(), "lib".into()), ("base".into(), "docker-image://alpine".into())].into(),
        labels: [("team".into(), "shop".into())].into(),
        secrets: [("npm".into(), SecretSource::Environment("NPM_TOKEN".into()))].into(),
        ..build()
    })
}

#[tokio::test]
async fn each_builder_is_called_in_its_own_way() {
    let project = Project::shop();
    project.write("lib/lib.py", "");
    let recipe = everything();
    let mut calls = Vec::new();
    for tools in
        [&[("docker", FINE)], &[("docker", "[ $1 != buildx ] || [ $2 != version ]")], &[("podman", FINE)], &[("buildah", FINE)]]
    {
        let machine = Machine::with(tools);
        let (workshop, tag) = project.workshop(machine.builder().await, &recipe);
        machine.calls();
        let built = workshop.build("shop-dev/app", &tag, &|_| {}).await.unwrap();
        workshop.push(&built, "shop-dev/app", &tag, &login(), &|_| {}).await.unwrap();
        calls.push(machine.calls().replace(&tag, "TAG"));
    }
    insta::assert_snapshot!(calls.join("\n\n"));
}

#[tokio::test]
async fn no_secret_is_ever_an_argument_and_none_stays_on_the_disk() {
    let look = r#"
        env > "$here/environment.$1"
        for word in "$@"; do case $word in
            --authfile) next=yes;;
            id=npm,src=*) cat "${word#id=npm,src=}" > "$here/secret"; stat -c %a "${word#id=npm,src=}" >> "$here/modes";;
            *) [ "${next:-}" = yes ] && { cp "$word" "$here/auth.json"; stat -c %a "$word" >> "$here/modes"; stat -c %a "$(dirname "$word")" >> "$here/modes"; echo "$word" > "$here/where"; next=;};;
        esac; done
        case $1 in push) echo "pushed with registry-secret-1" ;; build) echo "STEP 1/1: RUN echo npm-secret-1" ;; esac
        true"#;
    let project = Project::shop();
    project.write("lib/lib.py", "");
    let machine = Machine::with(&[("podman", look)]);
    let (workshop, tag) = project.workshop(machine.builder().await, &everything());
    let told = Mutex::new(Vec::new());
    let tell = |line: &str| told.lock().unwrap().push(line.to_owned());
    let built = workshop.build("shop-dev/app", &tag, &tell).await.unwrap();
    workshop.push(&built, "shop-dev/app", &tag, &login(), &tell).await.unwrap();

    let read = |name: &str| fs::read_to_string(machine.file(name)).unwrap();
    let calls = read("calls");
    for secret in ["registry-secret-1", "npm-secret-1", "QVdTOnJlZ2lzdHJ5LXNlY3JldC0x", "1.2"] {
        assert!(!calls.contains(secret), "{secret} is an argument: {calls}");
        assert!(!told.lock().unwrap().iter().any(|line| line.contains(secret)), "{secret} was shown");
    }
    assert!(read("environment.build").contains("VERSION=1.2\n"), "a build argument travels in the environment");
    assert!(!read("environment.push").contains("registry-secret-1"));
    assert_eq!(read("secret"), "npm-secret-1");
    assert_eq!(read("auth.json"), r#"{"auths":{"127.0.0.1:5000":{"auth":"QVdTOnJlZ2lzdHJ5LXNlY3JldC0x"}}}"#);
    assert_eq!(read("modes"), "600\n600\n700\n");
    assert!(!fs::exists(read("where").trim()).unwrap(), "the login goes with the push");
}

#[tokio::test]
async fn a_secret_that_is_not_at_hand_is_missed_before_anything_is_built() {
    let project = Project::shop();
    let machine = Machine::with(&[("podman", FINE)]);
    let mut said = Vec::new();
    for source in [
        SecretSource::Environment("NPM_TOKEN".into()),
        SecretSource::Environment("GONE".into()),
        SecretSource::File("gone.txt".into()),
    ] {
        let recipe = recipe(Build { secrets: [("npm".into(), source)].into(), ..build() });
        let (workshop, tag) = project.workshop(machine.builder().await, &recipe);
        said.push(workshop.lacks(&tag).unwrap_or_else(|| "nothing".into()));
    }
    insta::assert_snapshot!(said.join("\n").replace(&project.dir().display().to_string(), "DIR"), @r"
    nothing
    the build secret `npm` comes from the environment variable GONE, which is not set
    the build secret `npm` is in gone.txt: No such file or directory (os error 2)
    ");
}

#[tokio::test]
async fn docker_pushes_with_a_configuration_of_ours_that_keeps_the_users_plugins_and_daemon() {
    let look = r#"
        env | grep DOCKER_CONFIG > "$here/config-of.$1"
        [ "$1" != push ] || { cat "$DOCKER_CONFIG/config.json" > "$here/config.json"; ls "$DOCKER_CONFIG" > "$here/listing"; }
        true"#;
    let project = Project::shop();
    project.write(
        "home/.docker/config.json",
        r#"{"auths":{"other":{"auth":"dXNlcnM="}},"currentContext":"desktop","credsStore":"keys"}"#,
    );
    project.write("home/.docker/cli-plugins/docker-buildx", "");
    let machine = Machine::with(&[("docker", look)]);
    let (workshop, tag) = project.workshop(machine.builder().await, &recipe(build()));
    let built = workshop.build("shop-dev/app", &tag, &|_| {}).await.unwrap();
    assert!(
        !machine.file("config-of.build").exists() || fs::read_to_string(machine.file("config-of.buildx")).unwrap().is_empty()
    );
    workshop.push(&built, "shop-dev/app", &tag, &login(), &|_| {}).await.unwrap();
    insta::assert_snapshot!(fs::read_to_string(machine.file("config.json")).unwrap(), @r#"{"auths":{"127.0.0.1:5000":{"auth":"QVdTOnJlZ2lzdHJ5LXNlY3JldC0x"}},"currentContext":"desktop"}"#);
    insta::assert_snapshot!(fs::read_to_string(machine.file("listing")).unwrap(), @r"
    cli-plugins
    config.json
    ");
    let users = fs::read_to_string(project.dir().join("home/.docker/config.json")).unwrap();
    assert!(users.contains("credsStore") && !users.contains("127.0.0.1"), "the user's own is as it was");
}

#[tokio::test]
async fn a_builder_sees_the_files_of_the_tag_and_the_baked_ones_and_nothing_else() {
    let show = r#"
        for word in "$@"; do case $word in
            */Dockerfile) echo "== Dockerfile"; cat "$word";;
            landing-baked-files=*) echo "== baked"; (cd "${word#*=}" && find . -type f | sort | xargs stat -c '%a %n');;
            */context) echo "== context"; (cd "$word" && find . ! -type d | sort | xargs stat -c '%A %N'; find . -type d -empty);;
        esac; done > "$here/seen""#;
    let project = Project::shop();
    for (path, text) in [
        ("app/.dockerignore", "**/*.pyc\nkeys"),
        ("app/main.pyc", ""),
        ("app/keys/private.pem", "x"),
        ("app/run.sh", "#!/bin/sh"),
        ("conf/realm.json", "{}"),
        ("conf/d/a.conf", "a"),
    ] {
        project.write(path, text);
    }
    fs::create_dir(project.dir().join("app/empty")).unwrap();
    fs::set_permissions(project.dir().join("app/run.sh"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::set_permissions(project.dir().join("app/main.py"), fs::Permissions::from_mode(0o600)).unwrap();
    std::os::unix::fs::symlink("main.py", project.dir().join("app/link.py")).unwrap();
    let file = |path: &str| BakedSource::File(path.into());
    let text = BakedSource::Text("listener 1883\n".into());
    let baked = [(file("conf/realm.json"), "/data/realm.json"), (file("conf/d"), "/etc/d"), (text, "/etc/broker.conf")];
    let baked: Vec<Baked> = baked.map(|(source, target)| Baked { source, target: target.into() }).into();
    let machine = Machine::with(&[("buildah", show)]);
    let mut seen = Vec::new();
    for base in [
        Base::Build(Build { target: Some("run".into()), ..build() }),
        Base::Build(build()),
        Base::Build(Build { dockerfile_inline: Some("FROM inline".into()), ..build() }),
        Base::Image("eclipse-mosquitto:2.0".into()),
    ] {
        let recipe = Recipe { base, platform: "linux/amd64".into(), baked: baked.clone(), hidden: Vec::new() };
        let (workshop, tag) = project.workshop(machine.builder().await, &recipe);
        workshop.build("shop-dev/app", &tag, &|_| {}).await.unwrap();
        seen.push(fs::read_to_string(machine.file("seen")).unwrap());
    }
    insta::assert_snapshot!(seen.join("\n"));
}

#[tokio::test]
async fn sources_that_were_changed_after_the_plan_are_not_built() {
    let project = Project::shop();
    let machine = Machine::with(&[("buildah", FINE)]);
    let (workshop, tag) = project.workshop(machine.builder().await, &recipe(build()));
    machine.calls();
    project.write("app/main.py", "print(2)\n");
    let error = workshop.build("shop-dev/app", &tag, &|_| {}).await.unwrap_err();
    assert_eq!((error.cause, error.message.as_str()), (Cause::Sources, "its files were changed after the plan was made"));
    assert_eq!(machine.calls(), "");
}

/// What the builders really say, most of it in the words of buildah 1.28, podman 5 and BuildKit.
const FAILURES: [(&str, &str); 16] = [
    ("build", "ERROR: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"),
    (
        "build",
        "ERROR: failed to solve: python:3.99-slim: failed to resolve source metadata for docker.io/library/python:3.99-slim: docker.io/library/python:3.99-slim: not found",
    ),
    (
        "build",
        "Error: creating build container: initializing source docker://nope:1: reading manifest 1 in docker.io/library/nope: manifest unknown",
    ),
    (
        "build",
        "error: creating build container: short-name \"nope\" did not resolve to an alias and no unqualified-search registries are defined in \"/etc/containers/registries.conf\"",
    ),
    (
        "build",
        "ERROR: failed to solve: failed to compute cache key: failed to calculate checksum of ref 0a1b::x: \"/main.py\": not found",
    ),
    (
        "build",
        "Error: building at STEP \"COPY gone.py /\": checking on sources under \"/tmp/x/context\": copier: stat: \"/gone.py\": no such file or directory",
    ),
    ("build", "ERROR: failed to solve: process \"/bin/sh -c pip install flask\" did not complete successfully: exit code: 1"),
    ("build", "error: building at STEP \"RUN false\": while running runtime: exit status 1"),
    ("build", "exec /bin/sh: exec format error"),
    ("build", "write /var/lib/containers/x: no space left on device"),
    ("build", "dockerfile parse error on line 2: unknown instruction: COPPY"),
    (
        "build",
        "Error: creating build container: initializing source docker://python:3: pinging container registry registry-1.docker.io: Get \"https://registry-1.docker.io/v2/\": dial tcp: lookup registry-1.docker.io: no such host",
    ),
    ("push", "denied: User: arn:aws:iam::1:user/x is not authorized to perform: ecr:InitiateLayerUpload"),
    ("push", "name unknown: The repository with name 'shop-dev/app' does not exist in the registry with id '1'"),
    ("push", "error: pushing image: Put \"http://127.0.0.1:5000/v2/x\": dial tcp 127.0.0.1:5000: connect: connection refused"),
    ("push", "something that nobody has seen before"),
];

#[tokio::test]
async fn a_failure_says_what_went_wrong_and_what_to_do() {
    let project = Project::shop();
    let machine = Machine::with(&[(
        "buildah",
        "[ $1 != \"$(cat \"$here/when\")\" ] || { echo 'STEP 1/2: FROM x'; cat \"$here/words\" >&2; exit 125; }",
    )]);
    fs::write(machine.file("when"), "never").unwrap();
    let (workshop, tag) = project.workshop(machine.builder().await, &recipe(build()));
    let mut shown = Vec::new();
    for (when, words) in FAILURES {
        fs::write(machine.file("when"), when).unwrap();
        fs::write(machine.file("words"), words).unwrap();
        let error = match workshop.build("shop-dev/app", &tag, &|_| {}).await {
            Err(error) => error,
            Ok(built) => workshop.push(&built, "shop-dev/app", &tag, &login(), &|_| {}).await.unwrap_err(),
        };
        shown.push(format!("{:?}: {error}\n  help: {}", error.cause, error.help));
    }
    insta::assert_snapshot!(shown.join("\n"));
}

/// The builder and what it has started hold the writing end of a pipe: its end is the end of all of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_nobody_waits_for_any_more_leaves_no_process_behind() {
    let project = Project::shop();
    let machine = Machine::with(&[(
        "buildah",
        "[ $1 != build ] || { exec > \"$here/pipe\"; (trap '' TERM; sleep 1000) & echo 'STEP 1/1: RUN sleep' >&2; wait; }",
    )]);
    assert!(Command::new("mkfifo").arg(machine.file("pipe")).status().unwrap().success());
    let (workshop, tag) = project.workshop(machine.builder().await, &recipe(build()));
    let pipe = machine.file("pipe");
    let all_gone = tokio::task::spawn_blocking(move || fs::read_to_string(pipe));
    let (started, begun) = std::sync::mpsc::channel();
    let work = tokio::spawn(async move {
        let tell = move |line: &str| {
            if line.starts_with("STEP") {
                started.send(()).unwrap()
            }
        };
        workshop.build("shop-dev/app", &tag, &tell).await
    });
    tokio::task::spawn_blocking(move || begun.recv()).await.unwrap().unwrap();
    work.abort();
    assert!(work.await.unwrap_err().is_cancelled());
    assert_eq!(all_gone.await.unwrap().unwrap(), "");
}
