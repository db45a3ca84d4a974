//! Text files with something broken: mostly valid, so that the break is met deep inside and not at the door.

use crate::Choices;

/// What texts of one sort are made of.
pub struct Dictionary<'a> {
    /// Whole files; broken ones too.
    pub files: &'a [&'a [u8]],
    /// Keys, values and signs that mean something there.
    pub words: &'a [&'a str],
}

/// Larger ones only repeat what smaller ones say.
const LONGEST: usize = 256 * 1024;

/// One file of the dictionary with a few things changed; one in sixteen times bytes as they come.
pub fn mutated(choices: &mut Choices<'_>, of: &Dictionary<'_>) -> Vec<u8> {
    if choices.one_in(16) {
        return choices.bytes(512);
    }
    let mut text = choices.pick(of.files).to_vec();
    for _ in 0..=choices.below(5) {
        change(choices, &mut text, of);
        text.truncate(LONGEST);
    }
    text
}

fn change(choices: &mut Choices<'_>, text: &mut Vec<u8>, of: &Dictionary<'_>) {
    let at = choices.below(text.len() + 1);
    match choices.below(17) {
        0 => {
            if let Some(byte) = text.get_mut(at) {
                *byte ^= 1 << choices.below(8);
            }
        }
        1 => {
            let byte =
                *choices.pick(&[b"\0", b"\xff", b"\t", b"\r", b"\"", b"'", b"$", b"{", b"[", b"&", b"*", b"#", b":", b"\xc3"]);
            text.splice(at..at, byte);
        }
        2 => {
            let word = choices.pick(of.words);
            text.splice(at..at, word.bytes());
        }
        3..=5 => {
            let (from, to) = token(text, at);
            let word = choices.pick(of.words);
            text.splice(from..to, word.bytes());
        }
        6 => {
            let (from, to) = line(text, at);
            text.drain(from..to);
        }
        7 => {
            let (from, to) = line(text, at);
            let again = text[from..to].to_vec();
            text.splice(from..from, again);
        }
        8 => {
            let (from, to) = line(text, at);
            let moved: Vec<u8> = text.drain(from..to).collect();
            let to = choices.below(text.len() + 1);
            let (there, _) = line(text, to);
            text.splice(there..there, moved);
        }
        9 => {
            let (from, to) = line(text, at);
            let spaces = text[from..to].iter().take_while(|byte| **byte == b' ').count();
            text.splice(from..from + spaces, vec![b' '; choices.below(12)]);
        }
        10 => {
            let other = choices.pick(of.files);
            text.truncate(at);
            text.extend_from_slice(&other[choices.below(other.len() + 1)..]);
        }
        11 => text.truncate(at),
        12 => {
            let (from, to) = line(text, at);
            let block = text[from..to].repeat(choices.below(64));
            text.splice(to..to, block);
        }
        13 => *text = String::from_utf8_lossy(text).replace('\n', "\r\n").into_bytes(),
        14 => text.splice(0..0, "\u{feff}".bytes()).for_each(drop),
        15 => {
            // The value of a key becomes another.
            let (from, to) = line(text, at);
            let value = text[from..to].iter().position(|byte| matches!(byte, b':' | b'=')).map_or(to, |at| from + at + 1);
            let end = to - usize::from(text[from..to].ends_with(b"\n"));
            let word = format!(" {}", choices.pick(of.words));
            text.splice(value.min(end)..end, word.bytes());
        }
        _ => {
            let other = choices.pick(of.files);
            let there = choices.below(other.len() + 1);
            let (from, to) = line(other, there);
            let (here, _) = line(text, at);
            text.splice(here..here, other[from..to].iter().copied());
        }
    }
}

/// The line at a byte, with its end.
fn line(text: &[u8], at: usize) -> (usize, usize) {
    let from = text[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let to = text[at..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |end| at + end + 1);
    (from, to)
}

/// The word at a byte; empty between two.
fn token(text: &[u8], at: usize) -> (usize, usize) {
    let inner = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/');
    let from = text[..at].iter().rposition(|byte| !inner(byte)).map_or(0, |end| end + 1);
    let to = text[at..].iter().position(|byte| !inner(byte)).map_or(text.len(), |end| at + end);
    (from, to)
}
