//! Credentials in plain text: in a task definition everybody with read access would see them.

use crate::{
    compose::Variable,
    mask::{holds_a_url_password, names_a_credential},
    problem::Problem,
};

/// A variable of a deployed service that landing.toml does not give as a secret. The value is never shown.
pub(super) fn check(service: &str, name: &str, variable: &Variable) -> Option<Problem> {
    let by_name = names_a_credential(name) && is_credential(&variable.value);
    let by_value = holds_a_url_password(&variable.value);
    if !by_name && !by_value {
        return None;
    }
    let title = if by_name {
        format!("`{name}` of service `{service}` is a credential in plain text")
    } else {
        format!("`{name}` of service `{service}` is a URL with a password in plain text")
    };
    let secret = name.to_ascii_lowercase().replace('_', "-");
    let secret = secret.trim_matches('-');
    Some(
        Problem::at(&variable.place, "plain-text-credential", title)
            .label("it would be readable in the task definition")
            .help(format!(
                "add to landing.toml:\n  [services.{service}]\n  secrets = {{ {name} = \"{secret}\" }}\n\n  [secrets.{secret}]\n  from = \"env:{name}\""
            )),
    )
}

/// Not blank, not a switch, not the name of a file.
fn is_credential(value: &str) -> bool {
    let value = value.trim();
    let is_switch = matches!(
        value.to_ascii_lowercase().as_str(),
        "" | "true" | "false" | "yes" | "no" | "on" | "off" | "none" | "null" | "0" | "1"
    );
    let is_file = value.starts_with("/run/secrets/") || value.starts_with("file:");
    !is_switch && !is_file
}
