//! What a user types.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::since::Since;

#[derive(Debug, Parser)]
#[command(
    name = "landing",
    version,
    about = "Takes a docker-compose application to a least-privilege AWS landing zone, directly through the AWS API",
    after_help = "Examples:
  landing validate                     what becomes of every compose key, no AWS needed
  landing plan                         what `up` would change
  landing up --sandbox --yes           the whole of it on an AWS in this process, ten minutes in ten seconds
  landing up                           on AWS, with the credentials of the environment
  landing smoke                        does it work? up and deploy ask at their end, too
  landing down --allow-data-loss       everything gone again

Exit codes:
  0 done · 1 failed · 2 usage or configuration · 3 credentials · 4 permission · 5 quota · 6 deploy failed and rolled back
  7 deploy failed · 8 smoke failed · 9 lock held · 10 plan has changes · 11 drift · 12 state needs repair · 130 interrupted"
)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Common {
    /// Project folder, where landing.toml is
    #[arg(short = 'C', long = "dir", global = true, value_name = "DIR", default_value = ".")]
    pub(crate) dir: PathBuf,
    /// Environment: `[env.NAME]` of landing.toml is laid over the rest, and the name is part of every AWS name
    #[arg(long, global = true, value_name = "NAME", default_value = "dev", env = "LANDING_ENV")]
    pub(crate) env: String,
    /// State file, wherever landing.toml lets the state lie [default: DIR/state/PROJECT-ENV.json]
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) state: Option<PathBuf>,
    /// AWS region; before landing.toml and the environment
    #[arg(long, global = true)]
    pub(crate) region: Option<String>,
    /// Profile of the AWS configuration files
    #[arg(long, global = true)]
    pub(crate) profile: Option<String>,
    /// Send every AWS call there, to an emulator or to `landing sandbox serve`
    #[arg(long, global = true, value_name = "URL", conflicts_with = "sandbox")]
    pub(crate) endpoint_url: Option<String>,
    /// Use an AWS in this process; its world is kept beside the state file
    #[arg(long, global = true)]
    pub(crate) sandbox: bool,
    /// AWS seconds in one second, where the AWS is a sandbox [default: 60]
    #[arg(long, global = true, value_name = "X", value_parser = time_scale)]
    pub(crate) time_scale: Option<f64>,
    /// What goes wrong in the AWS of --sandbox, as TOML (docs/sandbox.md)
    #[arg(long, global = true, value_name = "FILE", requires = "sandbox")]
    pub(crate) sandbox_faults: Option<PathBuf>,
    /// Machine output: JSON on stdout
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub(crate) color: Color,
    /// Say more on stderr; twice and three times for more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

fn time_scale(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(scale) if f64::is_finite(scale) && scale > 0.0 => Ok(scale),
        _ => Err("it must be a number above 0".into()),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

impl Color {
    /// `NO_COLOR`, `CLICOLOR_FORCE` and terminals are looked at by anstream when this says `auto`.
    pub(crate) fn write_global(self) {
        let choice = match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check landing.toml and the compose file, and say what becomes of every compose key
    Validate,
    /// Show what `up` would change, and change nothing
    Plan(PlanOptions),
    /// Bring AWS to what the project describes
    Up(UpOptions),
    /// Release: build, push, register, run jobs, roll services, publish; refuses when anything else would have to change
    Deploy(DeployOptions),
    /// Ask whether it works: every route, task, log and job
    Smoke(SmokeOptions),
    /// Delete everything that the stack owns
    Down(DownOptions),
    /// Show what stands in AWS, and what drifted
    Status(StatusOptions),
    /// Print addresses and names of what was built
    Outputs,
    /// Print what services and jobs write, merged by time
    Logs(LogsOptions),
    /// What secrets there are; give one another value
    Secrets {
        #[command(subcommand)]
        command: SecretsCommand,
    },
    /// Write the workflow of a CI
    Ci {
        #[command(subcommand)]
        command: CiCommand,
    },
    /// Look into the state file
    State {
        #[command(subcommand)]
        command: StateCommand,
    },
    /// Print the JSON schema of landing.toml
    Schema,
    /// The AWS in this process
    Sandbox {
        #[command(subcommand)]
        command: SandboxCommand,
    },
    /// Print a completion script for a shell
    Completions { shell: Shell },
}

impl Command {
    /// As it is typed.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Validate => "validate",
            Self::Plan(_) => "plan",
            Self::Up(_) => "up",
            Self::Deploy(_) => "deploy",
            Self::Down(_) => "down",
            Self::Status(_) => "status",
            Self::Outputs => "outputs",
            Self::Logs(_) => "logs",
            Self::Smoke(_) => "smoke",
            Self::Secrets { .. } => "secrets",
            Self::Ci { .. } => "ci github",
            Self::State { .. } => "state",
            Self::Schema => "schema",
            Self::Sandbox { .. } => "sandbox",
            Self::Completions { .. } => "completions",
        }
    }
}

#[derive(Debug, ClapArgs)]
pub(crate) struct PlanOptions {
    /// Show what `down` would delete instead
    #[arg(long)]
    pub(crate) down: bool,
    /// Exit with 10 when there is anything to change
    #[arg(long)]
    pub(crate) detailed_exitcode: bool,
    /// Write it to FILE as Markdown too, short enough for a comment on a pull request
    #[arg(long, value_name = "FILE")]
    pub(crate) markdown: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Consent {
    /// Do not ask
    #[arg(short, long, env = "LANDING_YES")]
    pub(crate) yes: bool,
    /// Allow steps that delete data for good: databases, buckets, secrets, image repositories
    #[arg(long)]
    pub(crate) allow_data_loss: bool,
}

#[derive(Clone, Copy, Debug, ClapArgs)]
pub(crate) struct Locking {
    /// Wait so long for another run to end (90s, 15m, 1h30m), in place of ending with 9 at once
    #[arg(long, value_name = "DURATION", env = "LANDING_LOCK_WAIT", default_value = "0s", value_parser = duration)]
    pub(crate) lock_wait: Duration,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct UpOptions {
    #[command(flatten)]
    pub(crate) consent: Consent,
    #[command(flatten)]
    pub(crate) locking: Locking,
    /// Return when everything is created and known, without waiting for the last of it to be ready
    #[arg(long)]
    pub(crate) no_wait: bool,
    #[command(flatten)]
    pub(crate) after: After,
}

#[derive(Clone, Copy, Debug, ClapArgs)]
pub(crate) struct After {
    /// Do not ask at the end whether it works
    #[arg(long)]
    pub(crate) no_smoke: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct SmokeOptions {
    /// Ask again so long what is not well (90s, 15m, 1h30m)
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    pub(crate) timeout: Duration,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct DeployOptions {
    /// Only these services, and the jobs that they wait for; `spa` is the single-page application
    pub(crate) services: Vec<String>,
    #[command(flatten)]
    pub(crate) locking: Locking,
    #[command(flatten)]
    pub(crate) after: After,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct DownOptions {
    #[command(flatten)]
    pub(crate) consent: Consent,
    #[command(flatten)]
    pub(crate) locking: Locking,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct StatusOptions {
    /// Exit with 11 when something drifted
    #[arg(long)]
    pub(crate) detailed_exitcode: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct LogsOptions {
    /// Only these services and jobs
    pub(crate) services: Vec<String>,
    /// Go on with what they write from now on, until Ctrl-C
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// From when on: so long ago (90s, 15m, 1h30m, 2d), or a time (2026-11-27T12:00:00Z) [default: 10m]
    #[arg(long, value_name = "DURATION|TIME", value_parser = Since::parse)]
    pub(crate) since: Option<Since>,
    /// All that the task wrote that ended last, in place of what was written last
    #[arg(short, long, conflicts_with = "follow")]
    pub(crate) previous: bool,
    /// Of each service only the last N lines; with --follow, of those that are there already
    #[arg(short = 'n', long, value_name = "N")]
    pub(crate) tail: Option<usize>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CiCommand {
    /// For GitHub Actions: .github/workflows/landing.yml at the root of the repository
    Github(GithubOptions),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct GithubOptions {
    /// Print it, and write nothing
    #[arg(long)]
    pub(crate) stdout: bool,
    /// Write nothing, and exit with 1 when the file is not what landing.toml asks for
    #[arg(long, conflicts_with = "stdout")]
    pub(crate) check: bool,
    /// Also over a file that was written or changed by hand
    #[arg(long)]
    pub(crate) force: bool,
    /// Name of the file [default: landing.yml, landing-ENV.yml for another environment than dev]
    #[arg(long, value_name = "NAME")]
    pub(crate) file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SecretsCommand {
    /// Every secret: where its value comes from, whether there is one, who reads it; never the value
    List,
    /// Give a value that `from = "env:…"` would take from the environment: at a hidden prompt, or on stdin
    Set(SecretOptions),
    /// Have another value made: of a secret with `generate`, or by RDS for database:NAME
    Rotate(SecretOptions),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct SecretOptions {
    /// As in landing.toml, or `database:NAME`
    pub(crate) name: String,
    /// Start the services anew that read it, and wait for them; their tasks read a secret only at their start
    #[arg(long)]
    pub(crate) roll: bool,
    #[command(flatten)]
    pub(crate) locking: Locking,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StateCommand {
    /// Every node with its id
    List,
    /// One node's record
    Show { node: String },
    /// Print the state as it was written last, or write it to FILE
    Pull { file: Option<PathBuf> },
    /// Check FILE, or the file that the state was before landing.toml let it lie in S3, and put it where the state lies
    Push(PushOptions),
    /// Make the state anew from the tags and names in AWS; what was there before is kept beside it
    Rebuild(Locking),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct PushOptions {
    /// A state; `-` reads it from stdin
    pub(crate) file: Option<PathBuf>,
    /// Also over a state that is newer, or of another history; what was there before is kept
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) locking: Locking,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SandboxCommand {
    /// Serve it to any AWS client
    Serve {
        /// 0 takes a free one and prints it
        #[arg(long, default_value_t = 4566)]
        port: u16,
        /// Where images can be pushed to its ECR, such as 127.0.0.1:0; the address is printed
        #[arg(long, value_name = "ADDRESS")]
        registry: Option<std::net::SocketAddr>,
        /// Load the world from this file and save it there at the end
        #[arg(long, value_name = "FILE")]
        world: Option<PathBuf>,
        /// What goes wrong in it, as TOML (docs/sandbox.md)
        #[arg(long, value_name = "FILE")]
        faults: Option<PathBuf>,
    },
}

/// `90s`, `15m`, `1h30m`, `2d`; a bare number is seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let mistake = || format!("`{text}` is no duration: write 90s, 15m or 1h30m");
    if let Ok(seconds) = text.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    let (mut total, mut rest) = (0_u64, text);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(mistake)?;
        let count: u64 = rest[..digits].parse().map_err(|_| mistake())?;
        let mut letters = rest[digits..].chars();
        let unit = match letters.next() {
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3600,
            Some('d') => 86_400,
            _ => return Err(mistake()),
        };
        total = count.checked_mul(unit).and_then(|seconds| total.checked_add(seconds)).ok_or_else(mistake)?;
        rest = letters.as_str();
    }
    if text.is_empty() { Err(mistake()) } else { Ok(Duration::from_secs(total)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_people_write_them() {
        let seconds = |text: &str| duration(text).ok().map(|found| found.as_secs());
        assert_eq!(
            [seconds("90s"), seconds("15m"), seconds("1h30m"), seconds("7"), seconds("0s"), seconds("2d")].map(Option::unwrap),
            [90, 900, 5400, 7, 0, 172_800]
        );
        for wrong in ["", "m", "5x", "1.5m", "-3s", "90 s", "99999999999999999999s", "9999999999999999999h"] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }
}
