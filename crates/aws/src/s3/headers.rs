//! With which headers a file of a site is put: what it is, and for how long a browser may keep it.

/// S3's own default makes a browser save the file in place of showing it. Source: `aws-behaviours` 11.3.
pub(super) fn content_type(key: &str) -> String {
    let name = name_of(key);
    let guessed = match name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).as_deref() {
        Some("mjs") => Some("text/javascript".to_owned()),
        // Source maps, and what Apple asks for without an ending.
        Some("map") => Some("application/json".to_owned()),
        None if name == "apple-app-site-association" => Some("application/json".to_owned()),
        _ => mime_guess::from_path(name).first().map(|mime| mime.essence_str().to_owned()),
    };
    match guessed {
        Some(text) if text.starts_with("text/") => format!("{text}; charset=utf-8"),
        Some(other) => other,
        None => "application/octet-stream".to_owned(),
    }
}

/// A file with a hash of its content in its name never changes. Of any other one a browser asks, each time, whether it has.
pub(super) fn cache_control(key: &str) -> &'static str {
    if !is_page(key) && has_hash(name_of(key)) { "public, max-age=31536000, immutable" } else { "no-cache" }
}

pub(super) fn is_page(key: &str) -> bool {
    let ending = name_of(key).rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    matches!(ending.as_deref(), Some("html" | "htm"))
}

fn name_of(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or(key)
}

/// As Vite, webpack, esbuild, Rollup and Parcel write them: `index-BX7f3_kd.js`, `main.8f3c2d1e.chunk.js`. In doubt it is none: then the browser asks once more.
fn has_hash(name: &str) -> bool {
    let Some((stem, _)) = name.rsplit_once('.') else { return false };
    // Vite's have 8 characters, and a hyphen may be one of them.
    let cut = stem.len().saturating_sub(8);
    let tail = stem.get(cut..).filter(|_| stem.get(..cut).is_some_and(|before| before.ends_with(['-', '.'])));
    stem.split(['-', '.']).skip(1).chain(tail).any(looks_random)
}

/// Told from words, versions, dates and sizes: those are a few runs of like characters, and chance changes between digits, capitals and small letters often.
fn looks_random(segment: &str) -> bool {
    let is_of_a_hash = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let mut letters: Vec<char> = segment.chars().filter(char::is_ascii_alphabetic).collect();
    letters.sort_unstable();
    letters.dedup();
    let first_digit = segment.find(|c: char| c.is_ascii_digit());
    let last_letter = segment.rfind(|c: char| c.is_ascii_alphabetic());
    // Digits only at the end are a number of something.
    let (Some(digit), Some(letter)) = (first_digit, last_letter) else { return false };
    if segment.len() < 8 || !segment.chars().all(is_of_a_hash) || digit > letter {
        return false;
    }
    let class = |c: char| (c.is_ascii_digit(), c.is_ascii_uppercase(), c.is_ascii_lowercase());
    let chars: Vec<char> = segment.chars().collect();
    let runs = 1 + chars.windows(2).filter(|pair| class(pair[0]) != class(pair[1])).count();
    let is_hex = chars.iter().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
    (is_hex && letters.len() > 1) || (runs * 2 >= chars.len() && letters.len() > 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_is_comes_from_its_name() {
        let table = [
            ("index.html", "text/html; charset=utf-8"),
            ("assets/app.js", "text/javascript; charset=utf-8"),
            ("assets/app.mjs", "text/javascript; charset=utf-8"),
            ("a.css", "text/css; charset=utf-8"),
            ("a.json", "application/json"),
            ("app.js.map", "application/json"),
            ("site.webmanifest", "application/manifest+json"),
            ("a.wasm", "application/wasm"),
            ("a.svg", "image/svg+xml"),
            ("a.woff2", "font/woff2"),
            ("favicon.ico", "image/x-icon"),
            ("robots.txt", "text/plain; charset=utf-8"),
            (".well-known/apple-app-site-association", "application/json"),
            ("LICENSE", "application/octet-stream"),
            ("odd.thing-nobody-knows", "application/octet-stream"),
        ];
        for (key, expected) in table {
            assert_eq!(content_type(key), expected, "{key}");
        }
    }

    #[test]
    fn only_a_hash_in_the_name_lets_a_browser_keep_a_file() {
        for hashed in [
            "assets/app-7ea3a983.js",
            "assets/index-BX7f3_kd.js",
            "assets/index-B-7f3_kD.css",
            "main.8f3c2d1e.chunk.js",
            "main-5XKJ7QHD.js",
            "chunk.k3j9x0ab.js",
            "vendors.0a1b2c3d4e5f60718293.js",
            "app-7ea3a983.js.map",
            "logo.3f9a0b1c.svg",
        ] {
            assert!(cache_control(hashed).ends_with("immutable"), "{hashed}");
        }
        for plain in [
            "index.html",
            "page-7ea3a983.html",
            "app.js",
            "index-bootstrap.css",
            "index-bootstrap4-theme.css",
            "index-bootstrap4theme.css",
            "index-Bootstrap4Theme.css",
            "jquery-3.6.0.min.js",
            "report-20240101.csv",
            "poster-1920x1080.jpg",
            "lib-es2015polyfills.js",
            "service-worker.js",
            "main.production.js",
            "7ea3a983/app.js",
            "icon-deadbeef.png",
            "manifest.webmanifest",
            "LICENSE",
        ] {
            assert_eq!(cache_control(plain), "no-cache", "{plain}");
        }
    }
}
