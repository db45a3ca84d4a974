//! "Did you mean …?"

/// The candidate that is closest to what was typed, if it is close at all.
pub(crate) fn closest<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    ranked(typed, candidates)
        .into_iter()
        .find(|(distance, candidate)| *distance <= candidate.len().max(typed.len()) / 3)
        .map(|(_, candidate)| candidate)
}

/// What somebody types who means a name is not much longer than it; the time to compare two grows with both lengths.
const LONGEST: usize = 64;

/// Those that are near, the nearest first.
fn ranked<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<(usize, &'a str)> {
    let plain = |text: &str| text.to_ascii_lowercase().replace(['_', '-', '.'], "");
    let typed = plain(typed);
    if typed.len() > LONGEST {
        return Vec::new();
    }
    let near = candidates.into_iter().filter(|candidate| candidate.len() <= LONGEST);
    let mut ranked: Vec<_> = near.map(|candidate| (strsim::damerau_levenshtein(&typed, &plain(candidate)), candidate)).collect();
    ranked.sort_unstable();
    ranked
}

/// `did you mean …?`, or else what there is.
pub(crate) fn did_you_mean<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str> + Clone) -> String {
    const MOST: usize = 20;
    if let Some(candidate) = closest(typed, candidates.clone()) {
        return format!("did you mean `{candidate}`?");
    }
    let mut names: Vec<&str> = candidates.into_iter().collect();
    names.sort_unstable();
    let listed = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match names.len() {
        0 => "remove it: there is none".to_owned(),
        many if many > MOST => format!("remove it: it is none of the {many} that there are"),
        _ => format!("there is {}", listed(&names)),
    }
}
