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

#[cfg(test)]
mod tests {
    use landing_aws::iam::Role;
    use landing_engine::Kind;

    use super::*;
    use crate::sample::drawn;

    const TOML: &str = r#"name = "shop"
state = "s3"

[services.web]
paths = ["/api/*"]
secrets = { TOKEN = "token:password", P = "database:main.password" }

[secrets.token]
generate = { username = "web" }

[databases.main]
engine = "postgres"
version = "16"
class = "db.t3.micro"
used-by = ["web"]

[volumes.media]
storage = "efs"

[spa]
dist = "dist"

[github]
repository = "example-org/shop"
branch = "main"
plan = true
"#;

    const COMPOSE: &str = r#"services:
  web:
    build: .
    ports: ["8080:80"]
    volumes: ["media:/media"]
    depends_on:
      migrate: { condition: service_completed_successfully }
  reporter:
    image: redis:8
    volumes: ["media:/media:ro"]
  migrate:
    image: busybox:1
"#;

    /// Lists that are longer are counted: what every scan reads is tried out by the tests of the roles.
    const LONG: usize = 12;

    /// Of actions and resources; a reference is the node and the output that it stands for.
    fn shown(value: &Value) -> String {
        match value {
            Value::Array(items) if items.len() > LONG => format!("{} of them", items.len()),
            Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(" "),
            Value::String(text) => text.clone(),
            other => match (&other["$ref"], &other["$join"]) {
                (Value::String(node), _) => format!("<{node} {}>", shown(&other["output"])),
                (_, Value::Array(parts)) => parts.iter().map(shown).collect(),
                _ => other.to_string(),
            },
        }
    }

    fn lines(document: &Value) -> Vec<String> {
        let statements = document["Statement"].as_array().expect("a policy has statements");
        let line = |statement: &Value| {
            let fields = statement.as_object().expect("a statement has fields");
            let words = fields.iter().map(|(name, value)| format!("{name} {}", shown(value)));
            format!("    {}", words.collect::<Vec<_>>().join(" · "))
        };
        statements.iter().map(line).collect()
    }

    /// Who may take each role and what it lets him do, word for word: what is wider by a star is seen here.
    #[test]
    fn each_role_says_who_takes_it_and_what_it_may() {
        let (_, drawn) = drawn(TOML, COMPOSE, true);
        let roles = drawn.graph.iter().filter(|(node, _)| node.kind() == <Role as Kind>::NAME);
        let text = roles.flat_map(|(node, desired)| {
            let shape = &desired.shape;
            let mut told = vec![format!("{}, managed {}", node.name(), shown(&shape["managed"])), "  trusts".to_owned()];
            told.extend(lines(&shape["trust"]));
            for (name, policy) in shape["policies"].as_object().expect("policies have names") {
                told.push(format!("  {name}"));
                told.extend(lines(policy));
            }
            told
        });
        insta::assert_snapshot!(text.collect::<Vec<_>>().join("\n"));
    }
}
