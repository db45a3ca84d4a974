//! Circles in `depends_on`.

use std::collections::{BTreeMap, BTreeSet};

/// Every circle once, each from its first name on: `[a, b, a]`.
pub(super) fn find(edges: &BTreeMap<&str, Vec<&str>>) -> Vec<Vec<String>> {
    let mut circles = Vec::new();
    let mut done = BTreeSet::new();
    for start in edges.keys() {
        walk(start, edges, &mut Vec::new(), &mut done, &mut circles);
    }
    circles
}

fn walk<'a>(
    name: &'a str,
    edges: &BTreeMap<&'a str, Vec<&'a str>>,
    path: &mut Vec<&'a str>,
    done: &mut BTreeSet<&'a str>,
    circles: &mut Vec<Vec<String>>,
) {
    if let Some(at) = path.iter().position(|step| *step == name) {
        let circle = path[at..].iter().chain([&name]).map(|step| (*step).to_owned());
        circles.push(circle.collect());
        return;
    }
    if done.contains(name) {
        return;
    }
    path.push(name);
    for next in edges.get(name).into_iter().flatten() {
        walk(next, edges, path, done, circles);
    }
    path.pop();
    done.insert(name);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_circle_is_named_once() {
        let edges =
            BTreeMap::from([("a", vec!["b"]), ("b", vec!["c", "d"]), ("c", vec!["a"]), ("d", vec!["d"]), ("e", vec!["a"])]);
        assert_eq!(find(&edges), [vec!["a", "b", "c", "a"], vec!["d", "d"]]);
        assert!(find(&BTreeMap::from([("a", vec!["b", "c"]), ("b", vec!["c"]), ("c", vec![])])).is_empty());
    }
}
