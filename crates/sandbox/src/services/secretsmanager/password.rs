//! GetRandomPassword: random to its callers, the same in every run of the sandbox.

use serde_json::json;

use super::characters;
use crate::call::Call;
use crate::fault::Fault;
use crate::wire::Reply;
use crate::world::World;

const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

pub(super) fn get(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let invalid = |message: &str| Fault::new("InvalidParameterException", message);
    let length = call.number("PasswordLength").unwrap_or(32);
    if !(1..=4096).contains(&length) {
        return Err(invalid("PasswordLength must be between 1 and 4096."));
    }
    let length = length.unsigned_abs() as usize;
    let excluded = call.opt("ExcludeCharacters").unwrap_or_default();
    let on = |name: &str| call.flag(name).unwrap_or(false);
    let kinds: [(bool, Vec<char>); 5] = [
        (!on("ExcludeLowercase"), ('a'..='z').collect()),
        (!on("ExcludeUppercase"), ('A'..='Z').collect()),
        (!on("ExcludeNumbers"), ('0'..='9').collect()),
        (!on("ExcludePunctuation"), PUNCTUATION.chars().collect()),
        (on("IncludeSpace"), vec![' ']),
    ];
    let kinds: Vec<Vec<char>> = kinds
        .into_iter()
        .filter(|(wanted, _)| *wanted)
        .map(|(_, kind)| kind.into_iter().filter(|c| !excluded.contains(*c)).collect())
        .filter(|kind: &Vec<char>| !kind.is_empty())
        .collect();
    let alphabet = kinds.concat();
    if alphabet.is_empty() {
        return Err(invalid("No characters are left to make a password of."));
    }
    let each = call.flag("RequireEachIncludedType").unwrap_or(true);
    if each && length < kinds.len() {
        return Err(invalid("The password length is too short for the required character types."));
    }
    let mut password: Vec<char> = characters(world, &alphabet, length).chars().collect();
    if each {
        for (place, kind) in kinds.iter().enumerate() {
            let one: Vec<char> = characters(world, kind, 1).chars().collect();
            password.splice(place..=place, one);
        }
    }
    Ok(json!({ "RandomPassword": password.into_iter().collect::<String>() }).into())
}
