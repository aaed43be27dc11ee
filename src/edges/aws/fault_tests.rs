//! Every way in which a call to AWS fails, as the SDK tells of it and over real sockets.

use std::time::Duration;

use aws_sdk_rds::Client;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::ErrorMetadata;
use tokio::net::TcpSocket;

use super::super::testing::{Failing, NoCredentials, Script, config, nobody, service};
use super::*;

/// A fault made of its words.
type Named = fn(String) -> Fault;

/// A refusal with a status and a code.
fn told(status: u16, code: &str, mutates: bool) -> Fault {
    let error = ErrorMetadata::builder().code(code).message("why").build();
    let answer = HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::empty());
    fault(SdkError::service_error(error, answer), mutates)
}

#[test]
fn a_code_decides_and_then_the_status() {
    let (look, change) = (false, true);
    let throttled = |_| Fault::Throttled { after: None };
    let cases: &[(u16, &str, Named, Named)] = &[
        (400, "Throttling", throttled, throttled),
        (400, "ThrottlingException", throttled, throttled),
        (400, "PriorRequestNotComplete", throttled, throttled),
        (503, "RequestLimitExceeded", throttled, throttled),
        (503, "SlowDown", throttled, throttled),
        (429, "Whatever", throttled, throttled),
        (400, "AccessDenied", Fault::Denied, Fault::Denied),
        (403, "AccessDeniedException", Fault::Denied, Fault::Denied),
        (403, "UnauthorizedOperation", Fault::Denied, Fault::Denied),
        (400, "ExpiredToken", Fault::Denied, Fault::Denied),
        (400, "ExpiredTokenException", Fault::Denied, Fault::Denied),
        (403, "InvalidClientTokenId", Fault::Denied, Fault::Denied),
        (403, "SignatureDoesNotMatch", Fault::Denied, Fault::Denied),
        (403, "Whatever", Fault::Denied, Fault::Denied),
        (404, "DBInstanceNotFound", Fault::NotFound, Fault::NotFound),
        (400, "LoadBalancerNotFound", Fault::NotFound, Fault::NotFound),
        (400, "ResourceNotFoundException", Fault::NotFound, Fault::NotFound),
        (400, "NoSuchHostedZone", Fault::NotFound, Fault::NotFound),
        (404, "Whatever", Fault::NotFound, Fault::NotFound),
        (400, "InvalidChangeBatch", Fault::Conflict, Fault::Conflict),
        (400, "DBInstanceAlreadyExists", Fault::Conflict, Fault::Conflict),
        (412, "PreconditionFailed", Fault::Conflict, Fault::Conflict),
        (400, "InvalidDBInstanceState", Fault::Invalid, Fault::Invalid),
        (400, "InvalidParameterValue", Fault::Invalid, Fault::Invalid),
        (301, "PermanentRedirect", Fault::Invalid, Fault::Invalid),
        (500, "InternalFailure", Fault::Transient, Fault::Unknown),
        (503, "ServiceUnavailable", Fault::Transient, Fault::Unknown),
        (400, "RequestTimeout", Fault::Transient, Fault::Unknown),
        (504, "Whatever", Fault::Transient, Fault::Unknown),
        (200, "AccessDenied", Fault::Transient, Fault::Unknown),
    ];
    for (status, code, for_look, for_change) in cases {
        let words = || format!("{code}: why");
        assert_eq!(told(*status, code, look), for_look(words()), "{status} {code}");
        assert_eq!(told(*status, code, change), for_change(words()), "{status} {code}");
    }
}

#[test]
fn throttling_says_when_to_come_back() {
    let after = |name: &'static str, value: &'static str| {
        let mut answer = HttpResponse::new(StatusCode::try_from(503).unwrap(), SdkBody::empty());
        answer.headers_mut().insert(name, value);
        let error = ErrorMetadata::builder().code("Throttling").build();
        fault(SdkError::service_error(error, answer), true)
    };
    let throttled = |after| Fault::Throttled { after };
    assert_eq!(after("Retry-After", "7"), throttled(Some(Span::secs(7))));
    assert_eq!(after("x-amz-retry-after", "1500"), throttled(Some(Span::millis(1_500))));
    assert_eq!(after("Retry-After", "Wed, 21 Oct 2026 07:28:00 GMT"), throttled(None));
    assert_eq!(after("Retry-After", "18446744073709551"), throttled(None));
}

#[test]
fn a_request_that_cannot_be_built_is_refused_and_not_unknown() {
    let unbuilt = SdkError::<ErrorMetadata, _>::construction_failure("no identifier");
    let found = fault(unbuilt, true);
    assert_eq!(found, Fault::Invalid("failed to construct request: no identifier".into()));
    let user =
        SdkError::<ErrorMetadata, _>::dispatch_failure(ConnectorError::user("no URI".into()));
    assert!(matches!(fault(user, true), Fault::Invalid(_)));
}

/// What a look and a change come back with.
async fn both(client: &Client) -> [Fault; 2] {
    let look = client.describe_db_instances().db_instance_identifier("shop").send().await;
    let change = client.reboot_db_instance().db_instance_identifier("shop").send().await;
    [fault(look.unwrap_err(), false), fault(change.unwrap_err(), true)]
}

fn client(url: String) -> Client {
    Client::from_conf(config!(aws_sdk_rds, url).build())
}

async fn against(script: Script) -> [Fault; 2] {
    let (address, _told) = service(&[script]).await;
    both(&client(format!("http://{address}"))).await
}

#[tokio::test]
async fn no_connection_is_certainly_nothing() {
    for url in [format!("http://{}", nobody().await), "http://rds.invalid".into()] {
        for found in both(&client(url.clone())).await {
            assert!(matches!(found, Fault::Transient(_)), "{url}: {found:?}");
        }
    }
}

#[tokio::test]
async fn a_connection_that_is_never_accepted_is_certainly_nothing() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut full = Vec::new();
    for _ in 0..4 {
        let connect = tokio::net::TcpStream::connect(address);
        full.push(tokio::time::timeout(Duration::from_millis(200), connect).await);
    }
    assert!(full.iter().any(Result::is_err), "the queue of connections is never full");
    for found in both(&client(format!("http://{address}"))).await {
        assert!(matches!(found, Fault::Transient(_)), "{found:?}");
    }
}

#[tokio::test]
async fn s6_what_may_have_happened_is_unknown_for_a_change_and_passes_for_a_look() {
    let xml = "200 OK\r\ncontent-type: text/xml";
    let scripts = [
        Script::CloseUnread,
        Script::Reset,
        Script::Silence,
        Script::Bytes(""),
        Script::Bytes("garbage\r\n\r\n"),
        Script::Bytes("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n<half"),
        Script::Answer("500 Internal Server Error", b"oops".to_vec()),
        Script::Answer("503 Service Unavailable", Vec::new()),
        Script::Answer(xml, b"not xml at all".to_vec()),
    ];
    for script in scripts {
        let [look, change] = against(script.clone()).await;
        assert!(matches!(look, Fault::Transient(_)), "{script:?}: {look:?}");
        assert!(matches!(change, Fault::Unknown(_)), "{script:?}: {change:?}");
    }
}

#[tokio::test]
async fn what_the_service_refused_is_the_same_for_a_look_and_a_change() {
    let refusal = |code: &str| {
        let text = "<ErrorResponse><Error><Type>Sender</Type><Code>CODE</Code><Message>no</Message>\
                    </Error><RequestId>1</RequestId></ErrorResponse>";
        text.replace("CODE", code).into_bytes()
    };
    let no = |code: &str| format!("{code}: no");
    let throttled = Fault::Throttled { after: Some(Span::secs(3)) };
    let cases = [
        ("403 Forbidden", "AccessDenied", Fault::Denied(no("AccessDenied"))),
        ("404 Not Found", "DBInstanceNotFound", Fault::NotFound(no("DBInstanceNotFound"))),
        ("400 Bad", "InvalidDBInstanceState", Fault::Invalid(no("InvalidDBInstanceState"))),
        ("400 Bad\r\nretry-after: 3", "Throttling", throttled),
    ];
    for (head, code, expected) in cases {
        let found = against(Script::Answer(head, refusal(code))).await;
        assert_eq!(found, [expected.clone(), expected], "{head} {code}");
    }
    for found in against(Script::Answer("403 Forbidden", b"<html>go away</html>".to_vec())).await {
        assert!(matches!(found, Fault::Denied(_)), "{found:?}");
    }
}

#[tokio::test]
async fn s6_nothing_is_sent_twice() {
    let (address, mut told) = service(&[Script::Reset]).await;
    both(&client(format!("http://{address}"))).await;
    assert_eq!(told.recv().await.unwrap().parameter("Action").unwrap(), "DescribeDBInstances");
    assert_eq!(told.recv().await.unwrap().parameter("Action").unwrap(), "RebootDBInstance");
    assert!(told.try_recv().is_err());
}

fn role_refused(code: &'static str) -> CredentialsError {
    let error = AssumeRoleError::generic(ErrorMetadata::builder().code(code).build());
    let answer = HttpResponse::new(StatusCode::try_from(403).unwrap(), SdkBody::empty());
    CredentialsError::provider_error(SdkError::service_error(error, answer))
}

#[tokio::test]
async fn a_request_without_credentials_was_never_sent() {
    let timed_out = || CredentialsError::provider_timed_out(Duration::from_secs(1));
    let cases: [(NoCredentials, &str); 6] = [
        (CredentialsError::not_loaded_no_source, "transient"),
        (timed_out, "transient"),
        (|| CredentialsError::provider_error("no route to STS"), "transient"),
        (|| CredentialsError::invalid_configuration("a loop of roles"), "denied"),
        (|| role_refused("AccessDenied"), "denied"),
        (|| role_refused("Throttling"), "throttled"),
    ];
    let (address, mut told) = service(&[Script::Silence]).await;
    for (failing, expected) in cases {
        let config = config!(aws_sdk_rds, format!("http://{address}"));
        let client = Client::from_conf(config.credentials_provider(Failing(failing)).build());
        for found in both(&client).await {
            let name = match &found {
                Fault::Transient(_) => "transient",
                Fault::Denied(_) => "denied",
                Fault::Throttled { .. } => "throttled",
                _ => "other",
            };
            assert_eq!(name, expected, "{:?}: {found:?}", failing());
        }
    }
    assert!(told.try_recv().is_err());
}
