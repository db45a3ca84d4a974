//! "Did you mean …?"

/// The candidate that is closest to what was typed, if it is close at all.
pub(crate) fn closest<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_ascii_lowercase().replace(['_', '-', '.'], "");
    let typed_plain = plain(typed);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&typed_plain, &plain(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().max(typed.len()) / 3)
        .min_by_key(|(distance, candidate)| (*distance, *candidate))
        .map(|(_, candidate)| candidate)
}

/// `did you mean …?`, or else the list of what there is.
pub(crate) fn did_you_mean<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str> + Clone) -> Option<String> {
    if let Some(candidate) = closest(typed, candidates.clone()) {
        return Some(format!("did you mean `{candidate}`?"));
    }
    let mut names: Vec<String> = candidates.into_iter().map(|name| format!("`{name}`")).collect();
    names.sort();
    (!names.is_empty() && names.len() <= 20).then(|| format!("there is {}", names.join(", ")))
}
