//! `ports` and `expose`: which TCP ports the container listens on. What the host publishes is of no interest on Fargate.

use std::collections::BTreeSet;

use super::{
    values::{number, wrong},
    yaml::Node,
};
use crate::problem::Problem;

/// No container listens on more; a wider range is RTP or the like, which a load balancer cannot carry.
const WIDEST_RANGE: usize = 100;

pub(super) fn read(node: &Node, into: &mut BTreeSet<u16>, problems: &mut Vec<Problem>) {
    let Some(items) = node.list() else {
        if !node.is_null() {
            problems.push(wrong(node, "a list of ports"));
        }
        return;
    };
    for item in items {
        match ports(item) {
            Ok(ports) => into.extend(ports),
            Err(problem) => problems.push(problem),
        }
    }
}

fn ports(item: &Node) -> Result<Vec<u16>, Problem> {
    let form = "a port such as `8080`, `80:8080`, `127.0.0.1:80:8080/tcp` or `8000-8002`";
    if let Some(map) = item.map() {
        const KNOWN: [&str; 7] = ["name", "mode", "host_ip", "target", "published", "protocol", "app_protocol"];
        if let Some(entry) = map.iter().find(|entry| !KNOWN.contains(&entry.key.as_str()) && !entry.key.starts_with("x-")) {
            return Err(super::unknown_key(&entry.place, &entry.key, "ports", KNOWN));
        }
        if let Some(protocol) = item.get("protocol") {
            only_tcp(protocol, protocol.text().unwrap_or_default())?;
        }
        let target = item.get("target").ok_or_else(|| {
            Problem::at(&item.place, "missing-key", "a port without `target`")
                .help("add `target: 80`: the port that the container listens on")
        })?;
        return number(target, "a port").map(|port| vec![port]);
    }
    let text = item.text().ok_or_else(|| wrong(item, form))?;
    let (address, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    only_tcp(item, protocol)?;
    let container = address.rsplit(':').next().unwrap_or(address);
    let (first, last) = container.split_once('-').unwrap_or((container, container));
    let (Ok(first), Ok(last)) = (first.trim().parse::<u16>(), last.trim().parse::<u16>()) else {
        return Err(wrong(item, form));
    };
    if first == 0 || last < first {
        return Err(wrong(item, form));
    }
    let range: Vec<u16> = (first..=last).collect();
    if range.len() > WIDEST_RANGE {
        return Err(Problem::at(&item.place, "unsupported-value", "this range has more than 100 ports")
            .help("list the ports that are needed"));
    }
    Ok(range)
}

fn only_tcp(node: &Node, protocol: &str) -> Result<(), Problem> {
    match protocol {
        "tcp" | "" => Ok(()),
        other => Err(Problem::at(&node.place, "unsupported-value", format!("`{other}` ports are not supported"))
            .label("only TCP reaches services on Fargate for now")
            .help("remove the port, or skip the service")),
    }
}
