//! What a service has, in the words of a compose file.

use landing_project::{EnvValue, Image, Service};
use serde_json::{Value, json};

pub(crate) fn shown(service: &Service, is_job: bool, key: &str) -> Value {
    let built = || match &service.image {
        Image::Built(build) => build.clone(),
        other => panic!("`{key}` of an image that is not built: {other:?}"),
    };
    match key {
        "image" => match &service.image {
            Image::External(image) => json!(image),
            Image::Built(_) => Value::Null,
        },
        "context" => json!(built().context),
        "dockerfile" => json!(built().dockerfile),
        "args" => json!(built().args),
        "target" => json!(built().target),
        "command" => json!(service.command),
        "entrypoint" => json!(service.entrypoint),
        "environment" => service
            .environment
            .iter()
            .map(|(name, value)| (name.clone(), variable(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        "labels" => json!(service.labels),
        "ports" => json!(service.ports),
        "user" => json!(service.user),
        "working_dir" => json!(service.working_dir),
        "replicas" => json!(service.replicas),
        "cpu" => json!(service.cpu),
        "memory" => json!(service.memory),
        "init" => json!(service.init),
        "read_only" => json!(service.read_only),
        "stop_grace_period" => json!(service.stop_grace_period),
        "test" => json!(service.healthcheck.as_ref().map(|check| &check.command)),
        "interval" => json!(service.healthcheck.as_ref().map(|check| check.interval)),
        "retries" => json!(service.healthcheck.as_ref().map(|check| check.retries)),
        "depends_on" => json!(service.depends_on),
        "files" => {
            json!(service.baked_files.iter().map(|file| format!("{} {}", file.source, file.target)).collect::<Vec<_>>())
        }
        "volumes" => json!(service.volumes),
        "cap_drop" => json!(service.cap_drop),
        "sysctls" => json!(service.sysctls),
        "job" => json!(is_job),
        other => panic!("what is `{other}`?"),
    }
}

fn variable(value: &EnvValue) -> Value {
    match value {
        EnvValue::Plain(text) => json!(text),
        other => json!(other),
    }
}
