//! The table of services that come up, in the footer of a running walk.

use std::time::Duration;

use landing_engine::{Copies, NodeName, Targets};

use super::duration;

/// As much of a name as is shown.
const NAME: usize = 24;

pub(crate) fn head() -> String {
    format!("  {:NAME$} desired  running  pending  failed  healthy", "service")
}

pub(crate) fn row(node: &NodeName, copies: &Copies, elapsed: Duration) -> String {
    let Copies { desired, running, pending, failed, targets } = copies;
    let name: String = node.name().chars().take(NAME).collect();
    let healthy = targets.map_or("-".to_owned(), |Targets { healthy, registered }| format!("{healthy} of {registered}"));
    format!("{name:NAME$} {desired:>7}  {running:>7}  {pending:>7}  {failed:>6}  {healthy:>7}  for {}", duration(elapsed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_stands_below_its_word() {
        let behind =
            Copies { desired: 12, running: 8, pending: 4, failed: 0, targets: Some(Targets { healthy: 7, registered: 8 }) };
        let alone = Copies { desired: 1, running: 0, pending: 0, failed: 3, targets: None };
        let node = |name: &str| NodeName::new("ecs.rollout", name);
        let table = [
            head(),
            format!("  {}", row(&node("api"), &behind, Duration::from_secs(75))),
            format!("  {}", row(&node("a-service-whose-name-never-ends"), &alone, Duration::from_secs(5))),
        ];
        insta::assert_snapshot!(table.join("\n"), @r"
          service                  desired  running  pending  failed  healthy
          api                           12        8        4       0   7 of 8  for 1m 15s
          a-service-whose-name-nev       1        0        0       3        -  for 5s
        ");
    }
}
