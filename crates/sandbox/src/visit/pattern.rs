//! Path patterns, as load balancers and CloudFront read them: `*` is any characters or none, `?` is one, capitals count.

pub(crate) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.first(), text.first()) {
        (None, None) => true,
        (Some(b'*'), _) => matches(&pattern[1..], text) || (!text.is_empty() && matches(pattern, &text[1..])),
        (Some(b'?'), Some(_)) => matches(&pattern[1..], &text[1..]),
        (Some(one), Some(other)) if one == other => matches(&pattern[1..], &text[1..]),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn as_a_load_balancer_reads_them() {
        let fits = |pattern: &str, text: &str| matches(pattern.as_bytes(), text.as_bytes());
        assert!(fits("/api/*", "/api/") && fits("*", "") && fits("*.js", "/a/b.js") && fits("/?", "/a"));
        assert!(!fits("/api/*", "/api") && !fits("/api/*", "/API/x") && !fits("*.js", "/a.json") && !fits("/?", "/"));
    }
}
