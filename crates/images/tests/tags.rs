//! The content tag: the same for the same sources on every machine, another one for anything that a build could see.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::{Duration, SystemTime};

use common::{Project, build, recipe};
use landing_images::{Baked, BakedSource, Base, Build, Recipe, SecretSource, TAG_PREFIX, Tagger};

#[test]
fn the_same_sources_have_the_same_tag_wherever_and_whenever() {
    let (here, there) = (Project::shop(), Project::shop());
    let tag = here.tag(&recipe(build()));
    assert_eq!(tag, there.tag(&recipe(build())));
    assert!(tag.len() < 128 && tag.strip_prefix(TAG_PREFIX).is_some_and(|hex| hex.len() == 32), "{tag}");
    let file = fs::File::options().write(true).open(there.dir().join("app/main.py")).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1)).unwrap();
    fs::set_permissions(there.dir().join("app/main.py"), fs::Permissions::from_mode(0o664)).unwrap();
    assert_eq!(tag, there.tag(&recipe(build())), "neither time nor umask matters");
    // A tag is for good: everybody's images would be built again.
    insta::assert_snapshot!(tag, @"content-2de2a18c33cb80a7963e50ad2badcb1f");
}

#[test]
fn everything_that_a_build_could_see_changes_the_tag() {
    let project = Project::shop();
    let mut tags = BTreeSet::new();
    let mut new = |what: &str, recipe: &Recipe| assert!(tags.insert(project.tag(recipe)), "{what} does not change the tag");
    new("nothing", &recipe(build()));
    new("the platform", &Recipe { platform: "linux/arm64".into(), ..recipe(build()) });
    new("an argument", &recipe(Build { args: [("A".into(), "1".into())].into(), ..build() }));
    new("its value", &recipe(Build { args: [("A".into(), "2".into())].into(), ..build() }));
    new("the target", &recipe(Build { target: Some("run".into()), ..build() }));
    new("an inline Dockerfile", &recipe(Build { dockerfile_inline: Some("FROM scratch\n".into()), ..build() }));
    new("a context elsewhere", &recipe(Build { contexts: [("lib".into(), "docker-image://a".into())].into(), ..build() }));
    new("a secret's name", &recipe(Build { secrets: [("s".into(), SecretSource::Environment("S".into()))].into(), ..build() }));
    let from_a_file = |path: &str| recipe(Build { secrets: [("s".into(), SecretSource::File(path.into()))].into(), ..build() });
    new("a secret's file", &from_a_file("a.key"));
    new("another file", &from_a_file("b.key"));
    let labels = |value: &str| Build { labels: [("l".into(), value.into())].into(), ..build() };
    new("a label", &recipe(labels("1")));
    new("a label's value", &recipe(labels("2")));
    let image = |name: &str| Recipe { base: Base::Image(name.into()), ..recipe(build()) };
    new("an image", &image("nginx:1"));
    new("another image", &image("nginx:2"));
    let baking = |source, target: &str| Recipe { baked: vec![Baked { source, target: target.into() }], ..image("nginx:1") };
    let baked = |target| baking(BakedSource::File("app".into()), target);
    new("baked files", &baked("/a"));
    new("where they go", &baked("/b"));
    new("a text", &baking(BakedSource::Text("a".into()), "/b"));
    new("another text", &baking(BakedSource::Text("b".into()), "/b"));
    project.write("app/main.py", "print(2)\n");
    new("a file", &recipe(build()));
    new("a baked file", &baked("/a"));
    fs::set_permissions(project.dir().join("app/main.py"), fs::Permissions::from_mode(0o755)).unwrap();
    new("the executable bit", &recipe(build()));
    fs::rename(project.dir().join("app/main.py"), project.dir().join("app/other.py")).unwrap();
    new("a name", &recipe(build()));
    symlink("other.py", project.dir().join("app/link")).unwrap();
    new("a link", &recipe(build()));
    fs::remove_file(project.dir().join("app/link")).unwrap();
    symlink("gone.py", project.dir().join("app/link")).unwrap();
    new("where a link points", &recipe(build()));
    fs::create_dir(project.dir().join("app/empty")).unwrap();
    new("an empty folder", &recipe(build()));
    project.write("app/Dockerfile", "FROM scratch\n");
    new("the Dockerfile", &recipe(build()));
}

#[test]
fn what_is_ignored_does_not_change_the_tag_and_the_dockerfile_does_even_so() {
    let project = Project::shop();
    project.write("app/.dockerignore", "*\n!main.py\n");
    let before = project.tag(&recipe(build()));
    project.write("app/notes.txt", "x");
    project.write("app/node_modules/a/b.js", "x");
    fs::create_dir(project.dir().join("app/empty")).unwrap();
    assert_eq!(before, project.tag(&recipe(build())));
    project.write("app/Dockerfile", "FROM scratch\n");
    assert_ne!(before, project.tag(&recipe(build())), "it is ignored, and the build is made from it");
}

/// The state of a project whose folder is a build's context is written between the plan and the build, and after it.
#[test]
fn what_landing_writes_itself_is_no_part_of_an_image() {
    let project = Project::new(&[("Dockerfile", "FROM scratch"), ("main.py", "a"), ("lib/x", "x")]);
    let here = Build {
        context: "".into(),
        dockerfile: "Dockerfile".into(),
        contexts: [("all".into(), "".into()), ("lib".into(), "lib".into())].into(),
        ..build()
    };
    let recipe = Recipe { hidden: vec!["state/shop-".into(), "state/.".into()], ..recipe(here) };
    let before = project.tag(&recipe);
    project.write("state/shop-dev.json", "{}");
    project.write("state/shop-dev.json.lock", "{}");
    project.write("state/.clock-1", "");
    assert_eq!(before, project.tag(&recipe));
    project.write("state/machine.py", "a");
    assert_ne!(before, project.tag(&recipe), "what is the project's own in that folder is seen");
}

/// As in `examples/pulse`: one folder for all, and each Dockerfile says what it needs of it.
#[test]
fn a_dockerfile_with_an_ignore_file_of_its_own_has_a_tag_of_its_own_files() {
    let project = Project::new(&[
        ("all/.dockerignore", "nothing"),
        ("all/a/Dockerfile", "FROM scratch"),
        ("all/a/Dockerfile.dockerignore", "*\n!shared\n!a/main.py\n**/*.pyc\n"),
        ("all/a/main.py", "a"),
        ("all/b/Dockerfile", "FROM scratch"),
        ("all/b/main.py", "b"),
        ("all/shared/lib.py", "lib"),
    ]);
    let of = |name: &str| recipe(Build { context: "all".into(), dockerfile: format!("all/{name}/Dockerfile").into(), ..build() });
    let (a, b) = (project.tag(&of("a")), project.tag(&of("b")));
    project.write("all/b/main.py", "changed");
    project.write("all/shared/lib.pyc", "x");
    assert_eq!(a, project.tag(&of("a")));
    assert_ne!(b, project.tag(&of("b")));
    project.write("all/shared/lib.py", "changed");
    assert_ne!(a, project.tag(&of("a")));
}

#[test]
fn what_cannot_be_read_is_named() {
    let project = Project::shop();
    let fails = |build: Build| {
        let error = Tagger::new(project.dir()).tag(&recipe(build)).unwrap_err();
        format!("{error}\n  help: {}", error.help()).replace(&project.dir().display().to_string(), "DIR")
    };
    let gone = fails(Build { dockerfile: "app/Gone".into(), ..build() });
    project.write("app/.dockerignore", "ok\n[\n");
    insta::assert_snapshot!([gone, fails(build())].join("\n"), @r"
    cannot read DIR/app/Gone
      help: the image is made from it, so it must be there and readable
    DIR/app/.dockerignore has the pattern `[`, which means nothing
      help: correct the pattern, or remove it
    ");
}
