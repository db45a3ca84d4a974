//! `cap_add` and `cap_drop`: Fargate adds no capability but SYS_PTRACE, and yet "drop all but these" can be said.
//!
//! Source: Docker documentation, "Runtime privilege and Linux capabilities"; ECS API Reference, `KernelCapabilities`.

/// What every container has that is not told otherwise, on Docker and on Fargate.
pub(super) const USUAL: [&str; 14] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// As the task definition says them.
pub(super) struct Capabilities {
    pub(super) added: Vec<String>,
    pub(super) dropped: Vec<String>,
}

impl Capabilities {
    /// Names in capitals, without `CAP_`.
    pub(super) fn of(added: Vec<String>, dropped: Vec<String>) -> Self {
        let (usual, other): (Vec<String>, Vec<String>) = added.into_iter().partition(|name| USUAL.contains(&name.as_str()));
        let has_all = dropped.iter().any(|name| name == "ALL");
        let dropped = if has_all && !usual.is_empty() {
            USUAL.iter().filter(|name| !usual.iter().any(|added| added == *name)).map(|name| (*name).to_owned()).collect()
        } else {
            // Compose lets what is added win.
            dropped.into_iter().filter(|name| !usual.contains(name)).collect()
        };
        Self { added: other, dropped }
    }
}
