//! `landing secrets`: which there are, and another value for one of them. No value is ever read from AWS to be shown, and none is an argument.

use landing_aws::rds::master_secret;
use landing_aws::secretsmanager::{Standing, standing};
use landing_blueprint::{NoRenewal, Renewal, Which, database_name, secret_name};
use landing_project::{Project, SecretSource};
use serde_json::json;

use super::run::{Goal, run_with};
use super::{print, print_json, say};
use crate::args::{Common, Consent, SecretOptions, SecretsCommand};
use crate::failure::{Exit, Failure};
use crate::interrupt::Interrupts;
use crate::prompt;
use crate::render::style;
use crate::session::{Enquiry, Given, load};

pub(crate) async fn run(common: &Common, command: &SecretsCommand, interrupts: &Interrupts) -> Result<Exit, Failure> {
    match command {
        SecretsCommand::List => interrupts.or(list(common)).await,
        SecretsCommand::Set(options) => set(common, options, interrupts).await,
        SecretsCommand::Rotate(options) => rotate(common, options, interrupts).await,
    }
}

/// One line of the table.
struct Row {
    which: Which,
    from: String,
    standing: Option<Standing>,
    readers: Vec<String>,
}

async fn list(common: &Common) -> Result<Exit, Failure> {
    let enquiry = Enquiry::open(common).await?;
    let mut rows = Vec::new();
    for which in Which::all(&enquiry.project) {
        let id = match &which {
            Which::Secret(name) => Some(secret_name(&enquiry.stack, name)),
            Which::Database(name) => master_secret(&enquiry.aws, &database_name(&enquiry.stack, name)).await?,
        };
        let standing = match id {
            Some(id) => standing(&enquiry.aws, &enquiry.stack, &id).await?,
            None => None,
        };
        let readers = readers(&enquiry.project, &which);
        rows.push(Row { from: source(&enquiry.project, &which), readers, standing, which });
    }
    if common.json {
        let secrets: Vec<_> = rows.iter().map(record).collect();
        print_json(&json!({ "secrets": secrets }));
        return Ok(Exit::Done);
    }
    if rows.is_empty() {
        say("the project has no secrets");
    }
    let cells: Vec<[String; 5]> = rows.iter().map(cells).collect();
    let width = |column: usize| cells.iter().map(|cells| cells[column].chars().count()).max().unwrap_or(0);
    for [name, from, value, aws, readers] in &cells {
        let (a, b, c, d) = (width(0), width(1), width(2), width(3));
        print(format!("{name:<a$}  {from:<b$}  {value:<c$}  {aws:<d$}  {readers}").trim_end());
    }
    Ok(Exit::Done)
}

/// Where its value comes from, in the words of `landing.toml`.
fn source(project: &Project, which: &Which) -> String {
    match which {
        Which::Database(_) => "RDS".to_owned(),
        Which::Secret(name) => match &project.secrets[name].source {
            SecretSource::Environment { variable } => format!("env:{variable}"),
            SecretSource::Generate { .. } => "generated".to_owned(),
            SecretSource::Template(_) => "template".to_owned(),
        },
    }
}

fn readers(project: &Project, which: &Which) -> Vec<String> {
    let (services, jobs) = (which.readers(project, &project.services), which.readers(project, &project.jobs));
    services.chain(jobs).map(str::to_owned).collect()
}

fn cells(row: &Row) -> [String; 5] {
    let value = match &row.standing {
        None => "not there yet".to_owned(),
        Some(standing) if standing.foreign => "another stack's".to_owned(),
        Some(standing) if !standing.has_value => "without a value".to_owned(),
        Some(standing) => standing.changed.map_or("stands".to_owned(), |at| format!("stands, changed {}", time(at))),
    };
    let readers = if row.readers.is_empty() { "(nobody)".to_owned() } else { row.readers.join(", ") };
    let aws = row.standing.as_ref().map(|standing| standing.name.clone()).unwrap_or_default();
    [row.which.to_string(), row.from.clone(), value, aws, readers]
}

fn record(row: &Row) -> serde_json::Value {
    let ours = row.standing.as_ref().filter(|standing| !standing.foreign);
    json!({
        "name": row.which.to_string(),
        "from": row.from,
        "aws_name": row.standing.as_ref().map(|standing| &standing.name),
        "has_value": ours.is_some_and(|standing| standing.has_value),
        "changed": ours.and_then(|standing| standing.changed).map(time),
        "readers": row.readers,
    })
}

fn time(at: i64) -> String {
    jiff::Timestamp::from_millisecond(at).map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()).unwrap_or_default()
}

/// The secret that is meant, or the nearest name.
fn find(project: &Project, name: &str) -> Result<Which, Failure> {
    Which::find(project, name).map_err(|unknown| match unknown {
        NoRenewal::Unknown(_) => {
            let names = Which::all(project).iter().map(ToString::to_string).collect::<Vec<_>>();
            Failure::new(Exit::Configuration, unknown.to_string())
                .help(landing_project::instead_of(name, names.iter().map(String::as_str)))
        }
        other => other.into(),
    })
}

async fn set(common: &Common, options: &SecretOptions, interrupts: &Interrupts) -> Result<Exit, Failure> {
    let project = load(common)?;
    let which = find(&project, &options.name)?;
    let made_by = match &which {
        Which::Database(_) => "RDS",
        Which::Secret(name) => match &project.secrets[name].source {
            SecretSource::Environment { variable } => {
                let value = interrupts.or(prompt::secret(name)).await?;
                let given = Given { variable: variable.clone(), value };
                let renewal = Renewal { which, anew: false, roll: options.roll };
                let exit = renew(common, &project, options, &renewal, Some(given), interrupts).await?;
                if exit == Exit::Done && std::env::var_os(variable).is_some() {
                    say(&format!(
                        "{}: {variable} is set here: an `up` with another value in it stores that one",
                        style::change("note")
                    ));
                }
                return Ok(exit);
            }
            SecretSource::Generate { .. } => "landing",
            SecretSource::Template(_) => return Err(put_together(&project, name)),
        },
    };
    Err(Failure::new(Exit::Configuration, format!("the value of {which} is made by {made_by} and cannot be given"))
        .help(format!("`landing secrets rotate {which}` has another one made")))
}

async fn rotate(common: &Common, options: &SecretOptions, interrupts: &Interrupts) -> Result<Exit, Failure> {
    let project = load(common)?;
    let which = find(&project, &options.name)?;
    if let Which::Secret(name) = &which
        && let SecretSource::Environment { .. } = &project.secrets[name].source
    {
        return Err(Failure::new(Exit::Configuration, format!("the value of {which} is given, so nobody can make another one"))
            .help(format!("`landing secrets set {which}` takes it at a hidden prompt or on stdin")));
    }
    if let Which::Secret(name) = &which
        && let SecretSource::Template(_) = &project.secrets[name].source
    {
        return Err(put_together(&project, name));
    }
    let renewal = Renewal { which, anew: true, roll: options.roll };
    renew(common, &project, options, &renewal, None, interrupts).await
}

/// Its value follows those that it is made of.
fn put_together(project: &Project, name: &str) -> Failure {
    let parts: Vec<&str> = project.secrets[name].source.secrets().collect();
    let how = parts.iter().map(|part| match project.secrets[*part].source {
        SecretSource::Environment { .. } => format!("`landing secrets set {part}`"),
        _ => format!("`landing secrets rotate {part}`"),
    });
    let how = how.collect::<Vec<_>>().join(" or ");
    Failure::new(Exit::Configuration, format!("the value of {name} is put together from {}", parts.join(", ")))
        .help(format!("{how} changes a part of it, and {name} follows in the same run"))
}

async fn renew(
    common: &Common,
    project: &Project,
    options: &SecretOptions,
    renewal: &Renewal,
    given: Option<Given>,
    interrupts: &Interrupts,
) -> Result<Exit, Failure> {
    // It was asked for by name, and what was there stays as the version before.
    let consent = Consent { yes: true, allow_data_loss: false };
    let exit = run_with(common, &consent, options.locking, Goal::Renew(renewal), given, interrupts).await?;
    let (services, jobs) = (renewal.which.readers(project, &project.services), renewal.which.readers(project, &project.jobs));
    let (services, jobs): (Vec<&str>, Vec<&str>) = (services.collect(), jobs.collect());
    if exit == Exit::Done && !renewal.roll && !services.is_empty() {
        let services = services.join(", ");
        say(&format!(
            "{}: tasks of {services} that run already keep the value that they read at their start; --roll starts them anew",
            style::change("note")
        ));
    }
    if exit == Exit::Done && !jobs.is_empty() {
        say(&format!("{}: read at their next run by {}", style::change("note"), jobs.join(", ")));
    }
    Ok(exit)
}
