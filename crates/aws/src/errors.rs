//! AWS's error codes to the engine's classes.
//!
//! One table for all services: the codes are the wire's (`ProvideErrorMetadata::code`). Messages are looked at only where one code means several things.
//! Source: `aws-behaviours` 1.1, 1.2, 1.5, 2, 15, 17.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use landing_engine::{CallError, Class};

use crate::far_end::FromEmulator;
use crate::quotas;

/// Turns the SDK's result into the engine's, naming the operation (`service:Operation`, as in an IAM policy).
pub trait IntoCallError<T> {
    /// # Errors
    /// The same failure with its class.
    fn call(self, operation: &str) -> Result<T, CallError>;
}

impl<T, E> IntoCallError<T> for Result<T, SdkError<E, HttpResponse>>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    fn call(self, operation: &str) -> Result<T, CallError> {
        self.map_err(|error| call_error(operation, &error))
    }
}

fn call_error<E>(operation: &str, error: &SdkError<E, HttpResponse>) -> CallError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let Some(service) = error.as_service_error() else {
        return CallError::new(without_answer(error), operation, chain(error));
    };
    let status = error.raw_response().map_or(0, |response| response.status().as_u16());
    let request_id = error
        .raw_response()
        .and_then(|response| ["x-amzn-requestid", "x-amz-request-id"].iter().find_map(|name| response.headers().get(*name)));
    // Answers to HEAD carry no body and so no code.
    let code = service.code().map(str::to_owned).or_else(|| match status {
        404 => Some("NotFound".to_owned()),
        403 => Some("AccessDenied".to_owned()),
        _ => None,
    });
    let message = service.message().unwrap_or("AWS gave no message").trim().to_owned();
    let emulator = error.raw_response().and_then(|response| response.extension::<FromEmulator>());
    if let Some(FromEmulator { url, .. }) = emulator.filter(|it| it.does_not_know(service.code(), &message, status)) {
        let error = CallError::new(Class::Unserved, operation, format!("{url} does not know this call; it is no AWS"));
        return CallError { code: service.code().map(str::to_owned), ..error }
            .help("use an emulator that knows it, leave what needs it out of the project, or look at it in `--sandbox`; AWS itself has the call");
    }
    let class = code.as_deref().map_or(Class::Invalid, |code| class_of(code, &message, status));
    let help = match (class, code.as_deref()) {
        (Class::Quota, Some(code)) => quotas::help(operation, code),
        (Class::Denied, _) => Some(format!(
            "allow the action {} to whoever runs landing; docs/permissions.md lists all that it needs",
            action_in(&message).unwrap_or(operation)
        )),
        _ => None,
    };
    CallError { code, help, request_id: request_id.map(str::to_owned), ..CallError::new(class, operation, message) }
}

/// The permission that whoever runs lacks for a denied call. It need not be the call's own: a create with tags wants another one for the tags.
pub fn missing_action(error: &CallError) -> Option<&str> {
    (error.class == Class::Denied).then(|| action_in(&error.message).unwrap_or(&error.operation))
}

/// Whether AWS says which permission is missing. It does so for what is this account's; of another account's it says nothing.
pub(crate) fn names_an_action(error: &CallError) -> bool {
    action_in(&error.message).is_some()
}

/// Of `… is not authorized to perform: ec2:CreateTags on resource: …`.
fn action_in(message: &str) -> Option<&str> {
    let action = message.split("not authorized to perform: ").nth(1)?.split_whitespace().next()?;
    action.contains(':').then_some(action)
}

/// The request did not get an answer that the SDK could read.
fn without_answer<E>(error: &SdkError<E, HttpResponse>) -> Class
where
    E: std::error::Error + 'static,
{
    let text = chain(error);
    if text.contains("credential") || text.contains("Credential") {
        return Class::Credentials;
    }
    match error {
        // Never sent.
        SdkError::ConstructionFailure(_) => Class::Invalid,
        _ => Class::Ambiguous,
    }
}

/// All that an error says, with its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let line = cause.to_string();
        if !text.contains(&line) {
            text.push_str(": ");
            text.push_str(&line);
        }
        source = cause.source();
    }
    text
}

fn class_of(code: &str, message: &str, status: u16) -> Class {
    match code {
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestLimitExceeded"
        | "SlowDown"
        | "TooManyRequestsException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "PriorRequestNotComplete"
        | "BandwidthLimitExceeded"
        | "EC2ThrottledException"
        // Too many paths on their way: some of them arrive every minute. Source: `aws-behaviours` 12.5.
        | "TooManyInvalidationsInProgress" => Class::Throttled,

        "ExpiredToken"
        | "ExpiredTokenException"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "SignatureDoesNotMatch"
        | "RequestExpired"
        | "InvalidAccessKeyId" => Class::Credentials,
        "AuthFailure" if message.contains("credentials") => Class::Credentials,
        // An Elastic IP whose NAT gateway is not yet gone. Source: `aws-behaviours` 3.4.
        "AuthFailure" => Class::InUse,

        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" | "UnauthorizedException" => Class::Denied,

        // IAM propagation and its kin. Source: `aws-behaviours` 2.
        "MalformedPolicyDocument" | "MalformedPolicy" | "MalformedPolicyDocumentException"
            if message.contains("nvalid principal") || message.contains("unsupported principal") =>
        {
            Class::NotVisibleYet
        }
        "ClientException" if message.contains("Role is not valid") => Class::NotVisibleYet,
        "InvalidParameterException"
            if message.contains("service linked role")
                || message.contains("does not have an associated load balancer")
                || message.contains("Error retrieving security group")
                || message.contains("Error retrieving subnet information")
                || message.contains("service role being passed") =>
        {
            Class::NotVisibleYet
        }
        "InvalidParameterException" if message.contains("still Draining") || message.contains("deployments are active") => {
            Class::InUse
        }
        "InvalidParameterValue"
            if message.contains("Invalid security group")
                || message.contains("belong to different networks")
                || message.contains("service linked role") =>
        {
            Class::NotVisibleYet
        }
        "InvalidParameterValue" if message.contains("currently in use") => Class::InUse,
        "InvalidRequestException" if message.contains("scheduled for deletion") || message.contains("was deleted") => {
            Class::InUse
        }
        // IAM could not reach the identity provider to check its certificate. Source: `aws-behaviours` 4.4.
        "OpenIdIdpCommunicationError" => Class::NotVisibleYet,
        "InvalidParameterException" if message.contains("not idempotent") => Class::AlreadyExists,
        // A Cloud Map service that outlives the ECS service it was made for. Source: `aws-behaviours` 9.3 (wording unverified).
        "InvalidParameterException" if message.contains("is already used") => Class::InUse,
        // A function that is not LIVE yet, an access control that was just made. Source: `aws-behaviours` 12.2.
        "InvalidFunctionAssociation" | "InvalidOriginAccessControl" => Class::NotVisibleYet,
        "InvalidSubnet" | "SubnetNotFound" | "InvalidSecurityGroup" | "SecurityGroupNotFound" | "InvalidGatewayID.NotFound" => {
            Class::NotVisibleYet
        }

        "DependencyViolation"
        | "ResourceInUse"
        | "ResourceInUseException"
        | "DeleteConflict"
        | "InvalidGroup.InUse"
        | "InvalidIPAddress.InUse"
        | "OperationAborted"
        | "OperationAbortedException"
        | "ConcurrentModification"
        | "IncorrectState"
        | "InvalidDBInstanceState"
        | "InvalidDBSubnetGroupStateFault"
        | "InvalidDBParameterGroupState"
        | "ClusterContainsServicesException"
        | "ClusterContainsTasksException"
        | "ClusterContainsContainerInstancesException"
        | "UpdateInProgressException"
        | "ServiceNotActiveException"
        | "DistributionNotDisabled"
        | "OriginAccessControlInUse"
        | "FunctionInUse"
        | "PreconditionFailed"
        | "DuplicateRequest"
        | "ConditionalRequestConflict"
        | "BucketNotEmpty"
        | "FileSystemInUse"
        | "IncorrectFileSystemLifeCycleState"
        | "IncorrectMountTargetState" => Class::InUse,

        _ if quotas::is_code(code) => Class::Quota,

        "EntityAlreadyExists"
        | "RepositoryAlreadyExistsException"
        | "ResourceExistsException"
        | "ResourceAlreadyExistsException"
        | "DBInstanceAlreadyExists"
        | "DBSubnetGroupAlreadyExists"
        | "DuplicateLoadBalancerName"
        | "DuplicateTargetGroupName"
        | "DuplicateListener"
        | "PriorityInUse"
        | "InvalidGroup.Duplicate"
        | "InvalidSubnet.Conflict"
        | "InvalidPermission.Duplicate"
        | "RouteAlreadyExists"
        | "Resource.AlreadyAssociated"
        | "BucketAlreadyOwnedByYou"
        | "BucketAlreadyExists"
        | "OriginAccessControlAlreadyExists"
        | "FunctionAlreadyExists"
        | "DistributionAlreadyExists"
        | "NamespaceAlreadyExists"
        | "FileSystemAlreadyExists"
        | "MountTargetConflict"
        | "AccessPointAlreadyExists" => Class::AlreadyExists,

        "NoSuchEntity"
        | "NotFound"
        | "NoSuchBucket"
        | "NoSuchKey"
        | "NoSuchDistribution"
        | "NoSuchOriginAccessControl"
        | "NoSuchFunctionExists"
        | "DBInstanceNotFound"
        | "DBSubnetGroupNotFoundFault"
        | "DBParameterGroupNotFound"
        | "NatGatewayNotFound"
        | "RepositoryNotFoundException"
        | "LifecyclePolicyNotFoundException"
        | "ResourceNotFoundException"
        | "ClusterNotFoundException"
        | "ServiceNotFoundException"
        | "LoadBalancerNotFound"
        | "TargetGroupNotFound"
        | "ListenerNotFound"
        | "RuleNotFound"
        | "NamespaceNotFound"
        | "NamespaceNotFoundException"
        | "Gateway.NotAttached"
        | "NoSuchTagSet"
        | "NoSuchBucketPolicy"
        | "NoSuchResource"
        | "NoSuchPublicAccessBlockConfiguration"
        | "ImageNotFoundException"
        | "FileSystemNotFound"
        | "MountTargetNotFound"
        | "AccessPointNotFound"
        | "PolicyNotFound"
        | "ServerSideEncryptionConfigurationNotFoundError"
        | "OwnershipControlsNotFoundError" => Class::NotFound,
        "ClientException" if message.contains("Unable to describe task definition") => Class::NotFound,
        _ if code.ends_with(".NotFound") => Class::NotFound,

        _ if status >= 500 => Class::Ambiguous,
        _ => Class::Invalid,
    }
}
