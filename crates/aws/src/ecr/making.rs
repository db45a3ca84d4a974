//! What images are made with: the machine's builder, or stand-ins where nothing is to be built.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use landing_engine::{CallError, Class, Door};
use landing_images::{BuildError, Built, Cause, Login, Workshop};
use secrecy::SecretString;
use serde_json::json;

use crate::{Aws, IntoCallError};

#[derive(Debug)]
pub enum Bench {
    Workshop(Workshop),
    /// For rehearsals: a manifest with nothing behind it, after this much AWS time.
    StandIns {
        takes: Duration,
    },
}

/// How errors of the builder itself are called; nothing of AWS is to blame.
const BUILD: &str = "build";

impl Bench {
    /// What it would need to make the image of `tag`, and has not.
    pub(super) fn lacks(&self, tag: &str) -> Option<String> {
        match self {
            Self::Workshop(workshop) => workshop.lacks(tag),
            Self::StandIns { .. } => None,
        }
    }

    /// `None` for a stand-in.
    pub(super) async fn build(&self, door: &Door<'_>, repository: &str, tag: &str) -> Result<Option<Built>, CallError> {
        match self {
            Self::Workshop(workshop) => {
                let built = door.work(workshop.build(repository, tag, &|at| door.tell(at))).await?;
                built.map(Some).map_err(|error| refusal(BUILD, error))
            }
            Self::StandIns { takes } => door.rest(*takes).await.map(|()| None),
        }
    }

    pub(super) async fn push(
        &self,
        cx: &Aws,
        door: &Door<'_>,
        built: &Option<Built>,
        repository: &str,
        tag: &str,
    ) -> Result<(), CallError> {
        let operation = "ecr:PutImage";
        if let (Self::Workshop(workshop), Some(built)) = (self, built) {
            let login = login(cx).await?;
            let pushed = workshop.push(built, repository, tag, &login, &|at| door.tell(at)).await;
            return pushed.map_err(|error| refusal(operation, error));
        }
        let put = cx.ecr.put_image().repository_name(repository).image_tag(tag).image_manifest(stand_in(tag));
        match put.send().await.call(operation) {
            // A run before this one pushed it, and a reading that lags did not show it: as with a real push, the same again is no error.
            Err(error) if error.has_code(&["ImageAlreadyExistsException"]) => Ok(()),
            sent => sent.map(|_| ()),
        }
    }
}

/// A manifest that says what it is. Another one for every tag, as real images have other digests.
fn stand_in(tag: &str) -> String {
    let empty = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": { "mediaType": "application/vnd.oci.empty.v1+json", "digest": empty, "size": 2 },
        "layers": [],
        "annotations": { "landing.stand-in": tag },
    })
    .to_string()
}

/// Good for twelve hours; asked for at every push, which costs one call and needs no clock.
async fn login(cx: &Aws) -> Result<Login, CallError> {
    let operation = "ecr:GetAuthorizationToken";
    let reply = cx.ecr.get_authorization_token().send().await.call(operation)?;
    let garbled = || CallError::new(Class::Ambiguous, operation, "ECR gave no login");
    let data = reply.authorization_data().first().ok_or_else(garbled)?;
    let token = STANDARD.decode(data.authorization_token().unwrap_or_default()).map_err(|_| garbled())?;
    let token = String::from_utf8(token).map_err(|_| garbled())?;
    let (user, password) = token.split_once(':').ok_or_else(garbled)?;
    let endpoint = data.proxy_endpoint().ok_or_else(garbled)?.to_owned();
    Ok(Login { endpoint, user: user.to_owned(), password: SecretString::from(password) })
}

fn refusal(operation: &str, error: BuildError) -> CallError {
    let class = match error.cause {
        Cause::Denied => Class::Denied,
        Cause::NoRepository => Class::NotFound,
        // A build is not tried again by itself: most of what cannot be reached stays so, and a person sees it sooner.
        Cause::Passing if operation != BUILD => Class::Ambiguous,
        _ => Class::Invalid,
    };
    CallError::new(class, operation, error.to_string()).help(error.help)
}
