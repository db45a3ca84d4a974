//! Something of every kind that can be had with two services: what most stories need, in a tenth of the calls of the reference stack.

type File = (&'static str, &'static str);

const SETTINGS: File = (
    "landing.toml",
    r#"name = "small"
region = "us-west-2"

[services.web]
paths = ["/api/*"]
default = true
secrets = { TOKEN = "token:password", KEY = "key", PASSWORD = "database:things.password" }

[services.broker]
tcp = [1883]

[secrets.token]
generate = { username = "web" }

[secrets.key]
from = "env:KEY"

[databases.things]
engine = "postgres"
version = "16"
class = "db.t3.micro"
used-by = ["web"]

[spa]
dist = "dist"

[github]
repository = "example-org/small"
branch = "main"
"#,
);

const PAGE: File = ("dist/index.html", "<!doctype html><title>small</title>");

pub const STACK: &[File] = &[
    SETTINGS,
    (
        "docker-compose.yml",
        r#"services:
  web:
    image: nginx:1.29-alpine
    ports: ["8080:80"]
    environment:
      BROKER: broker:1883
    depends_on: [broker]
  broker:
    image: eclipse-mosquitto:2
    ports: ["1883:1883"]
"#,
    ),
    PAGE,
];

/// The same with a job that goes before one of the services.
pub const WITH_A_JOB: &[File] = &[
    SETTINGS,
    (
        "docker-compose.yml",
        r#"services:
  web:
    image: nginx:1.29-alpine
    ports: ["8080:80"]
    environment:
      BROKER: broker:1883
    depends_on:
      broker: { condition: service_started }
      prepare: { condition: service_completed_successfully }
  prepare:
    image: busybox:1.37
    command: ["sh", "-c", "true"]
  broker:
    image: eclipse-mosquitto:2
    ports: ["1883:1883"]
"#,
    ),
    PAGE,
];
