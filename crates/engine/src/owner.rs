//! Who holds a lock, in words for people and in facts that tell a living process from a dead one.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    pub pid: u32,
    pub host: String,
    pub user: String,
    pub command: String,
    pub since: String,
    /// A page that shows the run, when a CI service runs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<Process>,
}

/// One process among all that there ever were. Its number alone would not do: numbers are used again, and every container counts from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// The running system: new at every start of a machine, the same in all its containers.
    pub boot: String,
    /// The namespace in which its number counts.
    pub space: String,
    /// When it was started, in the system's own ticks: tells two processes with one number apart.
    pub started: u64,
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { pid, host, user, command, since, page, process: _ } = self;
        write!(f, "`{command}` of {user} on {host}, process {pid}, since {since}")?;
        page.as_ref().map_or(Ok(()), |page| write!(f, ", {page}"))
    }
}

impl Owner {
    /// Whether it is on the same running system, so that the system's own locks tell whether it lives.
    pub fn is_near(&self, other: &Self) -> bool {
        match (&self.process, &other.process) {
            (Some(one), Some(two)) => one.boot == two.boot,
            // Where the system does not say which one it is, its name must do.
            _ => self.host == other.host,
        }
    }

    /// Whether it is proven that its process is gone: it ran on this system, its number counts here, and no process of that number was started when it
    /// was. What cannot be proven is not dead.
    pub fn is_dead(&self, here: &Self) -> bool {
        let (Some(theirs), Some(ours)) = (&self.process, &here.process) else { return false };
        theirs.boot == ours.boot && theirs.space == ours.space && started(self.pid) != Some(theirs.started)
    }
}

impl Process {
    /// This process; `None` on systems that do not tell.
    pub fn this() -> Option<Self> {
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_owned();
        let space = std::fs::read_link("/proc/self/ns/pid").ok()?.to_string_lossy().into_owned();
        Some(Self { boot, space, started: started(std::process::id())? })
    }
}

/// When the process of that number was started; `None` when there is none, or it is dead and only waits for its parent.
fn started(pid: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything, parentheses and blanks too. Source: proc_pid_stat(5): state is field 3, start time field 22.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let dead = ["Z", "X", "x"].contains(fields.first()?);
    if dead { None } else { fields.get(19)?.parse().ok() }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn owner(pid: u32, process: Option<Process>) -> Owner {
        let text = |text: &str| text.to_owned();
        let (host, user, command, since) = (text("host"), text("ada"), text("landing up"), text("2026-01-01T00:00:00Z"));
        Owner { pid, host, user, command, since, page: None, process }
    }

    #[test]
    fn only_a_proven_death_is_one() {
        let here = owner(std::process::id(), Process::this());
        let process = Process::this().unwrap();
        assert!(!here.is_dead(&here), "we live");
        let reused = Process { started: process.started + 1, ..process.clone() };
        assert!(owner(here.pid, Some(reused)).is_dead(&here), "our number was another's before");
        let elsewhere = Process { boot: "another machine".into(), ..process.clone() };
        assert!(!owner(here.pid, Some(elsewhere)).is_dead(&here), "nothing is known of another machine");
        let contained = Process { space: "pid:[1]".into(), ..process };
        assert!(!owner(here.pid, Some(contained)).is_dead(&here), "numbers of another container say nothing");
        assert!(!owner(here.pid, None).is_dead(&here), "nor does a number alone");
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let born = Process { started: started(child.id()).unwrap_or(1), ..Process::this().unwrap() };
        child.wait().unwrap();
        assert!(owner(child.id(), Some(born)).is_dead(&here), "a child that has ended");
    }
}
