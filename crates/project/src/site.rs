//! The files of a built single-page application: all of them are for everybody to read, so what looks like a mistake is refused before anything is touched.
//!
//! Refused are links out of the project, hidden files, names and contents of keys, and any of the project's own secrets. What a bundle merely says *about*
//! keys is let through: a library that reads them has their first and last lines in it, and no key.

use std::{
    collections::BTreeMap,
    fs,
    path::{Component, Path, PathBuf},
};

use md5::{Digest, Md5};
use memchr::memmem;

use crate::mask::holds_a_url_password;

/// Key to the MD5 of the content, in hex.
pub type SiteFiles = BTreeMap<String, String>;

/// A file that is not published, why, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {what}")]
pub struct Unpublishable {
    /// Relative to the project's folder.
    pub path: String,
    pub what: String,
    pub help: &'static str,
}

/// S3's own limit, in bytes.
const LONGEST_KEY: usize = 1024;
/// A file is whole in memory while it is read and sent.
const LARGEST: u64 = 1024 * 1024 * 1024;
/// Shorter ones are found by chance.
const SHORTEST_SECRET: usize = 8;

/// Names of keys, whatever is in them.
const KEY_NAMES: [&str; 4] = ["id_rsa", "id_dsa", "id_ecdsa", "id_ed25519"];
const KEY_ENDINGS: [&str; 8] = ["pem", "key", "p12", "pfx", "jks", "keystore", "ppk", "kdbx"];
/// What passwords in URLs are for.
const DOORS: [&str; 9] = ["postgres", "postgresql", "mysql", "mariadb", "mongodb", "mongodb+srv", "redis", "rediss", "amqp"];

/// Every file below `dist`, as it is now; `None` when there is no such folder. `secrets` are values that must be in none of them, by name.
///
/// # Errors
/// Everything that must not be published, and that there is nothing to publish.
pub fn read(dir: &Path, dist: &Path, secrets: &[(String, String)]) -> Result<Option<SiteFiles>, Vec<Unpublishable>> {
    let folder = dir.join(dist);
    if !folder.exists() {
        return Ok(None);
    }
    let real = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    let mut reading = Reading { real, dist, secrets, open: Vec::new(), files: SiteFiles::new(), refused: Vec::new() };
    match folder.is_dir() {
        true => reading.folder(&folder, ""),
        false => reading.refuse("", "it is a file, not a folder", "let `dist` name the folder with the built files"),
    }
    if reading.refused.is_empty() && !reading.files.contains_key("index.html") {
        let what = if reading.files.is_empty() { "the folder is empty" } else { "there is no index.html in it" };
        reading.refuse("", what, "build the application, and let `dist` name the folder that its index.html is in");
    }
    if reading.refused.is_empty() { Ok(Some(reading.files)) } else { Err(reading.refused) }
}

struct Reading<'a> {
    /// The project's folder, without links.
    real: PathBuf,
    dist: &'a Path,
    secrets: &'a [(String, String)],
    /// The folders that are being read, each in the one before it; without links.
    open: Vec<PathBuf>,
    files: SiteFiles,
    refused: Vec<Unpublishable>,
}

impl Reading<'_> {
    fn refuse(&mut self, key: &str, what: impl Into<String>, help: &'static str) {
        let path = if key.is_empty() { self.dist.to_owned() } else { self.dist.join(key) };
        // A name may be anything.
        let path: String = path.display().to_string().chars().map(|c| if c.is_control() { '?' } else { c }).collect();
        self.refused.push(Unpublishable { path, what: what.into(), help });
    }

    fn folder(&mut self, folder: &Path, key: &str) {
        let real = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        if self.open.contains(&real) {
            return self.refuse(key, "it is a link to a folder that it lies in", "take it out of the folder");
        }
        let listed = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let mut entries = match listed {
            Ok(entries) => entries,
            Err(error) => {
                let what = format!("it cannot be read: {}", error.kind());
                return self.refuse(key, what, "let whoever runs landing read it");
            }
        };
        self.open.push(real);
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name();
            let shown = name.to_string_lossy();
            let key = if key.is_empty() { shown.clone().into_owned() } else { format!("{key}/{shown}") };
            if name.to_str().is_none_or(|name| name.chars().any(char::is_control)) || key.len() > LONGEST_KEY {
                self.refuse(&key, "its name cannot be one in S3", "give it a shorter name of letters");
                continue;
            }
            if let Some((what, help)) = telling_name(&shown) {
                self.refuse(&key, what, help);
                continue;
            }
            let path = entry.path();
            let Ok(target) = path.canonicalize() else {
                self.refuse(&key, "it is a link to nothing", "take it out of the folder");
                continue;
            };
            match target.strip_prefix(&self.real) {
                Err(_) => self.refuse(&key, "it is a link out of the project's folder", "copy the file to where the link is"),
                Ok(inside) if entry.path().is_symlink() && leads_to_secrets(inside) => {
                    self.refuse(&key, "it is a link to what is hidden or secret", "copy what is meant for everybody");
                }
                Ok(_) if target.is_dir() => self.folder(&path, &key),
                Ok(_) if target.is_file() => self.file(&path, key),
                Ok(_) => self.refuse(&key, "it is neither a file nor a folder", "take it out of the folder"),
            }
        }
        self.open.pop();
    }

    fn file(&mut self, path: &Path, key: String) {
        if fs::metadata(path).is_ok_and(|about| about.len() > LARGEST) {
            return self.refuse(&key, "it is larger than 1 GiB", "serve it from a bucket of its own");
        }
        let content = match fs::read(path) {
            Ok(content) => content,
            Err(error) => {
                let what = format!("it cannot be read: {}", error.kind());
                return self.refuse(&key, what, "let whoever runs landing read it");
            }
        };
        if let Some(what) = secret_in(&content, self.secrets) {
            let help = "everybody could read it: take it out of what is built, and make the credential a new one if it was ever published";
            return self.refuse(&key, what, help);
        }
        let md5 = Md5::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
        self.files.insert(key, md5);
    }
}

/// Why nothing of this name is published.
fn telling_name(name: &str) -> Option<(&'static str, &'static str)> {
    let lower = name.to_ascii_lowercase();
    let ending = lower.rsplit_once('.').map(|(_, ending)| ending).unwrap_or_default();
    if lower.starts_with(".env") || ending == "env" {
        return Some((
            "it is a file of variables",
            "take it out of the folder: what the application needs is built into its files",
        ));
    }
    if KEY_NAMES.contains(&lower.as_str()) || KEY_ENDINGS.contains(&ending) {
        return Some(("its name is that of a key", "take it out of the folder"));
    }
    let hidden = lower.starts_with('.') && lower != ".well-known";
    hidden.then_some(("it is hidden", "take it out of the folder; of hidden names only .well-known is published"))
}

fn leads_to_secrets(inside: &Path) -> bool {
    inside.components().any(|part| match part {
        Component::Normal(name) => telling_name(&name.to_string_lossy()).is_some(),
        _ => false,
    })
}

fn secret_in(content: &[u8], secrets: &[(String, String)]) -> Option<String> {
    let holds = |value: &str| value.len() >= SHORTEST_SECRET && memmem::find(content, value.as_bytes()).is_some();
    if let Some((name, _)) = secrets.iter().find(|(_, value)| holds(value)) {
        return Some(format!("it has the value of the secret variable {name} in it"));
    }
    let found = if holds_a_private_key(content) {
        "it has a private key in it"
    } else if holds_an_aws_key(content) {
        "it has an AWS access key in it"
    } else if holds_a_password_for_a_database(content) {
        "it has a URL with a password in it"
    } else {
        return None;
    };
    Some(found.to_owned())
}

/// The first line of one, and then a key: on lines of its own, or in a text with `\n` for them.
fn holds_a_private_key(content: &[u8]) -> bool {
    const FIRST_LINE: &[u8] = b"PRIVATE KEY-----";
    memmem::find_iter(content, FIRST_LINE).any(|at| {
        let mut rest = &content[at + FIRST_LINE.len()..];
        while let [b'\\', b'n' | b'r', ..] | [b'\n' | b'\r' | b' ', ..] = rest {
            rest = &rest[if rest[0] == b'\\' { 2 } else { 1 }..];
        }
        let is_of_a_key = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
        // Old ones begin with how they are encrypted.
        rest.starts_with(b"Proc-Type:") || rest.iter().take_while(is_of_a_key).count() >= 40
    })
}

/// `AKIA…`, alone; not the one that AWS's documentation is full of.
fn holds_an_aws_key(content: &[u8]) -> bool {
    let is_of_a_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/_-".contains(byte);
    let starts = memmem::find_iter(content, b"AKIA").chain(memmem::find_iter(content, b"ASIA"));
    starts.into_iter().any(|at| {
        let word = &content[at..content.len().min(at + 20)];
        let is_key = word.len() == 20 && word.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        let is_alone = !at.checked_sub(1).is_some_and(|before| is_of_a_word(&content[before]))
            && !content.get(at + 20).is_some_and(is_of_a_word);
        is_key && is_alone && !word.ends_with(b"EXAMPLE")
    })
}

fn holds_a_password_for_a_database(content: &[u8]) -> bool {
    memmem::find_iter(content, b"://").any(|at| {
        let scheme = content[..at].iter().rev().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'+').count();
        let Ok(scheme) = std::str::from_utf8(&content[at - scheme..at]) else { return false };
        let rest = &content[at..content.len().min(at + 512)];
        let length = rest.iter().take_while(|byte| byte.is_ascii_graphic() && !b"\"'`<>\\".contains(byte)).count();
        let Ok(url) = std::str::from_utf8(&rest[..length]) else { return false };
        // `${…}` and the like stand for a password, and are none.
        DOORS.contains(&scheme) && !url.contains(['{', '*']) && holds_a_url_password(&format!("{scheme}{url}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7";

    fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    fn refusals(dir: &tempfile::TempDir) -> Vec<String> {
        let secrets = [("API_KEY".to_owned(), "correct horse battery".to_owned()), ("SHORT".to_owned(), "page".to_owned())];
        let refused = read(dir.path(), Path::new("dist"), &secrets).err().unwrap_or_default();
        refused.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_file_has_its_hash_and_without_a_folder_there_is_none() {
        let dir = project(&[("dist/index.html", "page"), ("dist/.well-known/security.txt", "mail us"), ("dist/a/b.js", "1")]);
        let files = read(dir.path(), Path::new("dist"), &[]).unwrap().unwrap();
        assert_eq!(files.keys().collect::<Vec<_>>(), [".well-known/security.txt", "a/b.js", "index.html"]);
        assert_eq!(files["a/b.js"], "c4ca4238a0b923820dcc509a6f75849b");
        assert_eq!(read(dir.path(), Path::new("elsewhere"), &[]), Ok(None));
    }

    #[test]
    fn what_is_not_for_everybody_is_refused_all_at_once() {
        let pem = format!("-----BEGIN RSA PRIVATE KEY-----\\n{KEY}");
        let dir = project(&[
            ("dist/index.html", "page"),
            ("dist/.env.production", "A=b"),
            ("dist/.git/config", "x"),
            ("dist/app.js", "send('correct horse battery')"),
            ("dist/aws.js", "key = 'AKIAZZZZZZZZZZZZZZZZ'"),
            ("dist/certs/site.PEM", "x"),
            ("dist/db.js", "connect(`postgres://me:hunter2@db:5432/x`)"),
            ("dist/id_rsa", "x"),
            ("dist/sign.js", &pem),
        ]);
        insta::assert_snapshot!(refusals(&dir).join("\n"));
    }

    #[test]
    fn what_only_speaks_of_keys_is_published() {
        let says = "if (text.startsWith('-----BEGIN PRIVATE KEY-----')) { importKey() } // AKIAIOSFODNN7EXAMPLE, page\n\
                    `postgres://${user}:${password}@db` 'http://a:b@c' xAKIAZZZZZZZZZZZZZZZZ AKIAzzzzzzzzzzzzzzzz";
        let dir = project(&[("dist/index.html", "page"), ("dist/app.js", says)]);
        assert_eq!(refusals(&dir), [""; 0]);
    }

    #[test]
    fn an_empty_folder_and_one_without_its_page_are_refused() {
        assert_eq!(refusals(&project(&[("dist", "a file")])), ["dist: it is a file, not a folder"]);
        assert_eq!(refusals(&project(&[("dist/assets/app.js", "1")])), ["dist: there is no index.html in it"]);
        let dir = project(&[]);
        fs::create_dir(dir.path().join("dist")).unwrap();
        assert_eq!(refusals(&dir), ["dist: the folder is empty"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_inside_the_project_and_not_to_what_is_secret() {
        use std::os::unix::fs::symlink;
        let outside = project(&[("secret.txt", "x")]);
        let dir = project(&[("dist/index.html", "page"), ("public/logo.svg", "<svg/>"), (".env", "A=b")]);
        symlink(dir.path().join("public"), dir.path().join("dist/public")).unwrap();
        assert_eq!(refusals(&dir), [""; 0]);
        symlink(outside.path().join("secret.txt"), dir.path().join("dist/a.txt")).unwrap();
        symlink(dir.path().join(".env"), dir.path().join("dist/b.txt")).unwrap();
        symlink("nowhere", dir.path().join("dist/c.txt")).unwrap();
        insta::assert_snapshot!(refusals(&dir).join("\n"));
        let back = project(&[("dist/index.html", "page")]);
        symlink(back.path().join("dist"), back.path().join("dist/back")).unwrap();
        assert_eq!(refusals(&back), ["dist/back: it is a link to a folder that it lies in"]);
    }
}
