//! CloudFront functions on the way in. No JavaScript runs here: one sort of function is known by its text, the routing of a single-page application, which puts one file in
//! the place of every address whose last part has no dot. Of any other the sandbox says that it cannot play it.

/// The path that the origin is asked for; `None` when the function is not known.
pub(super) fn route(code: &str, path: &str) -> Option<String> {
    let file = code.split("request.uri = '").nth(1)?.split('\'').next()?;
    let only_without_a_dot = code.contains("indexOf('.') === -1") || code.contains("!request.uri.includes('.')");
    let alone = code.matches("request.uri = ").count() == 1;
    if !only_without_a_dot || !alone || !file.starts_with('/') {
        return None;
    }
    let last = path.rsplit('/').next().unwrap_or_default();
    Some(if last.contains('.') { path.to_owned() } else { file.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::route;

    #[test]
    fn only_addresses_without_a_file_name_are_routed_and_only_by_a_known_function() {
        let code = "function handler(event) { var request = event.request; var file = request.uri.substring(request.uri.lastIndexOf('/') + 1); if (file.indexOf('.') === -1) { request.uri = '/index.html'; } return request; }";
        assert_eq!(route(code, "/a/b").as_deref(), Some("/index.html"));
        assert_eq!(route(code, "/").as_deref(), Some("/index.html"));
        assert_eq!(route(code, "/a.b/c.js").as_deref(), Some("/a.b/c.js"));
        assert_eq!(route("function handler(event) { return event.request; }", "/"), None);
    }
}
