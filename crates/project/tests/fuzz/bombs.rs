//! Small files that mean a lot of work to a careless reader. Each must be answered at once, whatever the answer is.

use crate::folder::Files;

const TOML: &str = "name = \"shop\"\n";
/// As much as is read of any file.
const MOST: usize = 4 * 1024 * 1024;

pub(crate) fn all() -> Vec<(&'static str, Files)> {
    let compose = |text: String| Files::default().with("landing.toml", TOML).with("compose.yaml", text);
    let web = |lines: String| compose(format!("services:\n  web:\n    image: nginx\n{lines}"));
    let filled = |unit: &str| unit.repeat(MOST / unit.len());
    vec![
        ("aliases that contain each other", compose(aliases())),
        ("an alias of itself", compose("a: &a [*a]\nservices: *a\n".to_owned())),
        ("merge keys in a chain", compose(merges())),
        ("lists in lists", compose("[".repeat(MOST - 1))),
        ("maps in maps", compose("{a: ".repeat(500_000))),
        (
            "as deep as is read",
            compose(format!("x: {}{}\nservices: {{ web: {{ image: nginx }} }}\n", "[".repeat(30), "]".repeat(30))),
        ),
        ("blocks in blocks", compose((0..1000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect())),
        ("nothing but line ends", compose(filled("\n"))),
        (
            "nothing but line ends and one service",
            compose(format!("services: {{ web: {{ image: nginx, x: y }} }}\n{}", "\n".repeat(MOST - 100))),
        ),
        ("a line of 4 MiB", web(format!("    command: {}\n", "x".repeat(MOST - 100)))),
        (
            "a line of 4 MiB that is wrong",
            compose(format!("services: {{ web: {{ image: nginx, nope: {} }} }}\n", "x".repeat(MOST - 100))),
        ),
        (
            "passwords on a line of 4 MiB",
            compose(format!("services: {{ web: {{ image: nginx, nope: {} }} }}\n", "a://u:p@h ".repeat(MOST / 10 - 20))),
        ),
        (
            "names on a line of 4 MiB",
            compose(format!("services: {{ web: {{ image: nginx, nope: '{}' }} }}\n", "a=b ".repeat(MOST / 4 - 20))),
        ),
        ("larger than is read", compose(filled("#") + "#")),
        ("defaults in defaults", web(format!("    command: \"{}\"\n", nested("${A:-", "}", 100_000)))),
        ("unset defaults in defaults", web(format!("    command: \"{}\"\n", nested("${NO:-", "}", 100_000)))),
        ("braces that never close", web(format!("    command: \"{}\"\n", "${A:-".repeat(500_000)))),
        ("signs of variables", web(format!("    command: \"{}\"\n", "$".repeat(MOST - 1001)))),
        ("unset variables", web(format!("    command: \"{}\"\n", "$NO ".repeat(500_000)))),
        ("many services", compose(format!("services:\n{}", each(20_000, |i| format!("  s{i}: {{ image: nginx }}\n"))))),
        (
            "many services that call each other",
            compose(format!(
                "services:\n{}",
                each(5_000, |i| format!("  s{i}: {{ image: nginx, environment: {{ A: 'http://s{}' }} }}\n", i / 2))
            )),
        ),
    ]
}

fn each(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(line).collect()
}

fn nested(open: &str, close: &str, depth: usize) -> String {
    open.repeat(depth) + &close.repeat(depth)
}

/// Ten of the one before, nine times: a billion in the end.
fn aliases() -> String {
    let lines = each(9, |i| format!("a{}: &a{} [{}]\n", i + 1, i + 1, vec![format!("*a{i}"); 10].join(",")));
    format!("a0: &a0 x\n{lines}services: {{ web: {{ image: nginx, command: *a9 }} }}\n")
}

fn merges() -> String {
    let maps = each(1000, |i| format!("m{}: &m{} {{ <<: *m{i}, k{i}: x }}\n", i + 1, i + 1));
    format!("m0: &m0 {{ image: nginx }}\n{maps}services: {{ web: {{ <<: *m1000 }} }}\n")
}
