//! Which names and values are credentials, and how a source line is shown without them.

use std::ops::Range;

/// Words that make a variable a credential.
const CREDENTIAL_WORDS: [&str; 7] = ["PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "TOKEN", "CREDENTIAL", "APIKEY"];

/// Endings that say: this is about a credential, or where it lies, but not the credential itself.
const HARMLESS_ENDINGS: [&str; 40] = [
    "_ID",
    "_IDS",
    "_ARN",
    "_FILE",
    "_PATH",
    "_DIR",
    "_URL",
    "_URI",
    "_ENDPOINT",
    "_HOST",
    "_PORT",
    "_REGION",
    "_TTL",
    "_EXPIRY",
    "_EXPIRES",
    "_EXPIRATION",
    "_LIFETIME",
    "_AGE",
    "_SECONDS",
    "_MINUTES",
    "_HOURS",
    "_DAYS",
    "_TYPE",
    "_NAME",
    "_USERNAME",
    "_USER",
    "_LENGTH",
    "_SIZE",
    "_LIMIT",
    "_COUNT",
    "_ALGORITHM",
    "_FORMAT",
    "_ENABLED",
    "_REQUIRED",
    "_POLICY",
    "_ISSUER",
    "_HEADER",
    "_COOKIE",
    "_PREFIX",
    "_VERSION",
];

/// Keys of data, not of doors.
const HARMLESS_KEYS: [&str; 6] = ["PUBLIC_KEY", "PRIMARY_KEY", "PARTITION_KEY", "SORT_KEY", "ROUTING_KEY", "CACHE_KEY"];

/// Whether the variable's name says that its value is a credential.
pub(crate) fn names_a_credential(variable: &str) -> bool {
    let name = variable.to_ascii_uppercase().replace(['-', '.'], "_");
    if HARMLESS_ENDINGS.iter().any(|ending| name.ends_with(ending)) || HARMLESS_KEYS.iter().any(|key| name.contains(key)) {
        return false;
    }
    // `MAX_TOKENS` counts tokens; `SECRETS_MANAGER` is a product.
    let plural_noise = name.ends_with("TOKENS") || name.contains("SECRETS_MANAGER") || name.contains("SECRETSMANAGER");
    if plural_noise {
        return false;
    }
    name.ends_with("_KEY") || name.ends_with("_PASS") || name == "PASS" || CREDENTIAL_WORDS.iter().any(|word| name.contains(word))
}

/// Whether the value is a URL with a password in it.
pub(crate) fn holds_a_url_password(value: &str) -> bool {
    !url_passwords(value).is_empty()
}

/// Whether a variable with this value is a credential in plain text.
pub(crate) fn is_credential(name: &str, value: &str) -> bool {
    (names_a_credential(name) && is_a_secret_value(value)) || holds_a_url_password(value) || holds_a_password_setting(value)
}

/// `Server=db;User Id=sa;Password=…`, as drivers of .NET, ODBC and libpq take it.
fn holds_a_password_setting(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    ["password", "pwd"].iter().any(|word| {
        lower.match_indices(word).any(|(at, _)| {
            let is_own_word = lower[..at].chars().next_back().is_none_or(|before| " ;&?,".contains(before));
            let setting = lower[at + word.len()..].trim_start().strip_prefix('=').map(str::trim_start);
            is_own_word && setting.is_some_and(|setting| !setting.is_empty() && !setting.starts_with([';', '&', ' ', '$']))
        })
    })
}

/// Not blank, not a switch, not the name of a file.
fn is_a_secret_value(value: &str) -> bool {
    let value = value.trim();
    let lower = value.to_ascii_lowercase();
    let is_switch = matches!(lower.as_str(), "" | "true" | "false" | "yes" | "no" | "on" | "off" | "none" | "null" | "0" | "1");
    let endings = [".pem", ".key", ".crt", ".cer", ".json", ".txt", ".p12", ".jks"];
    let is_file = value.starts_with("/run/secrets/")
        || value.starts_with("file:")
        || (value.starts_with('/') && endings.iter().any(|ending| lower.ends_with(ending)));
    !is_switch && !is_file
}

/// The bytes of each `password` in `scheme://user:password@host`.
fn url_passwords(text: &str) -> Vec<Range<usize>> {
    let starts = text.match_indices("://").map(|(at, _)| at + 3);
    let passwords = starts.filter_map(|start| {
        let rest = &text[start..];
        let authority = &rest[..rest.find(['/', '?', '#', ' ', '"', '\'', ',']).unwrap_or(rest.len())];
        let user = &authority[..authority.rfind('@')?];
        let colon = user.find(':')?;
        // The name of a secret in a template.
        let is_named = ["${secret.", "${database."].iter().any(|name| user[colon + 1..].starts_with(name)) && user.ends_with('}');
        (colon + 1 < user.len() && !is_named).then_some(start + colon + 1..start + user.len())
    });
    passwords.collect()
}

/// Whether some line of a text would be masked.
pub(crate) fn shows_a_credential(text: &str) -> bool {
    text.lines().any(|line| masked_line(line, LineKind::Compose) != line)
}

/// What kind of line it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum LineKind {
    Compose,
    Toml,
    /// A line of landing.toml whose values only name secrets.
    TomlReferences,
}

/// The line with as many `*` in place of every credential, so that columns stay.
pub(crate) fn masked_line(line: &str, kind: LineKind) -> String {
    let mut out = line.to_owned();
    for range in url_passwords(line) {
        out = with_stars(&out, range);
    }
    let mut from = 0;
    while let Some((name, value)) = next_assignment(&out, from) {
        from = value.start;
        let is_credential = match kind {
            LineKind::TomlReferences => false,
            // Somebody may have put the secret itself where its variable's name belongs.
            LineKind::Toml if name == "from" => !out[value.clone()].starts_with("\"env:"),
            LineKind::Compose | LineKind::Toml => {
                // These are keys of the two files themselves.
                !matches!(name.as_str(), "secrets" | "secret") && names_a_credential(&name)
            }
        };
        if is_credential {
            out = with_stars(&out, value.clone());
            from = value.end;
        }
    }
    out
}

fn with_stars(text: &str, range: Range<usize>) -> String {
    let stars = "*".repeat(range.len());
    format!("{}{stars}{}", &text[..range.start], &text[range.end..])
}

/// The next `NAME: value` or `NAME=value` from a byte on: the name, and the bytes up to the end of the line.
///
/// Up to the end and not to some comma, since a password may hold any character.
fn next_assignment(text: &str, from: usize) -> Option<(String, Range<usize>)> {
    let bytes = text.as_bytes();
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let mut at = from;
    while at < bytes.len() {
        if !is_name(bytes[at]) {
            at += 1;
            continue;
        }
        let start = at;
        while at < bytes.len() && is_name(bytes[at]) {
            at += 1;
        }
        let name = &text[start..at];
        let mut after = at;
        while after < bytes.len() && matches!(bytes[after], b'"' | b'\'' | b' ') {
            after += 1;
        }
        if after < bytes.len() && matches!(bytes[after], b':' | b'=') {
            let mut value = after + 1;
            while value < bytes.len() && bytes[value] == b' ' {
                value += 1;
            }
            return Some((name.to_owned(), value..text.len()));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_credentials_are_told_from_names_about_them() {
        for name in [
            "POSTGRES_PASSWORD",
            "DB_PASS",
            "JWT_SECRET",
            "SECRET_KEY_BASE",
            "API_KEY",
            "GITHUB_TOKEN",
            "AWS_SECRET_ACCESS_KEY",
            "GOOGLE_CREDENTIALS",
            "KC_BOOTSTRAP_ADMIN_PASSWORD",
            "db-password",
            "PASSPHRASE",
        ] {
            assert!(names_a_credential(name), "{name}");
        }
        for name in [
            "AWS_ACCESS_KEY_ID",
            "JWT_PUBLIC_KEY",
            "TOKEN_URL",
            "TOKEN_TTL",
            "POSTGRES_PASSWORD_FILE",
            "MAX_TOKENS",
            "KEYCLOAK_URL",
            "SECRET_NAME",
            "PARTITION_KEY",
            "MONKEY",
            "PASSENGER_COUNT",
            "COMPASS",
            "DATABASE_URL",
            "KEY_SIZE",
        ] {
            assert!(!names_a_credential(name), "{name}");
        }
    }

    #[test]
    fn passwords_in_the_middle_of_a_text_are_found() {
        for value in
            ["Server=db;User Id=sa;Password=hunter2;", "host=db password=hunter2", "x?user=a&pwd=hunter2", "PWD = hunter2"]
        {
            assert!(is_credential("CONNECTION", value), "{value}");
        }
        for value in ["Server=db;Password=;X=y", "host=db", "password", "reset-password=yes", "the password = "] {
            assert!(!is_credential("CONNECTION", value), "{value}");
        }
    }

    #[test]
    fn lines_are_shown_without_credentials() {
        use LineKind::{Compose, Toml, TomlReferences};
        let table = [
            (Compose, "  PASSWORD: hunter2 # x", "  PASSWORD: ***********"),
            (Compose, "- \"DB_PASSWORD=a b\"", "- \"DB_PASSWORD=****"),
            (Compose, "x: {USER: me, API_KEY: k, B: c}", "x: {USER: me, API_KEY: ********"),
            (Compose, "URL: postgres://me:pä@h/d", "URL: postgres://me:***@h/d"),
            (Compose, "URL: a://u:p@h,b://u:q@h", "URL: a://u:*@h,b://u:*@h"),
            (Compose, "secrets: [a, b]", "secrets: [a, b]"),
            (Compose, "image: nginx:1", "image: nginx:1"),
            (Toml, "from = \"env:X\"", "from = \"env:X\""),
            (Toml, "from = \"hunter2\"", "from = *********"),
            (Toml, "environment = { TOKEN = \"t\" }", "environment = { TOKEN = *****"),
            (TomlReferences, "secrets = { TOKEN = \"t:k\" }", "secrets = { TOKEN = \"t:k\" }"),
        ];
        for (kind, line, expected) in table {
            assert_eq!(masked_line(line, kind), expected);
        }
    }
}
