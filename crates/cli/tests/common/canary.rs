//! Secret values that must be nowhere but in AWS: what they look like in every disguise, and the search for them.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use memchr::memmem::Finder;

/// Parts of a disguise that are shorter say nothing.
const SHORTEST: usize = 10;

#[derive(Clone)]
struct Needle {
    /// What it is, and how it is written.
    what: String,
    finder: Finder<'static>,
}

/// Values to look for, in every form that one could come out in.
#[derive(Default)]
pub(crate) struct Canaries {
    given: RefCell<BTreeMap<String, Vec<Needle>>>,
    /// What AWS held after the last run, and after the one before it.
    held: RefCell<[BTreeMap<String, Vec<Needle>>; 2]>,
    values: Cell<usize>,
    searched: Cell<usize>,
    places: Cell<usize>,
}

impl Canaries {
    /// `values`: what it is, and the value.
    pub(crate) fn new<'a>(values: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let canaries = Self::default();
        values.into_iter().for_each(|(what, value)| canaries.add(what, value));
        canaries
    }

    pub(crate) fn add(&self, what: &str, value: &str) {
        let known = self.given.borrow_mut().insert(value.to_owned(), self.disguises(what, value));
        assert!(known.is_none(), "{what}: there is one like it, so nobody could tell which it was");
    }

    fn disguises(&self, what: &str, value: &str) -> Vec<Needle> {
        assert!(value.len() >= 2 * SHORTEST, "{what}: too short to be told from chance");
        self.values.set(self.values.get() + 1);
        // Many forms of a plain value are the same.
        let forms: BTreeMap<String, &str> = forms(value).into_iter().rev().map(|(form, needle)| (needle, form)).collect();
        let needle = |(text, form): (String, &str)| Needle {
            what: format!("{what}, {form}"),
            finder: Finder::new(text.as_bytes()).into_owned(),
        };
        forms.into_iter().map(needle).collect()
    }

    /// Values that AWS holds now, made by `landing` or by AWS itself; those of the run before are still looked for.
    pub(crate) fn learn(&self, held: impl IntoIterator<Item = (String, String)>) {
        let mut held_before = self.held.borrow_mut();
        let [last, _] = &*held_before;
        let mut now = BTreeMap::new();
        for (what, value) in held.into_iter().flat_map(|(what, value)| parts(&what, &value)) {
            if !self.given.borrow().contains_key(&value) {
                let known = last.get(&value).cloned();
                now.insert(value.clone(), known.unwrap_or_else(|| self.disguises(&what, &value)));
            }
        }
        held_before.rotate_right(1);
        held_before[0] = now;
    }

    /// Which canaries are in the text, and how they are written there.
    pub(crate) fn hits(&self, text: &[u8]) -> Vec<String> {
        self.searched.set(self.searched.get() + text.len());
        self.places.set(self.places.get() + 1);
        let (given, held) = (self.given.borrow(), self.held.borrow());
        let needles = given.values().chain(held.iter().flat_map(BTreeMap::values)).flatten();
        needles.filter(|needle| needle.finder.find(text).is_some()).map(|needle| needle.what.clone()).collect()
    }

    /// # Panics
    /// When a canary is in the text.
    pub(crate) fn none_in(&self, place: &str, text: &[u8]) {
        let hits = self.hits(text);
        assert!(hits.is_empty(), "a secret is in {place}: {hits:?}");
    }

    /// Every file below `folder`, but for those that may hold some: `may`, by the path from there.
    ///
    /// # Panics
    /// When a canary is in one of the others.
    pub(crate) fn none_below(&self, folder: &Path, may: impl Fn(&str) -> bool) {
        for file in files(folder) {
            let name = file.strip_prefix(folder).expect("it is below").display().to_string();
            // One that went away meanwhile was a temporary one.
            if !may(&name)
                && let Ok(bytes) = fs::read(&file)
            {
                self.none_in(&name, &bytes);
            }
        }
    }

    /// For the end of a test.
    pub(crate) fn told(&self) -> String {
        let (values, places, searched) = (self.values.get(), self.places.get(), self.searched.get());
        format!("{values} secret values looked for in {places} texts and files, {searched} bytes: 0 hits")
    }
}

/// The value, and each text in it when it is a JSON object with names and passwords.
fn parts(what: &str, value: &str) -> Vec<(String, String)> {
    let object: BTreeMap<String, serde_json::Value> = serde_json::from_str(value).unwrap_or_default();
    let inside = object.iter().filter_map(|(key, inside)| Some((format!("{key} in {what}"), inside.as_str()?.to_owned())));
    // What is shorter is a user's name.
    inside.chain([(what.to_owned(), value.to_owned())]).filter(|(_, value)| value.len() >= 2 * SHORTEST).collect()
}

/// The words that a process was started with, as everybody on the machine can read them; nothing where the system does not show them as a file.
pub(crate) fn argv(pid: u32) -> Vec<u8> {
    let path = format!("/proc/{pid}/cmdline");
    // A process that begins has none for a moment, and one that has ended has none any more.
    let looks = (0..1000).map_while(|_| fs::read(&path).ok());
    looks
        .inspect(|words| {
            if words.is_empty() {
                std::thread::yield_now()
            }
        })
        .find(|words| !words.is_empty())
        .unwrap_or_default()
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
