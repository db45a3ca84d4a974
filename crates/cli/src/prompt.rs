//! A secret's value on its way in: at a terminal, where nobody sees it, or on stdin.
//!
//! Never an argument: everybody on the machine can read those, and shells keep them.

use std::io::{IsTerminal, Read};

use landing_aws::SecretString;

use crate::commands::{line, say};
use crate::failure::{Exit, Failure};

/// What Secrets Manager takes. Source: `aws-behaviours` 6.
const MOST: usize = 65_536;

/// Asks for the value of `what`, and says how long it is.
pub(crate) async fn secret(what: &str) -> Result<SecretString, Failure> {
    let refused = |title: String, help: &str| Failure::new(Exit::Configuration, title).help(help.to_owned());
    let mut text = if std::io::stdin().is_terminal() {
        let Some(hidden) = Hidden::begin().filter(|_| std::io::stderr().is_terminal()) else {
            return Err(refused("the value cannot be asked for without showing it".into(), "give it on stdin: `… < FILE`"));
        };
        say(&format!("Value of {what} (it is not shown), and Enter:"));
        let line = line().await;
        drop(hidden);
        line.unwrap_or_default()
    } else {
        let mut bytes = Vec::new();
        let read = std::io::stdin().take(MOST as u64 + 3).read_to_end(&mut bytes);
        read.map_err(|error| Failure::new(Exit::Failed, format!("stdin cannot be read: {error}")))?;
        String::from_utf8(bytes).map_err(|_| {
            refused(format!("the value of {what} is no text"), "encode it, in base64 for example; nothing was touched")
        })?
    };
    for end in ['\n', '\r'] {
        if text.ends_with(end) {
            text.pop();
        }
    }
    match text.len() {
        0 => Err(refused(
            format!("no value for {what} was given"),
            "type it at the prompt, or give it on stdin; nothing was touched",
        )),
        1..=MOST => {
            let count = text.chars().count();
            say(&format!("read {count} character{}", if count == 1 { "" } else { "s" }));
            Ok(text.into())
        }
        _ => Err(refused(
            format!("the value of {what} has more than {MOST} bytes"),
            "Secrets Manager takes no more; nothing was touched",
        )),
    }
}

/// While it lives, the terminal does not show what is typed. It is dropped when Ctrl-C ends the asking, too.
struct Hidden {
    #[cfg(unix)]
    before: rustix::termios::Termios,
}

#[cfg(unix)]
impl Hidden {
    fn begin() -> Option<Self> {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let before = tcgetattr(rustix::stdio::stdin()).ok()?;
        let mut hidden = before.clone();
        hidden.local_modes -= LocalModes::ECHO;
        // The end of the line is shown, so that what follows does not stand behind the question.
        hidden.local_modes |= LocalModes::ECHONL;
        tcsetattr(rustix::stdio::stdin(), OptionalActions::Flush, &hidden).ok()?;
        Some(Self { before })
    }
}

#[cfg(unix)]
impl Drop for Hidden {
    fn drop(&mut self) {
        // A terminal that has hung up needs nothing any more.
        let _ = rustix::termios::tcsetattr(rustix::stdio::stdin(), rustix::termios::OptionalActions::Now, &self.before);
    }
}

#[cfg(not(unix))]
impl Hidden {
    fn begin() -> Option<Self> {
        None
    }
}
