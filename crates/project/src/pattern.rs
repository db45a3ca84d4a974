//! Path patterns of a load balancer.

/// Whether the whole of `text` is what the pattern says: `*` stands for any characters or none, `?` for one. Capitals count. Source: Elastic Load Balancing User
/// Guide, "Path conditions".
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut seen) = (0, 0);
    // The last star, and how much of the text it has been given.
    let mut star: Option<(usize, usize)> = None;
    while seen < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(c) if *c == '?' || *c == text[seen] => (at, seen) = (at + 1, seen + 1),
            _ => {
                let Some((of, given)) = star else { return false };
                star = Some((of, given + 1));
                (at, seen) = (of + 1, given + 1);
            }
        }
    }
    pattern[at..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, text) in [
            ("/api/*", "/api/"),
            ("/api/*", "/api/v1/x"),
            ("*", "/"),
            ("*.php", "/a/b.php"),
            ("/a?c", "/abc"),
            ("/*/x/*", "/a/x/x/"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in
            [("/api/*", "/api"), ("/api/*", "/API/"), ("/a?c", "/ac"), ("*.php", "/a.php5"), ("/", "/a"), ("/*/x", "/a/y")]
        {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }
}
