//! What a service answers to the caller as such, whatever the call: too fast, not allowed, credentials at an end (catalogue, section 1.1).

use crate::fault::Fault;
use crate::wire::{Protocol, Service};
use crate::world::World;

pub(super) fn throttled(service: &Service) -> Fault {
    match service.name {
        "ec2" => Fault::new("RequestLimitExceeded", "Request limit exceeded.").status(503),
        "s3" => Fault::new("SlowDown", "Please reduce your request rate.").status(503),
        "tagging" => Fault::new("ThrottledException", "Rate exceeded"),
        // ELBv2's documentation says ThrottlingException, its answers say Throttling. CloudFront's status is unverified.
        "iam" | "sts" | "elbv2" | "rds" | "cloudfront" => Fault::new("Throttling", "Rate exceeded"),
        "efs" => Fault::new("ThrottlingException", "Rate exceeded").status(429),
        // Cloud Map's code is unverified.
        _ => Fault::new("ThrottlingException", "Rate exceeded"),
    }
}

/// `action` is IAM's name of what is not allowed. The resource is given as far as the caller's account and region tell it.
pub(super) fn denied(service: &Service, action: &str, world: &World) -> Fault {
    let prefix = action.split(':').next().unwrap_or_default();
    let region = if matches!(prefix, "iam" | "cloudfront" | "sts") { "" } else { world.region.as_str() };
    let reason = format!(
        "User: arn:aws:iam::{account}:user/sandbox is not authorized to perform: {action} on resource: arn:aws:{prefix}:{region}:{account}:* \
         because no identity-based policy allows the {action} action",
        account = world.account
    );
    match service.protocol {
        Protocol::Ec2 => {
            let message = format!("You are not authorized to perform this operation. {reason}");
            Fault::new("UnauthorizedOperation", message).status(403)
        }
        Protocol::Json => Fault::new("AccessDeniedException", reason),
        Protocol::RestJson => Fault::new("AccessDeniedException", reason).status(403),
        Protocol::Query | Protocol::RestXml => Fault::new("AccessDenied", reason).status(403),
    }
}

pub(super) fn expired(service: &Service) -> Fault {
    let message = "The security token included in the request is expired";
    match service.protocol {
        Protocol::Ec2 => Fault::new("RequestExpired", "Request has expired."),
        Protocol::Json => Fault::new("ExpiredTokenException", message),
        Protocol::RestJson => Fault::new("ExpiredTokenException", message).status(403),
        Protocol::RestXml if service.name == "s3" => Fault::new("ExpiredToken", "The provided token has expired."),
        Protocol::Query | Protocol::RestXml => Fault::new("ExpiredToken", message).status(403),
    }
}

/// Answers that only say that the one who answers does not know yet what another call made: unknown ids and names, and a principal that IAM has not
/// carried around (catalogue, sections 1.5 and 2).
pub(super) fn says_unknown(fault: &Fault) -> bool {
    let says = |fragments: &[&str]| fragments.iter().any(|fragment| fault.message.contains(fragment));
    match fault.code.as_str() {
        code if code.contains("NotFound") || code.starts_with("NoSuch") => true,
        "InvalidSubnet" | "InvalidSecurityGroup" | "InvalidTarget" | "InvalidOriginAccessControl" => true,
        "MalformedPolicyDocument" | "MalformedPolicy" | "MalformedPolicyDocumentException" => says(&["nvalid principal"]),
        "ClientException" => says(&["Role is not valid"]),
        "InvalidParameterException" | "InvalidParameterValue" => says(&[
            "does not exist",
            "not found",
            "Unable to assume",
            "does not have an associated load balancer",
            "Error retrieving security group",
            "Error retrieving subnet",
            "Invalid security group",
        ]),
        _ => false,
    }
}
