//! What `down` left, for people: each object with the reason and with what removes it.

use landing_aws::leftovers::{Left, Leftover, Reason};

use super::{count, style};

/// `None` when there is nothing to tell.
pub(crate) fn text(left: &Left, stack: &str) -> Option<String> {
    let (wrong, kept): (Vec<&Leftover>, Vec<&Leftover>) = left.objects.iter().partition(|object| object.is_wrong());
    let mut parts = Vec::new();
    if !wrong.is_empty() {
        parts.push(format!("{} of {stack}:", style::error("left")));
        parts.extend(wrong.into_iter().map(object));
    }
    if !left.unchecked.is_empty() {
        parts.push(format!("{}, so nobody knows whether anything is left there:", style::error("not checked")));
        parts.extend(left.unchecked.iter().map(|place| format!("  {}: {}", place.what, place.error)));
    }
    for place in &left.unserved {
        parts.push(format!("{}: nobody can be asked about {}: {}", style::change("note"), place.what, place.error));
    }
    if !kept.is_empty() {
        parts.push(format!("{}, not landing's to delete:", style::change("still there")));
        parts.extend(kept.into_iter().map(object));
    }
    (!parts.is_empty()).then(|| parts.join("\n"))
}

fn object(left: &Leftover) -> String {
    let name = left.node.as_ref().map_or(left.kind.as_str(), |node| node.as_str());
    let since = match &left.reason {
        Reason::Unfinished { since: Some(since), .. } => format!(", since {since}"),
        _ => String::new(),
    };
    format!(
        "  {}  {}\n      {}{since}\n      {} {}",
        style::bold(name),
        left.id,
        left.reason.why(),
        style::good("to remove it:"),
        left.remove
    )
}

/// What is waited for, in one line.
pub(crate) fn pending(left: &Left) -> String {
    const NAMED: usize = 3;
    let names = left.objects.iter().filter(|object| object.is_wrong()).map(|object| match &object.node {
        Some(node) => node.to_string(),
        None => format!("{} {}", object.kind, object.id),
    });
    let names: Vec<String> = names.collect();
    match (names.len(), left.unchecked.len()) {
        (0, 0) => "there is no state file, and AWS may not show yet what was made a moment ago".to_owned(),
        (0, places) => format!("{} did not answer", count(places, "place")),
        (all, _) if all <= NAMED => format!("{} may still go by itself", names.join(", ")),
        (all, _) => format!("{} and {} more may still go by themselves", names[..NAMED].join(", "), all - NAMED),
    }
}
