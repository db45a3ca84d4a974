//! Layers and configurations, by repository and digest, in files.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::StatusCode;
use hyper::body::Incoming;
use sha2::{Digest, Sha256};

use super::{Request, Response, refused, reply};

pub(super) struct Blobs {
    folder: PathBuf,
    uploads: Mutex<Uploads>,
}

#[derive(Default)]
struct Uploads {
    begun: u64,
    /// Bytes that have arrived, by repository and id.
    open: BTreeMap<(String, String), u64>,
}

impl Blobs {
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), uploads: Mutex::default() }
    }

    fn uploads(&self) -> MutexGuard<'_, Uploads> {
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Names of repositories and digests may have characters that no file name has.
    fn path(&self, name: &str, digest: &str) -> PathBuf {
        self.folder.join(hex(&Sha256::digest(format!("{name}@{digest}"))))
    }

    fn upload_path(&self, id: &str) -> PathBuf {
        self.folder.join(format!("upload-{id}"))
    }

    pub(super) fn has(&self, name: &str, digest: &str) -> bool {
        self.path(name, digest).is_file()
    }

    /// `POST`: with a digest the whole blob is in the body, without one the upload goes on elsewhere.
    pub(super) async fn begin(&self, name: &str, request: Request) -> io::Result<Response> {
        let id = {
            let mut uploads = self.uploads();
            uploads.begun += 1;
            let id = uploads.begun.to_string();
            uploads.open.insert((name.to_owned(), id.clone()), 0);
            id
        };
        File::create(self.upload_path(&id))?;
        match query(&request, "digest") {
            Some(_) => self.finish(name, &id, request).await,
            None => Ok(accepted(name, &id, 0)),
        }
    }

    /// `PATCH`: one more piece, which must begin where the last one ended.
    pub(super) async fn append(&self, name: &str, id: &str, request: Request) -> io::Result<Response> {
        let key = (name.to_owned(), id.to_owned());
        let Some(have) = self.uploads().open.get(&key).copied() else { return Ok(unknown()) };
        let range = request.headers().get("content-range").and_then(|range| range.to_str().ok());
        let starts =
            range.and_then(|range| range.split_once('-')).and_then(|(start, _)| start.trim_start_matches("bytes ").parse().ok());
        if range.is_some() && starts != Some(have) {
            return Ok(refused(
                StatusCode::RANGE_NOT_SATISFIABLE,
                "BLOB_UPLOAD_INVALID",
                "the piece does not begin where the last one ended",
            ));
        }
        let size = self.write(id, request.into_body()).await?;
        self.uploads().open.insert(key, size);
        Ok(accepted(name, id, size))
    }

    /// `PUT`: the last piece, if any, and what all of it must hash to.
    pub(super) async fn finish(&self, name: &str, id: &str, request: Request) -> io::Result<Response> {
        let key = (name.to_owned(), id.to_owned());
        if !self.uploads().open.contains_key(&key) {
            return Ok(unknown());
        }
        let digest = query(&request, "digest").unwrap_or_default();
        self.write(id, request.into_body()).await?;
        let path = self.upload_path(id);
        let found = digest_of_file(&path)?;
        self.uploads().open.remove(&key);
        if digest != found {
            fs::remove_file(path)?;
            return Ok(refused(StatusCode::BAD_REQUEST, "DIGEST_INVALID", "the digest is not that of what was uploaded"));
        }
        fs::rename(path, self.path(name, &digest))?;
        let place = format!("/v2/{name}/blobs/{digest}");
        Ok(reply(StatusCode::CREATED, &[("location", &place), ("docker-content-digest", &digest)], Bytes::new()))
    }

    /// `GET` of an upload: how far it is.
    pub(super) fn progress(&self, name: &str, id: &str) -> Response {
        let have = self.uploads().open.get(&(name.to_owned(), id.to_owned())).copied();
        have.map_or_else(unknown, |size| {
            let mut response = accepted(name, id, size);
            *response.status_mut() = StatusCode::NO_CONTENT;
            response
        })
    }

    pub(super) fn read(&self, name: &str, digest: &str, only_head: bool) -> io::Result<Response> {
        if !self.has(name, digest) {
            return Ok(refused(StatusCode::NOT_FOUND, "BLOB_UNKNOWN", "blob unknown to registry"));
        }
        let path = self.path(name, digest);
        let size = fs::metadata(&path)?.len().to_string();
        let body = if only_head { Bytes::new() } else { Bytes::from(fs::read(path)?) };
        let headers =
            [("content-length", size.as_str()), ("docker-content-digest", digest), ("content-type", "application/octet-stream")];
        Ok(reply(StatusCode::OK, &headers, body))
    }

    /// How long the upload is now.
    async fn write(&self, id: &str, mut body: Incoming) -> io::Result<u64> {
        let mut file = OpenOptions::new().append(true).open(self.upload_path(id))?;
        while let Some(frame) = body.frame().await {
            if let Ok(piece) = frame.map_err(io::Error::other)?.into_data() {
                file.write_all(&piece)?;
            }
        }
        Ok(file.metadata()?.len())
    }
}

/// Layers are too large to be read whole.
fn digest_of_file(path: &Path) -> io::Result<String> {
    let (mut file, mut hash, mut piece) = (File::open(path)?, Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(format!("sha256:{}", hex(&hash.finalize()))),
            read => hash.update(&piece[..read]),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn query(request: &Request, wanted: &str) -> Option<String> {
    let pairs = form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
    pairs.into_iter().find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
}

fn accepted(name: &str, id: &str, size: u64) -> Response {
    let place = format!("/v2/{name}/blobs/uploads/{id}");
    // The last byte that is there; an empty upload has none, and says so as all registries do.
    let range = format!("0-{}", size.saturating_sub(1));
    reply(StatusCode::ACCEPTED, &[("location", &place), ("range", &range), ("docker-upload-uuid", id)], Bytes::new())
}

fn unknown() -> Response {
    refused(StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
}
