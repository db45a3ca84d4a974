//! A request's body without the `aws-chunked` wrapping that streaming signatures and trailing checksums put around it.

use crate::call::Call;
use crate::fault::Fault;

pub(super) fn plain(call: &Call) -> Result<Vec<u8>, Fault> {
    let chunked = call.header("content-encoding").is_some_and(|value| value.split(',').any(|part| part.trim() == "aws-chunked"))
        || call.header("x-amz-content-sha256").is_some_and(|value| value.starts_with("STREAMING-"));
    if !chunked {
        return Ok(call.body.clone());
    }
    let body = unchunk(&call.body).ok_or_else(|| Fault::new("IncompleteBody", "The request body terminated unexpectedly"))?;
    let length = call.header("x-amz-decoded-content-length").and_then(|text| text.parse::<usize>().ok());
    if length.is_some_and(|length| length != body.len()) {
        return Err(Fault::new(
            "IncompleteBody",
            "You did not provide the number of bytes specified by the Content-Length HTTP header",
        ));
    }
    Ok(body)
}

/// `<hex size>[;chunk-signature=…]\r\n<bytes>\r\n`, ended by a chunk of size 0 and trailing headers.
fn unchunk(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    loop {
        let end = rest.windows(2).position(|pair| pair == b"\r\n")?;
        let head = std::str::from_utf8(&rest[..end]).ok()?;
        let size = usize::from_str_radix(head.split(';').next()?.trim(), 16).ok()?;
        rest = &rest[end + 2..];
        if size == 0 {
            return Some(out);
        }
        out.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size + 2..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::unchunk;

    #[test]
    fn chunks_are_joined_and_trailers_dropped() {
        let wrapped = b"5;chunk-signature=abc\r\nhello\r\n1\r\n!\r\n0\r\nx-amz-checksum-crc32:AAAA\r\n\r\n";
        assert_eq!(unchunk(wrapped).as_deref(), Some(b"hello!".as_slice()));
        assert_eq!(unchunk(b"5\r\nhel"), None);
    }
}
