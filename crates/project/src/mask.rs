//! Which names and values are credentials, and how a source line is shown without them.

/// Words that make a variable a credential.
const CREDENTIAL_WORDS: [&str; 7] = [
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "SECRET",
    "TOKEN",
    "CREDENTIAL",
    "APIKEY",
];

/// Endings that say: this is about a credential, or where it lies, but not the credential itself.
const HARMLESS_ENDINGS: [&str; 25] = [
    "_ID",
    "_IDS",
    "_FILE",
    "_PATH",
    "_DIR",
    "_URL",
    "_URI",
    "_ENDPOINT",
    "_HOST",
    "_PORT",
    "_TTL",
    "_EXPIRY",
    "_EXPIRES",
    "_EXPIRATION",
    "_LIFETIME",
    "_AGE",
    "_TYPE",
    "_NAME",
    "_LENGTH",
    "_ALGORITHM",
    "_ENABLED",
    "_SECONDS",
    "_MINUTES",
    "_ISSUER",
    "_HEADER",
];

/// Whether the variable's name says that its value is a credential.
pub(crate) fn names_a_credential(variable: &str) -> bool {
    let name = variable.to_ascii_uppercase().replace(['-', '.'], "_");
    if HARMLESS_ENDINGS.iter().any(|ending| name.ends_with(ending)) || name.contains("PUBLIC_KEY") {
        return false;
    }
    // `MAX_TOKENS` counts tokens; `SECRETS_MANAGER` is a product.
    let plural_noise = name.ends_with("TOKENS")
        || name.contains("SECRETS_MANAGER")
        || name.contains("SECRETSMANAGER");
    if plural_noise {
        return false;
    }
    name.ends_with("_KEY")
        || name.ends_with("_PASS")
        || name == "PASS"
        || CREDENTIAL_WORDS.iter().any(|word| name.contains(word))
}

/// Whether the value is a URL with a password in it.
pub(crate) fn holds_a_url_password(value: &str) -> bool {
    url_password(value).is_some()
}

/// The bytes of the first `password` in `scheme://user:password@host`.
fn url_password(text: &str) -> Option<std::ops::Range<usize>> {
    let mut from = 0;
    while let Some(at) = text[from..].find("://") {
        let start = from + at + 3;
        let authority_end = text[start..]
            .find(['/', '?', '#', ' ', '"', '\'', ','])
            .map_or(text.len(), |length| start + length);
        let authority = &text[start..authority_end];
        if let Some(at_sign) = authority.rfind('@')
            && let Some(colon) = authority[..at_sign].find(':')
            && colon + 1 < at_sign
        {
            return Some(start + colon + 1..start + at_sign);
        }
        from = start;
    }
    None
}

/// The line with as many `*` in place of every credential, so that columns stay.
pub(crate) fn masked_line(line: &str, is_toml: bool) -> String {
    let mut out = line.to_owned();
    while let Some(range) =
        url_password(&out).filter(|range| out[range.clone()].bytes().any(|byte| byte != b'*'))
    {
        out = with_stars(&out, range);
    }
    let mut from = 0;
    while let Some((name, value)) = next_assignment(&out, from) {
        from = value.start;
        // In `landing.toml` a quoted value of `secrets = { … }` is a reference; only `environment` holds values.
        let is_reference = is_toml && !line.trim_start().starts_with("environment");
        let is_compose_key = matches!(name.as_str(), "secrets" | "secret");
        if is_reference || is_compose_key || !names_a_credential(&name) {
            continue;
        }
        out = with_stars(&out, value.clone());
        from = value.end;
    }
    out
}

fn with_stars(text: &str, range: std::ops::Range<usize>) -> String {
    let stars = "*".repeat(range.len());
    format!("{}{stars}{}", &text[..range.start], &text[range.end..])
}

/// The next `NAME: value` or `NAME=value` from a byte on: the name, and the bytes up to the end of the line.
///
/// Up to the end and not to some comma, since a password may hold any character.
fn next_assignment(text: &str, from: usize) -> Option<(String, std::ops::Range<usize>)> {
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
