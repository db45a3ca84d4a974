//! Security-group rule: one thing that one group lets in.
//!
//! Known by its `landing:node` tag. Everything but the description is its identity. A rule without our tag in a group of ours is either one that we
//! want (then it is adopted, by what it says) or somebody else's: that one gets a node name of its own, so that a plan shows it and removes it.
//! Source: EC2 API Reference, `AuthorizeSecurityGroupIngress`, `ModifySecurityGroupRules`; `aws-behaviours` 3.10.

use aws_sdk_ec2::types::{ResourceType, SecurityGroup as Group, SecurityGroupRuleRequest, SecurityGroupRuleUpdate};
use landing_engine::{CallError, Changed, Class, Door, Gone, Kind, Live, NodeName, Ref, Scan, Stack, Traits};
use serde::{Deserialize, Serialize};

use super::{filters, permission, rules, security_group};
use crate::{Aws, IntoCallError, PrefixListId, SecurityGroupId, ownership};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SecurityGroupRule {
    pub group: Ref<SecurityGroupId>,
    /// `tcp`, `udp`, …, or `-1` for all, whose ports are -1.
    pub protocol: String,
    pub from_port: i32,
    pub to_port: i32,
    pub source: Source,
    pub description: String,
}

/// Who may come in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    Cidr(String),
    Group(Ref<SecurityGroupId>),
    PrefixList(Ref<PrefixListId>),
}

impl Source {
    fn text(&self) -> &str {
        match self {
            Self::Cidr(range) => range,
            Self::Group(group) => group.get().as_str(),
            Self::PrefixList(list) => list.get().as_str(),
        }
    }
}

impl Kind for SecurityGroupRule {
    type Cx = Aws;
    const NAME: &'static str = "ec2.security-group-rule";
    const TRAITS: Traits = Traits { fixed: &["group", "protocol", "from_port", "to_port", "source"], ..Traits::DEFAULT };

    /// Every rule of every group of the stack, in one paged call.
    async fn scan(cx: &Aws, scan: &Scan) -> Result<Vec<Live<Self>>, CallError> {
        let groups = security_group::of_stack(cx, scan).await?;
        if groups.is_empty() {
            return Ok(Vec::new());
        }
        let ids = filters::any("group-id", groups.iter().filter_map(Group::group_id));
        let (mut found, mut strangers) = (Vec::new(), Vec::new());
        for live in rules::list(cx, ids).await? {
            match ownership::node_of::<Self>(scan, &live.id, &live.tags) {
                Some(node) => found.push(Live { node, ..live }),
                None => strangers.push(live),
            }
        }
        let wanted: Vec<_> =
            rules::wanted(scan, &groups).into_iter().filter(|(node, _)| found.iter().all(|l| l.node != *node)).collect();
        for live in strangers {
            let adopter = wanted.iter().find(|(_, shape)| shape.means(&live.shape)).map(|(node, _)| node.clone());
            let node =
                adopter.unwrap_or_else(|| NodeName::new(Self::NAME, &format!("foreign-{}", live.id.trim_start_matches("sgr-"))));
            found.push(Live { node, ..live });
        }
        Ok(found)
    }

    async fn read(cx: &Aws, stack: &Stack, node: &NodeName, id: &str) -> Result<Option<Live<Self>>, CallError> {
        let found = rules::list(cx, filters::filter("security-group-rule-id", id)).await?;
        Ok(ownership::still_ours(stack, node, found.into_iter().find(|live| live.id == id)))
    }

    async fn create(&self, cx: &Aws, door: &Door<'_>) -> Result<Live<Self>, CallError> {
        let operation = "ec2:AuthorizeSecurityGroupIngress";
        door.call(operation, || async {
            let sent = cx
                .ec2
                .authorize_security_group_ingress()
                .group_id(self.group.get().as_str())
                .ip_permissions(permission::to(
                    &self.protocol,
                    (Some(self.from_port), Some(self.to_port)),
                    self.source.text(),
                    Some(&self.description),
                ))
                .tag_specifications(filters::born_with(ResourceType::SecurityGroupRule, &door.tags()))
                .send()
                .await
                .call(operation);
            let live = match sent {
                Ok(reply) => reply.security_group_rules().first().map(rules::of),
                Err(error) if error.class == Class::AlreadyExists => self.existing(cx, door, &error).await?,
                Err(error) => return Err(error),
            };
            // An answer without the rule is not in AWS's contract; the next scan will find it by its tag.
            let missing = || CallError::new(Class::Ambiguous, operation, "the answer does not contain the new rule");
            live.map(|live| Live { node: door.node().clone(), ..live }).ok_or_else(missing)
        })
        .await
    }

    async fn update(&self, cx: &Aws, door: &Door<'_>, live: &Live<Self>, changed: &Changed) -> Result<Live<Self>, CallError> {
        if changed.has("description") {
            let operation = "ec2:ModifySecurityGroupRules";
            door.call(operation, || async {
                let update =
                    SecurityGroupRuleUpdate::builder().security_group_rule_id(&live.id).security_group_rule(self.request());
                cx.ec2
                    .modify_security_group_rules()
                    .group_id(self.group.get().as_str())
                    .security_group_rules(update.build())
                    .send()
                    .await
                    .call(operation)
            })
            .await?;
        }
        if changed.tags() {
            filters::retag(cx, door, &live.id).await?;
        }
        Ok(live.with(self))
    }

    async fn delete(cx: &Aws, door: &Door<'_>, live: &Live<Self>) -> Result<Gone, CallError> {
        let operation = "ec2:RevokeSecurityGroupIngress";
        ownership::gone(
            door.call(operation, || async {
                cx.ec2
                    .revoke_security_group_ingress()
                    .group_id(live.shape.group.get().as_str())
                    .security_group_rule_ids(&live.id)
                    .send()
                    .await
                    .call(operation)
            })
            .await,
        )
    }
}

impl SecurityGroupRule {
    /// Whether AWS would take the two for the same rule.
    fn means(&self, other: &Self) -> bool {
        let Self { group, protocol, from_port, to_port, source, description: _ } = self;
        (group, protocol, from_port, to_port, source)
            == (&other.group, &other.protocol, &other.from_port, &other.to_port, &other.source)
    }

    /// The rule that AWS would not make twice.
    async fn existing(&self, cx: &Aws, door: &Door<'_>, refusal: &CallError) -> Result<Option<Live<Self>>, CallError> {
        let of_group = rules::list(cx, filters::filter("group-id", self.group.get().as_str())).await?;
        let Some(live) = of_group.into_iter().find(|live| self.means(&live.shape)) else {
            return Err(CallError { class: Class::NotVisibleYet, ..refusal.clone() });
        };
        // One without tags says what we want: taken over, it gets them next.
        if !ownership::is_nobodys(&live.tags) {
            ownership::claim(door, refusal, &format!("the security-group rule {}", live.id), &live.tags)?;
        }
        Ok(Some(live))
    }

    fn request(&self) -> SecurityGroupRuleRequest {
        let request = SecurityGroupRuleRequest::builder()
            .ip_protocol(&self.protocol)
            .from_port(self.from_port)
            .to_port(self.to_port)
            .description(&self.description);
        match &self.source {
            Source::Cidr(range) if range.contains(':') => request.cidr_ipv6(range),
            Source::Cidr(range) => request.cidr_ipv4(range),
            Source::Group(group) => request.referenced_group_id(group.get().as_str()),
            Source::PrefixList(list) => request.prefix_list_id(list.get().as_str()),
        }
        .build()
    }
}
