//! `landing ci github`: the workflow, written where GitHub looks for it.
//!
//! The file says who wrote it and carries a hash of the rest, so that one that somebody wrote or changed by hand is told from one that may be replaced.

use std::path::{Path, PathBuf};

use landing_blueprint::{Workflow, workflow};
use sha2::{Digest, Sha256};

use super::{print, say};
use crate::args::{CiCommand, Common, GithubOptions};
use crate::failure::{Exit, Failure};
use crate::render::style;
use crate::session::{load, shown};

const FOLDER: &str = ".github/workflows";
const AUTHOR: &str = "# Written by `landing ci github`: change landing.toml and run it again. What is changed here by hand is kept, unless --force is given.";

pub(crate) fn run(common: &Common, command: &CiCommand) -> Result<Exit, Failure> {
    let CiCommand::Github(options) = command;
    let project = load(common)?;
    let (root, folder) = repository(&common.dir)?;
    let Workflow { text, notices } = workflow(&project, common.region.as_deref(), &folder)?;
    let whose = format!("{}-{} in {}", project.name, project.env, if folder.is_empty() { "." } else { &folder });
    let text = signed(&whose, &text);
    if options.stdout {
        print(text.trim_end());
        tell(&notices);
        return Ok(Exit::Done);
    }
    let name = options.file.clone().unwrap_or_else(|| match project.env.as_str() {
        "dev" => "landing.yml".into(),
        env => format!("landing-{env}.yml").into(),
    });
    if name.components().count() != 1 || !name.extension().is_some_and(|end| end == "yml" || end == "yaml") {
        let title = format!("`{}` is no name of a workflow", name.display());
        return Err(Failure::new(Exit::Configuration, title).help(format!("a file in {FOLDER}, such as landing-shop.yml")));
    }
    let path = root.join(FOLDER).join(&name);
    let there = match std::fs::read(&path) {
        Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(Failure::new(Exit::Failed, format!("cannot read {}: {error}", shown(&path)))),
    };
    let state = Standing::of(there.as_deref(), &whose, &text);
    if options.check {
        return check(&path, &state);
    }
    write(&path, &text, &state, options)?;
    tell(&notices);
    Ok(Exit::Done)
}

fn tell(notices: &[String]) {
    notices.iter().for_each(|notice| say(&format!("{}: {notice}", style::change("note"))));
}

/// What lies where the workflow belongs.
#[derive(Debug, PartialEq, Eq)]
enum Standing {
    Nothing,
    UpToDate,
    /// Written by `landing` for this project and environment, and not touched since.
    Ours,
    /// By somebody else, or for somebody else.
    Foreign,
    Edited,
}

impl Standing {
    fn of(there: Option<&str>, whose: &str, wanted: &str) -> Self {
        let Some(there) = there else { return Self::Nothing };
        // A checkout may have put a carriage return at the end of each line.
        let there = there.replace("\r\n", "\n");
        if there == wanted {
            return Self::UpToDate;
        }
        let mut parts = there.splitn(3, '\n');
        let (Some(author), Some(seal), Some(body)) = (parts.next(), parts.next(), parts.next()) else { return Self::Foreign };
        if !author.starts_with("# Written by `landing ci github`") || !seal.starts_with(&format!("# {whose}: ")) {
            return Self::Foreign;
        }
        if seal == self::seal(whose, body) { Self::Ours } else { Self::Edited }
    }
}

fn signed(whose: &str, body: &str) -> String {
    format!("{AUTHOR}\n{}\n{body}", seal(whose, body))
}

fn seal(whose: &str, body: &str) -> String {
    let digest: String = Sha256::digest(body.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("# {whose}: {digest}")
}

fn check(path: &Path, state: &Standing) -> Result<Exit, Failure> {
    let path = shown(path);
    let why = match state {
        Standing::UpToDate => {
            say(&format!("{}: {path}", style::good("up to date")));
            return Ok(Exit::Done);
        }
        Standing::Nothing => format!("there is no {path}"),
        Standing::Ours => format!("{path} is not what landing.toml asks for"),
        Standing::Edited => format!("{path} was changed by hand"),
        Standing::Foreign => format!("{path} was not written by landing for this project and environment"),
    };
    Err(Failure::new(Exit::Failed, why).help("`landing ci github` writes it"))
}

fn write(path: &Path, text: &str, state: &Standing, options: &GithubOptions) -> Result<(), Failure> {
    let place = shown(path);
    let refused = |what: &str, help: &str| {
        Err(Failure::new(Exit::Configuration, format!("{place} {what}; it is left as it is")).help(help))
    };
    match state {
        Standing::UpToDate => {
            say(&format!("{}: {place}", style::good("up to date")));
            return Ok(());
        }
        Standing::Edited if !options.force => {
            return refused("was changed by hand", "--force writes over it; --stdout shows what would be written");
        }
        Standing::Foreign if !options.force => {
            return refused(
                "was not written by landing for this project and environment",
                "--file names another file, --force writes over this one",
            );
        }
        _ => {}
    }
    let unwritten = |error| Failure::new(Exit::Failed, format!("cannot write {place}: {error}"));
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(unwritten)?;
    std::fs::write(path, text).map_err(unwritten)?;
    say(&format!("{}: {place}", style::good("wrote")));
    Ok(())
}

/// The root of the repository around the project, and the project's folder from there.
fn repository(dir: &Path) -> Result<(PathBuf, String), Failure> {
    let dir = dir.canonicalize().map_err(|error| Failure::new(Exit::Failed, format!("cannot read {}: {error}", shown(dir))))?;
    let root = dir.ancestors().find(|folder| folder.join(".git").exists()).ok_or_else(|| {
        Failure::new(Exit::Configuration, format!("{} is in no git repository", shown(&dir)))
            .help("a workflow lies at the root of one: `git init` there, or see it with --stdout from inside one")
    })?;
    let inside = dir.strip_prefix(root).unwrap_or(Path::new(""));
    let folder = inside.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/");
    Ok((root.to_owned(), folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_changed_is_told_from_what_is_only_old() {
        let wanted = signed("shop-dev in .", "name: new\n");
        let old = signed("shop-dev in .", "name: old\n");
        let of = |there: &str| Standing::of(Some(there), "shop-dev in .", &wanted);
        assert_eq!(Standing::of(None, "shop-dev in .", &wanted), Standing::Nothing);
        assert_eq!(of(&wanted), Standing::UpToDate);
        assert_eq!(of(&wanted.replace('\n', "\r\n")), Standing::UpToDate);
        assert_eq!(of(&old), Standing::Ours);
        assert_eq!(of(&old.replace("old", "older")), Standing::Edited);
        assert_eq!(of(&signed("shop-prod in .", "name: old\n")), Standing::Foreign);
        assert_eq!(of("name: mine\n"), Standing::Foreign);
        assert_eq!(of(""), Standing::Foreign);
    }
}
