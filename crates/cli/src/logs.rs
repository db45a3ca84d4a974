//! What the program and its libraries log, on stderr: nothing unless asked.
//!
//! What the AWS SDK and the HTTP client below it log at DEBUG and TRACE is what goes over the wire. The SDK hides what AWS's models mark as sensitive, and they
//! do not mark everything. So their logs stay at INFO unless somebody names them, and the switch that lets the SDK print bodies whole is refused.

use tracing_subscriber::EnvFilter;

use crate::actions::Stderr;
use crate::commands::say;
use crate::failure::{Exit, Failure};
use crate::render::style;

/// Beginnings of the modules that see requests and replies whole.
const WIRE: [&str; 5] = ["aws", "hyper", "h2", "rustls", "tower"];
/// The AWS SDK's own switch for printing bodies, values of secrets among them.
const BODIES: &str = "LOG_SENSITIVE_BODIES";

/// Starts the log as `-v`, or the variable `LANDING_LOG`, asks for it.
///
/// # Errors
/// When the environment asks for what would print secrets.
pub(crate) fn start(verbose: u8) -> Result<(), Failure> {
    let asked = std::env::var("LANDING_LOG").ok().filter(|text| !text.trim().is_empty());
    let wire = asked.as_deref().is_some_and(names_the_wire);
    if wire {
        if std::env::var_os(BODIES).is_some() {
            let title = format!("{BODIES} together with LANDING_LOG would print the values of secrets");
            return Err(Failure::new(Exit::Configuration, title).help(format!("unset {BODIES}")));
        }
        let warning = "LANDING_LOG names the AWS client's own modules: their log may hold what must not be shown around";
        say(&format!("{}: {warning}", style::change("warning")));
    }
    let filter = filter(asked.as_deref(), verbose, wire).map_err(|error| {
        Failure::new(Exit::Configuration, format!("LANDING_LOG is not a filter: {error}"))
            .help("write a level, such as `debug`, or modules with levels, such as `landing_engine=trace`")
    })?;
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(Stderr).init();
    Ok(())
}

fn names_the_wire(asked: &str) -> bool {
    asked.split(',').any(|part| WIRE.iter().any(|module| part.trim().starts_with(module)))
}

fn filter(asked: Option<&str>, verbose: u8, wire: bool) -> Result<EnvFilter, tracing_subscriber::filter::ParseError> {
    let level = asked.unwrap_or(match verbose {
        0 => "error",
        1 => "landing=info,warn",
        2 => "landing=debug,info",
        _ => "trace",
    });
    if wire {
        return EnvFilter::try_new(level);
    }
    let capped: String = WIRE.iter().map(|module| format!(",{module}=info")).collect();
    // Below INFO there is nothing to cap.
    let quiet = level == "error" || level == "warn" || level == "off" || (asked.is_none() && verbose == 1);
    EnvFilter::try_new(if quiet { level.to_owned() } else { format!("{level}{capped}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_over_the_wire_is_capped_unless_it_is_named() {
        let text = |asked, verbose, wire| filter(asked, verbose, wire).unwrap().to_string();
        for (asked, verbose) in [(None, 2), (None, 3), (Some("trace"), 0), (Some("landing_engine=trace,debug"), 1)] {
            let filter = text(asked, verbose, false);
            assert!(WIRE.iter().all(|module| filter.contains(&format!("{module}=info"))), "{filter}");
        }
        assert_eq!(text(None, 0, false), "error");
        assert!(!text(Some("aws_smithy_runtime=trace"), 0, true).contains("=info"));
    }

    #[test]
    fn naming_one_of_its_modules_is_asking_for_it() {
        assert!(names_the_wire("info, hyper=debug") && names_the_wire("aws_smithy_runtime=trace"));
        assert!(!names_the_wire("trace") && !names_the_wire("landing_aws=trace"));
    }
}
