//! What is at the other end of a connection: AWS, a sandbox of `landing`, or an emulator that somebody else wrote.
//!
//! AWS and the sandbox tell every field and know every call that is sent here. An emulator may not: kinds ask here before they take silence for an answer.

/// What the sandbox calls itself in the header `server`.
const SANDBOX: &str = "landing-sandbox";
/// How AWS's own hosts end, those of private and of FIPS endpoints too. Source: AWS General Reference, "Service endpoints".
const OF_AWS: [&str; 4] = [".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu", ".api.aws"];

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FarEnd {
    Aws,
    Sandbox,
    /// Some other endpoint, by its URL.
    Emulator(String),
}

impl FarEnd {
    /// Of whoever answers at `endpoint` (AWS itself when there is none) and calls itself `server`.
    pub(crate) fn at(endpoint: Option<&str>, server: &str) -> Self {
        match endpoint {
            None => Self::Aws,
            Some(_) if server == SANDBOX => Self::Sandbox,
            Some(url) if is_of_aws(url) => Self::Aws,
            Some(url) => Self::Emulator(url.trim_end_matches('/').to_owned()),
        }
    }

    /// Its URL, when it is one.
    pub fn emulator(&self) -> Option<&str> {
        if let Self::Emulator(url) = self { Some(url) } else { None }
    }

    /// Those of `fields` that came empty, where that need not mean that they are: of AWS it does.
    pub(crate) fn leaves_out<const N: usize>(&self, fields: [(&'static str, bool); N]) -> Vec<&'static str> {
        fields.into_iter().filter(|(_, is_empty)| *is_empty && self.is_emulator()).map(|(field, _)| field).collect()
    }

    pub fn is_emulator(&self) -> bool {
        self.emulator().is_some()
    }
}

fn is_of_aws(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest).split(['/', ':']).next().unwrap_or_default();
    OF_AWS.iter().any(|end| host.ends_with(end))
}

/// Put on every answer of an emulator, for whoever makes an error of it.
#[derive(Clone, Debug)]
pub(crate) struct FromEmulator {
    pub(crate) url: String,
    /// An answer to HEAD has no body, and so no code.
    pub(crate) to_head: bool,
}

impl FromEmulator {
    /// Whether this is how an emulator says that it has not got a call. AWS knows all that are sent here, and its 404 has a code.
    pub(crate) fn does_not_know(&self, code: Option<&str>, message: &str, status: u16) -> bool {
        match (code, status) {
            (_, 405 | 501) | (None, 404) => !self.to_head,
            (Some("InvalidAction" | "UnknownOperation" | "UnknownOperationException"), _) => true,
            (Some("NotImplemented" | "NotImplementedException"), _) => true,
            _ => message.starts_with("Unknown action") || message.contains("not yet implemented"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FarEnd, FromEmulator};

    #[test]
    fn what_comes_empty_is_empty_on_aws_and_in_the_sandbox() {
        let left_out = |far_end: FarEnd| far_end.leaves_out([("connect", true), ("function", false)]);
        assert_eq!((left_out(FarEnd::Aws), left_out(FarEnd::Sandbox)), (vec![], vec![]));
        assert_eq!(left_out(FarEnd::Emulator("http://localhost:5000".into())), ["connect"]);
    }

    /// As moto 5.2, ministack 1.5 and LocalStack 4 put it.
    #[test]
    fn an_unknown_call_is_told_from_an_unknown_object() {
        let said = |to_head| {
            move |code, message, status| FromEmulator { url: String::new(), to_head }.does_not_know(code, message, status)
        };
        let knows_not = said(false);
        assert!(knows_not(None, "", 404) && knows_not(None, "", 405));
        assert!(knows_not(Some("InvalidAction"), "Unknown RDS action: DescribeDBInstanceAutomatedBackups", 400));
        assert!(knows_not(Some("InvalidRequestException"), "Unknown action: GetComplianceSummary", 400));
        assert!(knows_not(Some("InternalFailure"), "The API action is not yet implemented", 501));
        assert!(!knows_not(Some("NoSuchFunctionExists"), "The specified function does not exist.", 404));
        assert!(!knows_not(Some("InvalidParameterValue"), "no such class", 400) && !knows_not(None, "", 500));
        assert!(!said(true)(None, "", 404), "the answer to HEAD has no body to put a code in");
    }

    #[test]
    fn an_endpoint_is_aws_by_its_host_and_a_sandbox_by_its_own_word() {
        let at = |endpoint, server| FarEnd::at(endpoint, server);
        assert_eq!(at(None, "Werkzeug"), FarEnd::Aws);
        assert_eq!(at(Some("http://127.0.0.1:4566"), "landing-sandbox"), FarEnd::Sandbox);
        assert_eq!(at(Some("https://vpce-1.ec2.us-west-2.vpce.amazonaws.com/"), ""), FarEnd::Aws);
        assert_eq!(at(Some("https://s3.us-west-2.api.aws:443"), "AmazonS3"), FarEnd::Aws);
        // Somebody's host may be called anything.
        for other in ["http://localhost:4566/", "https://amazonaws.com.example.org", "http://notamazonaws.com"] {
            assert!(at(Some(other), "amazon.com").is_emulator(), "{other}");
        }
    }
}
