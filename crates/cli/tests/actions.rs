//! On a runner of GitHub: what a container wrote is shown and not obeyed, a page tells of the run, and mistakes stand at their lines.

mod common;

use std::fs;

use common::{Project, Ran};

const SETTINGS: &str = "name = \"shop\"\nregion = \"us-west-2\"\n\n[services.web]\npaths = [\"/*\"]\n";
const COMPOSE: &str = "services:\n  web:\n    image: nginx:1\n    expose: [80]\n";

/// What a program writes that wants to be more than a program.
const HOSTILE: &str = r###"
[[workloads]]
family = "shop-dev-web"
ends = "exited"
exit-code = 3
after = 5
log = [
  "::error title=owned::by a container",
  "  ::add-mask::o",
  "fine so far\r::stop-commands::for-ever",
  "##[set-env name=PATH]/tmp/evil",
  "half a line ##[add-path]/tmp/evil",
  "\u001b[31m::set-output name=x::y",
  "#\u001b[0m#[add-path]/tmp/evil",
  "</details> ````` @everyone <img src=x onerror=alert(1)>",
  "| a | b |",
]
"###;

/// The runner around the program.
struct Runner {
    project: Project,
}

impl Runner {
    fn new(files: &[(&str, &str)]) -> Self {
        let project = Project::new(files);
        for file in ["summary.md", "env", "output", "path"] {
            fs::write(project.path().join(file), "").expect("the file can be written");
        }
        Self { project }
    }

    fn landing(&self, arguments: &[&str]) -> Ran {
        self.landing_in("", arguments)
    }

    fn landing_in(&self, folder: &str, arguments: &[&str]) -> Ran {
        let at = |file: &str| self.project.path().join(file).display().to_string();
        let files =
            [("GITHUB_STEP_SUMMARY", "summary.md"), ("GITHUB_ENV", "env"), ("GITHUB_OUTPUT", "output"), ("GITHUB_PATH", "path")];
        let mut environment: Vec<(&str, String)> = files.map(|(name, file)| (name, at(file))).to_vec();
        environment.push(("GITHUB_WORKSPACE", at("")));
        environment.push(("GITHUB_ACTIONS", "true".to_owned()));
        let environment: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.project.landing_in(folder, arguments, &environment, "")
    }

    fn page(&self) -> String {
        let page = fs::read_to_string(self.project.path().join("summary.md")).expect("the page is there");
        page.replace(&self.project.path().display().to_string(), "PROJECT")
    }

    /// Nothing was written where the next steps look for what to do.
    fn was_left_alone(&self) {
        for file in ["env", "output", "path"] {
            assert_eq!(fs::read_to_string(self.project.path().join(file)).expect("it is there"), "", "{file}");
        }
    }
}

/// The lines of both streams that a runner obeys, read as its source reads them: the newer form after blanks, the older one anywhere.
fn obeyed(ran: &Ran) -> Vec<String> {
    let lines = ran.stdout.split(['\n', '\r']).chain(ran.stderr.split(['\n', '\r']));
    let is_command = |line: &&str| {
        let newer = line.trim_start().strip_prefix("::").is_some_and(|rest| rest.contains("::"));
        newer || line.find("##[").is_some_and(|at| line[at..].contains(']'))
    };
    lines.filter(is_command).map(str::to_owned).collect()
}

#[test]
fn what_a_container_wrote_is_shown_and_not_obeyed() {
    let runner = Runner::new(&[("landing.toml", SETTINGS), ("compose.yaml", COMPOSE), ("faults.toml", HOSTILE)]);
    for (colour, json) in [("never", false), ("always", false), ("never", true)] {
        // Each begins anew: of tasks that died an hour ago nothing can be read, and an hour is soon over.
        let _ = fs::remove_dir_all(runner.project.path().join("state"));
        let mut up =
            vec!["up", "--sandbox", "--sandbox-faults", "faults.toml", "--time-scale", "1000", "--yes", "--color", colour];
        let faults = runner.project.path().join("faults.toml").display().to_string();
        up[3] = &faults;
        up.extend(json.then_some("--json"));
        let ran = runner.landing(&up);
        assert_eq!(ran.code, 7, "{}", ran.stderr);
        assert!(format!("{}{}", ran.stdout, ran.stderr).contains("owned"), "the log is shown: {}", ran.stderr);
        let commands = obeyed(&ran);
        assert!(commands.iter().all(|line| line.starts_with("::error title=landing up%3A ecs.rollout.web::")), "{commands:#?}");
        assert_eq!(commands.len(), 1);
        runner.was_left_alone();
    }
    let page = runner.page();
    assert_eq!(page.matches("### `landing up`: deploy-failed, shop-dev in us-west-2").count(), 3, "{page}");
    // All that the container wrote stands between the fences.
    let mut fence = None;
    for line in page.lines() {
        match &fence {
            None if line.starts_with("```") => fence = Some(line.trim_end_matches("text").to_owned()),
            Some(ticks) if line == ticks => fence = None,
            None => assert!(!["@everyone", "<img", "owned", "</details> `"].iter().any(|word| line.contains(word)), "{line}"),
            Some(_) => {}
        }
    }
    assert_eq!(fence, None, "every fence ends");
    assert!(page.contains("@everyone <img src=x"), "{page}");
}

#[test]
fn a_page_tells_of_the_plan_the_run_and_its_end() {
    let runner = Runner::new(&[("landing.toml", SETTINGS), ("compose.yaml", COMPOSE)]);
    let comment = runner.project.path().join("comment.md").display().to_string();
    assert_eq!(runner.landing(&["plan", "--sandbox", "--markdown", &comment]).code, 0);
    assert_eq!(fs::read_to_string(&comment).expect("it was written"), runner.page());
    assert_eq!(runner.landing(&["up", "--sandbox", "--time-scale", "4000", "--yes"]).code, 0);
    assert_eq!(runner.landing(&["plan", "--sandbox"]).code, 0);
    assert_eq!(runner.landing(&["down", "--sandbox", "--time-scale", "4000", "--yes", "--allow-data-loss"]).code, 0);
    // Nobody says yes.
    let refused = runner.landing(&["up", "--sandbox"]);
    let note = "::error title=landing up::error: there are changes to confirm and no terminal to ask on%0A help: add --yes; nothing was touched";
    assert_eq!(obeyed(&refused), [note]);
    // How long things take depends on the machine here, and so does the order of ids.
    let differs = |line: &str| {
        let is_a_number = line.trim_start().starts_with(|c: char| c.is_ascii_digit());
        is_a_number || ["AWS call", ".elb.amazonaws.com"].iter().any(|word| line.contains(word))
    };
    assert!(runner.page().contains("  created  "), "what took longest is told");
    assert!(runner.page().contains("- `load-balancer`: <http://shop-dev-alb-"), "outputs are links");
    let page: Vec<String> = runner.page().lines().filter(|line| !differs(line)).map(str::to_owned).collect();
    insta::assert_snapshot!(page.join("\n"));
}

#[test]
fn a_mistake_stands_at_its_line_in_the_repository() {
    let files = [("apps/shop/landing.toml", "name = \"shop\"\nregoin = \"us-west-2\"\n"), ("apps/shop/compose.yaml", COMPOSE)];
    let runner = Runner::new(&files);
    let comment = runner.project.path().join("comment.md").display().to_string();
    let ran = runner.landing_in("apps/shop", &["plan", "--markdown", &comment]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    insta::assert_snapshot!(obeyed(&ran).join("\n"));
    insta::assert_snapshot!(runner.page());
    assert_eq!(fs::read_to_string(&comment).expect("a plan that failed has a page, too"), runner.page());
}

#[test]
fn logs_on_a_runner_are_shown_and_not_obeyed_in_every_form() {
    let living = HOSTILE.replace("ends = \"exited\"\nexit-code = 3\nafter = 5\n", "");
    let runner = Runner::new(&[("landing.toml", SETTINGS), ("compose.yaml", COMPOSE), ("faults.toml", &living)]);
    let faults = runner.project.path().join("faults.toml").display().to_string();
    let up = runner.landing(&["up", "--sandbox", "--sandbox-faults", &faults, "--time-scale", "4000", "--yes"]);
    assert_eq!(up.code, 0, "{}", up.stderr);
    for form in [&[][..], &["--color", "always"], &["--color", "never"], &["--json"], &["--tail", "20"]] {
        let logs = runner.landing(&[&["logs", "--sandbox", "--since", "2026-01-01"], form].concat());
        assert_eq!(logs.code, 0, "{}", logs.stderr);
        assert!(logs.stdout.contains("owned") && logs.stdout.contains("fine so far"), "{}", logs.stdout);
        assert_eq!(obeyed(&logs), [""; 0], "{form:?}");
    }
    runner.was_left_alone();
}

/// Colours are taken out where there is no terminal, and what they stood between comes together.
#[test]
fn what_a_build_says_is_shown_and_not_obeyed() {
    let build = r"printf '#\033[0m#[add-path]/tmp/evil\n::error::owned\nfine\r::stop-commands::for-ever\n##[debug]x\n'";
    let settings = |end: &str| format!("{SETTINGS}\n[spa]\ndist = \"dist\"\nbuild = '''{build}; {end}'''\n");
    let runner =
        Runner::new(&[("landing.toml", &settings("exit 3")), ("compose.yaml", COMPOSE), ("dist/index.html", "<p>one</p>")]);
    for (end, code) in [("exit 3", 1), ("true", 0)] {
        runner.project.write("landing.toml", &settings(end));
        for colour in ["never", "always"] {
            let up = runner.landing(&["up", "--sandbox", "--yes", "--time-scale", "4000", "--no-smoke", "--color", colour]);
            assert_eq!(up.code, code, "{}", up.stderr);
            assert!(up.stderr.contains("owned"), "{}", up.stderr);
            assert!(obeyed(&up).iter().all(|line| line.starts_with("::error title=landing up")), "{:#?}", obeyed(&up));
        }
    }
    runner.was_left_alone();
}

/// GitHub drops a page above 1 MiB whole, with what stood on it before.
#[test]
fn a_page_that_is_full_is_left_as_it_is() {
    let runner = Runner::new(&[("landing.toml", SETTINGS), ("compose.yaml", COMPOSE)]);
    let full = "x".repeat(1_040_000);
    fs::write(runner.project.path().join("summary.md"), &full).expect("the page can be written");
    let commands =
        [&["plan", "--sandbox"][..], &["up", "--sandbox", "--time-scale", "4000", "--yes"], &["plan", "--env", "no such"]];
    for command in commands {
        runner.landing(command);
        assert!(runner.page() == full, "{command:?} added to it");
    }
}
