//! The login to a registry: in a file of our own that only its owner can read, for as long as one push takes. Never an argument, never in the user's own
//! configuration.

use std::fs;
use std::io::Write;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Who may push where.
#[derive(Debug)]
pub struct Login {
    /// `https://host`, or `http://host:port` for one on this machine.
    pub endpoint: String,
    pub user: String,
    pub password: SecretString,
}

impl Login {
    /// What an image reference starts with.
    pub(crate) fn host(&self) -> &str {
        self.endpoint.split_once("://").map_or(self.endpoint.as_str(), |(_, host)| host).trim_end_matches('/')
    }

    pub(crate) fn is_plain_http(&self) -> bool {
        self.endpoint.starts_with("http://")
    }

    fn auths(&self) -> Value {
        let both = STANDARD.encode(format!("{}:{}", self.user, self.password.expose_secret()));
        json!({ self.host(): { "auth": both } })
    }

    /// A folder with `auth.json` as podman and buildah want it, gone with the value.
    pub(crate) fn auth_folder(&self) -> std::io::Result<TempDir> {
        let folder = private_folder("landing-login-")?;
        write_private(&folder.path().join("auth.json"), &json!({ "auths": self.auths() }).to_string())?;
        Ok(folder)
    }

    /// A folder to be docker's whole configuration, with the user's plugins and contexts (which daemon is theirs) and none of their logins.
    pub(crate) fn docker_folder(&self, users: Option<&Path>) -> std::io::Result<TempDir> {
        let folder = private_folder("landing-login-")?;
        let mut config = json!({ "auths": self.auths() });
        if let Some(users) = users {
            for name in ["cli-plugins", "contexts", "buildx"] {
                let theirs = users.join(name);
                if theirs.exists() {
                    link(&theirs, &folder.path().join(name))?;
                }
            }
            let theirs = fs::read_to_string(users.join("config.json")).ok();
            let theirs = theirs.and_then(|text| serde_json::from_str::<Value>(&text).ok()).unwrap_or_default();
            for key in ["currentContext", "cliPluginsExtraDirs"] {
                if let Some(value) = theirs.get(key) {
                    config[key] = value.clone();
                }
            }
        }
        write_private(&folder.path().join("config.json"), &config.to_string())?;
        Ok(folder)
    }
}

/// A temporary folder that only its owner can look into, gone with the value.
pub(crate) fn private_folder(prefix: &str) -> std::io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.tempdir()
}

/// Mode 0600 from its birth.
pub(crate) fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}

#[cfg(unix)]
fn link(to: &Path, at: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(to, at)
}

#[cfg(not(unix))]
fn link(_: &Path, _: &Path) -> std::io::Result<()> {
    Ok(())
}
