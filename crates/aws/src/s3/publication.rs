//! What a publication is, and what is to be done for the next one: no call is made here.
//!
//! **The marker** is an object beside the files, of a hash over all of them. It is written last, so a marker that does not fit what stands says that a run was
//! broken off, and that the edges may keep anything. It is a file that a browser may ask for, and tells it nothing.

use std::collections::BTreeMap;

use md5::{Digest, Md5};

use super::headers::is_page;

/// No file of a site is called like this: names that begin with a dot are refused.
pub(super) const MARKER: &str = ".landing-published";

/// What the marker says until a publication is through.
pub(super) const UNFINISHED: &str = "unfinished\n";

/// Paths of one invalidation. More of them are told as `/*`, which AWS counts as one path of the 1,000 that a month has for nothing.
const PATHS: usize = 15;

/// All files of a site, and what its marker says when they are up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// Key to the MD5 of its content, in hex.
    pub files: BTreeMap<String, String>,
    /// The marker's ETag.
    pub published: String,
}

impl Publication {
    pub fn of(files: BTreeMap<String, String>) -> Self {
        let published = md5_hex(marker(&files).as_bytes());
        Self { files, published }
    }
}

/// What the marker of these files says.
pub(super) fn marker(files: &BTreeMap<String, String>) -> String {
    let lines: String = files.iter().map(|(key, md5)| format!("{md5} {key}\n")).collect();
    format!("{}\n", md5_hex(lines.as_bytes()))
}

pub(super) fn md5_hex(content: &[u8]) -> String {
    Md5::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What stands in a bucket.
#[derive(Clone, Debug, Default)]
pub(super) struct Standing {
    /// Key to ETag, without its quotes.
    pub(super) files: BTreeMap<String, String>,
    pub(super) marker: Option<Marker>,
}

#[derive(Clone, Debug)]
pub(super) struct Marker {
    pub(super) etag: String,
    /// Seconds since 1970.
    pub(super) written: i64,
}

impl Standing {
    /// A site of which nothing is there but the marker.
    pub(super) fn begun() -> Self {
        let marker = Marker { etag: md5_hex(UNFINISHED.as_bytes()), written: 0 };
        Self { files: BTreeMap::new(), marker: Some(marker) }
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.files.is_empty() && self.marker.is_none()
    }

    pub(super) fn published(&self) -> &str {
        self.marker.as_ref().map_or("", |marker| &marker.etag)
    }
}

/// What leads from what stands to a publication, in this order.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Work<'a> {
    /// The marker says that all is done, and it is not so any more: it must not be believed if this run is broken off.
    pub(super) reopens: bool,
    /// What pages name goes up before the pages.
    pub(super) assets: Vec<&'a str>,
    pub(super) pages: Vec<&'a str>,
    pub(super) removed: Vec<&'a str>,
    /// Paths of which the edges may keep what is not so any more.
    pub(super) invalidated: Vec<String>,
}

impl<'a> Work<'a> {
    pub(super) fn between(standing: &'a Standing, files: &'a BTreeMap<String, String>, published: &str) -> Self {
        // Without a marker the files were not put by us, and may lack our headers.
        let is_up = |key: &str, md5: &String| standing.marker.is_some() && standing.files.get(key) == Some(md5);
        let changed: Vec<&str> = files.iter().filter(|(key, md5)| !is_up(key, md5)).map(|(key, _)| key.as_str()).collect();
        let removed: Vec<&str> = standing.files.keys().filter(|key| !files.contains_key(*key)).map(String::as_str).collect();
        let is_whole = standing.published() == md5_hex(marker(&standing.files).as_bytes());
        let invalidated = match (standing.files.is_empty(), is_whole) {
            // Nobody can have seen anything.
            (true, _) => Vec::new(),
            (false, false) => everything(),
            (false, true) => {
                let seen = changed.iter().filter(|key| standing.files.contains_key(**key));
                paths(seen.chain(&removed).copied())
            }
        };
        let (pages, assets) = changed.iter().partition(|key| is_page(key));
        Self { reopens: standing.published() == published, assets, pages, removed, invalidated }
    }
}

fn everything() -> Vec<String> {
    vec!["/*".to_owned()]
}

fn paths<'a>(keys: impl Iterator<Item = &'a str>) -> Vec<String> {
    // What a browser must write in another way, and `*`: how CloudFront compares those is not worth finding out.
    let is_plain = |key: &str| key.chars().all(|c| c.is_ascii_alphanumeric() || "/-_.".contains(c));
    let mut paths = Vec::new();
    for key in keys {
        if !is_plain(key) {
            return everything();
        }
        // The distribution answers with it where no file is named.
        paths.extend((key == "index.html").then(|| "/".to_owned()));
        paths.push(format!("/{key}"));
    }
    if paths.len() > PATHS { everything() } else { paths }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(files: &[(&str, &str)]) -> BTreeMap<String, String> {
        files.iter().map(|(key, content)| ((*key).to_owned(), md5_hex(content.as_bytes()))).collect()
    }

    /// After a publication that came to its end.
    fn whole(files: &BTreeMap<String, String>) -> Standing {
        let etag = Publication::of(files.clone()).published;
        Standing { files: files.clone(), marker: Some(Marker { etag, written: 1 }) }
    }

    fn invalidated(before: &Standing, files: &BTreeMap<String, String>) -> Vec<String> {
        Work::between(before, files, &Publication::of(files.clone()).published).invalidated
    }

    #[test]
    fn only_what_differs_is_done_and_pages_go_up_after_what_they_name() {
        let before = whole(&files(&[("index.html", "1"), ("a.js", "1"), ("same.js", "1"), ("old.js", "1")]));
        let after = files(&[("index.html", "2"), ("a.js", "2"), ("same.js", "1"), ("new.js", "1")]);
        let work = Work::between(&before, &after, &Publication::of(after.clone()).published);
        assert!(!work.reopens);
        assert_eq!((work.assets, work.pages, work.removed), (vec!["a.js", "new.js"], vec!["index.html"], vec!["old.js"]));
        assert_eq!(work.invalidated, ["/a.js", "/", "/index.html", "/old.js"], "no edge has a file that is new");
    }

    #[test]
    fn what_a_run_left_in_its_middle_is_invalidated_as_a_whole() {
        let (old, new) = (files(&[("index.html", "1")]), files(&[("index.html", "2")]));
        let uploaded = Standing { files: new.clone(), ..whole(&old) };
        assert_eq!(invalidated(&uploaded, &new), ["/*"], "everything is up, and nobody has told the edges");
        let work = Work::between(&uploaded, &old, &Publication::of(old.clone()).published);
        assert!(work.reopens, "back to what the marker says: it must not be believed before all is done");
        assert_eq!(work.invalidated, ["/*"]);
        assert_eq!(invalidated(&Standing { marker: None, ..whole(&old) }, &new), ["/*"], "somebody else's files");
    }

    #[test]
    fn a_first_publication_tells_no_edge_unless_one_was_begun_before() {
        let site = files(&[("index.html", "1"), ("a.js", "1")]);
        assert_eq!(invalidated(&Standing::begun(), &site), [""; 0]);
        let begun = Standing { files: files(&[("a.js", "1")]), ..Standing::begun() };
        assert_eq!(invalidated(&begun, &site), ["/*"]);
    }

    #[test]
    fn many_paths_and_odd_ones_are_told_as_everything() {
        let many = |count: usize, content: &str| {
            files(
                &(0..count)
                    .map(|n| format!("{n}.js"))
                    .collect::<Vec<_>>()
                    .iter()
                    .map(|key| (key.as_str(), content))
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(invalidated(&whole(&many(15, "1")), &many(15, "2")).len(), 15);
        assert_eq!(invalidated(&whole(&many(16, "1")), &many(16, "2")), ["/*"]);
        for odd in ["über.js", "a b.js", "a*.js", "a%20.js"] {
            assert_eq!(invalidated(&whole(&files(&[(odd, "1")])), &files(&[(odd, "2")])), ["/*"], "{odd}");
        }
    }
}
