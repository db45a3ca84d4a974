//! Policy documents, each as narrow as what it is for.

use landing_engine::Ref;
use serde_json::{Value, json};

use crate::Draft;

/// Who may take an ECS task's role: ECS, for tasks of this account and region only, so that no other account can have ECS borrow it.
pub(crate) fn ecs_tasks(draft: &Draft<'_>) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "Service": "ecs-tasks.amazonaws.com" },
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": { "aws:SourceAccount": draft.facts.account },
                "ArnLike": { "aws:SourceArn": draft.arn("ecs", "*") },
            },
        }],
    })
}

pub(crate) fn document(statements: Vec<Value>) -> Value {
    json!({ "Version": "2012-10-17", "Statement": statements })
}

pub(crate) fn allow(actions: &[&str], resources: Vec<Ref<String>>) -> Value {
    json!({ "Effect": "Allow", "Action": actions, "Resource": resources })
}

/// A reference with text behind it: everything inside a log group, a bucket, a distribution.
pub(crate) fn below(arn: Ref<String>, rest: &str) -> Ref<String> {
    Ref::join(vec![arn, rest.into()])
}
