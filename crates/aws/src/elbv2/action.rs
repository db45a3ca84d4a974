//! What a listener does with a request that no rule takes.

use aws_sdk_elasticloadbalancingv2::types::{Action as Reply, ActionTypeEnum, FixedResponseActionConfig};
use landing_engine::Ref;
use serde::{Deserialize, Serialize};

use crate::TargetGroupArn;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Answers 404 with an empty text; needs no target group.
    NotFound,
    Forward(Ref<TargetGroupArn>),
    /// What somebody else has set, in words; never desired.
    Other(String),
}

/// Several target groups with weights are not ours to have made.
pub(super) fn forward(target: &TargetGroupArn) -> Reply {
    Reply::builder().r#type(ActionTypeEnum::Forward).target_group_arn(target.as_str()).build()
}

/// The single target group of a forwarding action. AWS fills both of the places where it may stand, or one of them.
pub(super) fn target(action: &Reply) -> Option<TargetGroupArn> {
    let listed = action.forward_config().map(|config| config.target_groups()).unwrap_or_default();
    let listed = match listed {
        [one] => one.target_group_arn(),
        _ => None,
    };
    action.target_group_arn().or(listed).filter(|arn| !arn.is_empty()).map(TargetGroupArn::from)
}

impl Action {
    pub(super) fn request(&self) -> Reply {
        match self {
            Self::Forward(target) => forward(target.get()),
            // `Other` is never desired; if it were, nothing would be forwarded.
            Self::NotFound | Self::Other(_) => {
                let response = FixedResponseActionConfig::builder().status_code("404").content_type("text/plain");
                Reply::builder().r#type(ActionTypeEnum::FixedResponse).fixed_response_config(response.build()).build()
            }
        }
    }

    pub(super) fn of(actions: &[Reply]) -> Self {
        let [action] = actions else { return Self::Other(format!("{} actions", actions.len())) };
        let kind = action.r#type().map_or("none", ActionTypeEnum::as_str);
        let status = action.fixed_response_config().and_then(|response| response.status_code());
        match (kind, target(action), status) {
            ("forward", Some(target), _) => Self::Forward(Ref::value(target)),
            ("fixed-response", _, Some("404")) => Self::NotFound,
            ("fixed-response", _, Some(status)) => Self::Other(format!("fixed-response {status}")),
            _ => Self::Other(kind.to_owned()),
        }
    }
}
