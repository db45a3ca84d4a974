//! Two volumes on EFS: one that a server writes and a reporter reads, one of a worker alone.

pub const STACK: &[(&str, &str)] = &[
    (
        "landing.toml",
        r#"name = "shop"
region = "us-west-2"

[services.web]
paths = ["/*"]

[volumes.uploads]
storage = "efs"

[volumes.queue]
storage = "efs"
uid = 999
"#,
    ),
    (
        "docker-compose.yml",
        r#"services:
  web:
    image: nginx:1.29-alpine
    ports: ["8080:80"]
    volumes: ["uploads:/var/lib/uploads"]
  reporter:
    image: python:3.13-alpine
    volumes: ["uploads:/uploads:ro"]
  worker:
    image: redis:8
    volumes:
      - queue:/data
      - { type: volume, source: queue, target: /old, read_only: true }
volumes:
  uploads:
  queue:
"#,
    ),
];
