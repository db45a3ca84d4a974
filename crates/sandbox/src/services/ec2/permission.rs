//! What a rule lets through: protocol, ports and one source, normalised as AWS does (catalogue, 3.10).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::call::{Call, number, text};
use crate::fault::Fault;
use crate::world::World;

use super::lookup::invalid;
use super::{cidr, prefix_list};

/// The description is not part of a rule's identity.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Permission {
    /// `tcp`, `udp`, `icmp`, `icmpv6`, `-1`, or a number.
    pub(crate) protocol: String,
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) source: Source,
    pub(crate) description: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Source {
    Ipv4(String),
    Ipv6(String),
    Group(String),
    PrefixList(String),
}

impl Permission {
    pub(super) fn everything(source: Source) -> Self {
        Self { protocol: "-1".into(), from: -1, to: -1, source, description: None }
    }

    pub(super) fn same_as(&self, other: &Self) -> bool {
        (&self.protocol, self.from, self.to, &self.source) == (&other.protocol, other.from, other.to, &other.source)
    }
}

/// Everything in `IpPermissions`, or the one rule in the plain parameters.
pub(super) fn given(world: &World, call: &Call, group: &str) -> Result<Vec<Permission>, Fault> {
    let mut all = Vec::new();
    for each in call.list("IpPermissions") {
        let (protocol, from, to) = ports(each)?;
        let before = all.len();
        for (source, description) in sources(world, group, each)? {
            all.push(Permission { protocol: protocol.clone(), from, to, source, description });
        }
        if all.len() == before {
            return Err(Fault::new("MissingParameter", "Source group, CIDR or prefix list missing in ipPermissions"));
        }
    }
    if let Some(block) = call.opt("CidrIp") {
        let (protocol, from, to) = ports(&call.input)?;
        all.push(Permission { protocol, from, to, source: ipv4(&block)?, description: None });
    }
    if all.is_empty() {
        return Err(Fault::new("MissingParameter", "Either 'ipPermissions' or 'securityGroupRuleIds' should be provided."));
    }
    Ok(all)
}

/// Protocol and ports of an `IpPermission` or a `SecurityGroupRuleRequest`.
pub(super) fn ports(of: &Value) -> Result<(String, i64, i64), Fault> {
    let given = text(&of["IpProtocol"])
        .ok_or_else(|| Fault::new("MissingParameter", "The request must contain the parameter ipProtocol"))?;
    let protocol = match given.to_lowercase().as_str() {
        "-1" | "all" => "-1",
        "tcp" | "6" => "tcp",
        "udp" | "17" => "udp",
        "icmp" | "1" => "icmp",
        "icmpv6" | "58" => "icmpv6",
        other if other.parse::<u8>().is_ok() => other,
        _ => {
            return Err(invalid(format!("Invalid value '{given}' for IP protocol. Unknown protocol.")));
        }
    }
    .to_owned();
    let (from, to) = (number(&of["FromPort"]), number(&of["ToPort"]));
    match protocol.as_str() {
        "tcp" | "udp" => {
            let (Some(from), Some(to)) = (from, to) else {
                return Err(invalid("Invalid value for portRange. Must specify both from and to ports with TCP/UDP."));
            };
            if !(0..=65535).contains(&from) || !(0..=65535).contains(&to) || from > to {
                return Err(invalid(format!("Invalid {} port range ({from}-{to}).", protocol.to_uppercase())));
            }
            Ok((protocol, from, to))
        }
        "icmp" | "icmpv6" => Ok((protocol, from.unwrap_or(-1), to.unwrap_or(-1))),
        _ => Ok((protocol, -1, -1)),
    }
}

pub(super) fn ipv4(block: &str) -> Result<Source, Fault> {
    cidr::ipv4(block, "cidrIp")
        .map(|net| Source::Ipv4(net.to_string()))
        .map_err(|_| invalid(format!("CIDR block {block} is malformed")))
}

pub(super) fn ipv6(block: &str) -> Result<Source, Fault> {
    cidr::ipv6(block, "cidrIpv6")
        .map(|net| Source::Ipv6(net.to_string()))
        .map_err(|_| invalid(format!("CIDR block {block} is malformed")))
}

/// A group of the same VPC.
pub(super) fn group(world: &World, of: &str, named: &str) -> Result<Source, Fault> {
    let vpc = &world.ec2.group(of)?.vpc;
    let missing = || {
        Fault::new(
            "InvalidGroup.NotFound",
            format!("You have specified two resources that belong to different networks, or '{named}' does not exist"),
        )
    };
    world.ec2.groups.get(named).filter(|it| it.vpc == *vpc).map(|it| Source::Group(it.id.clone())).ok_or_else(missing)
}

fn sources(world: &World, of: &str, permission: &Value) -> Result<Vec<(Source, Option<String>)>, Fault> {
    let mut sources = Vec::new();
    let each = |list: &str| permission[list].as_array().cloned().unwrap_or_default();
    let missing = |name: &str| Fault::new("MissingParameter", format!("The request must contain the parameter {name}"));
    for range in each("IpRanges") {
        sources.push((ipv4(&text(&range["CidrIp"]).ok_or_else(|| missing("cidrIp"))?)?, described(&range)?));
    }
    for range in each("Ipv6Ranges") {
        sources.push((ipv6(&text(&range["CidrIpv6"]).ok_or_else(|| missing("cidrIpv6"))?)?, described(&range)?));
    }
    for pair in each("Groups") {
        let named = text(&pair["GroupId"]).ok_or_else(|| missing("groupId"))?;
        sources.push((group(world, of, &named)?, described(&pair)?));
    }
    for list in each("PrefixListIds") {
        let id = text(&list["PrefixListId"]).ok_or_else(|| missing("prefixListId"))?;
        sources.push((Source::PrefixList(prefix_list::known(world, &id)?), described(&list)?));
    }
    Ok(sources)
}

/// The description of a rule, in the characters that AWS allows.
pub(super) fn described(of: &Value) -> Result<Option<String>, Fault> {
    let description = text(&of["Description"]).filter(|text| !text.is_empty());
    let allowed = |c: char| c.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(c);
    match description {
        Some(text) if text.chars().count() > 255 || !text.chars().all(allowed) => Err(invalid(
            "Invalid rule description. Valid descriptions are strings less than 256 characters from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*",
        )),
        description => Ok(description),
    }
}
