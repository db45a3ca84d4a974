//! Secret values that must be nowhere but in AWS: what they look like in every disguise, and the search for them.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// Parts of a disguise that are shorter say nothing.
const SHORTEST: usize = 10;

/// Values to look for, in every form that one could come out in.
pub(crate) struct Canaries {
    needles: Vec<(String, String)>,
    searched: AtomicU64,
    places: AtomicU64,
}

impl Canaries {
    /// `values`: what it is, and the value.
    pub(crate) fn new<'a>(values: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut canaries = Self { needles: Vec::new(), searched: AtomicU64::new(0), places: AtomicU64::new(0) };
        values.into_iter().for_each(|(what, value)| canaries.add(what, value));
        canaries
    }

    pub(crate) fn add(&mut self, what: &str, value: &str) {
        assert!(value.len() >= 2 * SHORTEST, "{what}: too short to be told from chance");
        for (form, needle) in forms(value) {
            self.needles.push((format!("{what}, {form}"), needle));
        }
    }

    /// Which canaries are in the text, and how they are written there.
    pub(crate) fn hits(&self, text: &str) -> Vec<&str> {
        self.searched.fetch_add(text.len() as u64, Ordering::Relaxed);
        self.places.fetch_add(1, Ordering::Relaxed);
        self.needles.iter().filter(|(_, needle)| text.contains(needle.as_str())).map(|(what, _)| what.as_str()).collect()
    }

    /// # Panics
    /// When a canary is in the text.
    pub(crate) fn none_in(&self, place: &str, text: &str) {
        let hits = self.hits(text);
        assert!(hits.is_empty(), "a secret is in {place}: {hits:?}");
    }

    /// Every file below `folder`, but for those whose path from there starts with one of `except`.
    ///
    /// # Panics
    /// When a canary is in one of them.
    pub(crate) fn none_below(&self, folder: &Path, except: &[&str]) {
        for file in files(folder) {
            let name = file.strip_prefix(folder).expect("it is below").display().to_string();
            // One that went away meanwhile was a temporary one.
            if !except.iter().any(|start| name.starts_with(start))
                && let Ok(bytes) = fs::read(&file)
            {
                self.none_in(&name, &String::from_utf8_lossy(&bytes));
            }
        }
    }

    /// For the end of a test.
    pub(crate) fn told(&self) -> String {
        let (places, searched) = (self.places.load(Ordering::Relaxed), self.searched.load(Ordering::Relaxed));
        format!("{} disguises of secrets looked for in {places} texts, {searched} bytes: 0 hits", self.needles.len())
    }
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.flat_map(|entry| if entry.path().is_dir() { files(&entry.path()) } else { vec![entry.path()] }).collect()
}

/// How a value can be written, and the part of it that does not depend on what stands around it.
pub(crate) fn forms(value: &str) -> Vec<(&'static str, String)> {
    let bytes = value.as_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![
        ("raw", value.to_owned()),
        ("as a JSON text", json(value)),
        ("as a JSON text in a JSON text", json(&json(value))),
        ("as Rust's debug form", format!("{value:?}").trim_matches('"').to_owned()),
        ("as ASCII JSON", ascii_json(value)),
        ("in a URL", url(value, false)),
        ("in a form", url(value, true)),
        ("in capital hex", hex.to_uppercase()),
        ("in small hex", hex),
        ("as a list of numbers", bytes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
        ("with XML's entities", value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")),
    ];
    for shift in 0..3 {
        let plain = base64(bytes, shift);
        forms.push(("in base64", plain.clone()));
        forms.push(("in URL's base64", plain.replace('+', "-").replace('/', "_")));
    }
    forms.extend(
        value.lines().filter(|line| line.len() >= SHORTEST && *line != value).map(|line| ("a line of it", line.to_owned())),
    );
    forms
}

fn json(value: &str) -> String {
    let text = serde_json::to_string(value).expect("a text is JSON");
    text[1..text.len() - 1].to_owned()
}

fn ascii_json(value: &str) -> String {
    json(value).chars().fold(String::new(), |mut text, c| {
        if c.is_ascii() {
            text.push(c);
        } else {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().for_each(|unit| text.push_str(&format!("\\u{unit:04x}")));
        }
        text
    })
}

fn url(value: &str, form: bool) -> String {
    value.bytes().fold(String::new(), |mut text, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => text.push(char::from(byte)),
            b' ' if form => text.push('+'),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
        text
    })
}

/// The middle of the base64 of a text in which `bytes` begin `shift` bytes after a group of three: what is the same whatever stands before and behind.
fn base64(bytes: &[u8], shift: usize) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let skip = (3 - shift) % 3;
    let groups = bytes[skip..].chunks_exact(3);
    groups.fold(String::new(), |mut text, group| {
        let bits = u32::from(group[0]) << 16 | u32::from(group[1]) << 8 | u32::from(group[2]);
        for at in [18, 12, 6, 0] {
            text.push(char::from(LETTERS[(bits >> at & 63) as usize]));
        }
        text
    })
}
