//! Tokens as EKS' authenticator takes them, and clusters that are found or are not there yet.

use std::time::UNIX_EPOCH;

use super::super::budget::{Budgets, Counter};
use super::super::endpoints::{Endpoints, Service};
use super::super::sessions::Sessions;
use proptest::prelude::*;

use super::super::testing::{
    Failing, Script, answering, answers, config, credentials, nobody, run, service,
};
use super::*;

fn scope() -> Scope {
    Scope { region: "eu-west-1".into(), role: None }
}

/// The URL in a token, as the authenticator decodes it.
async fn url_of(region: &str, session: Option<&str>) -> String {
    let session = session.map(str::to_owned);
    let who = Credentials::new("AKIDEXAMPLE", "not a secret", session, None, "test");
    let at = UNIX_EPOCH + Duration::from_secs(1_795_000_000);
    let token = token(&who, &region.into(), &"shop".into(), at).await.unwrap();
    let text = token.strip_prefix("k8s-aws-v1.").unwrap();
    assert!(!text.contains(['=', '+', '/']), "{text}");
    let standard = text.replace('-', "+").replace('_', "/");
    let padded = format!("{standard}{}", "=".repeat((4 - standard.len() % 4) % 4));
    String::from_utf8(aws_smithy_types::base64::decode(padded).unwrap()).unwrap()
}

#[tokio::test]
async fn a_token_is_a_presigned_question_to_the_regions_own_sts_about_one_cluster() {
    let url = url_of("eu-west-1", Some("session/+=")).await;
    let (place, query) = url.split_once('?').unwrap();
    assert_eq!(place, "https://sts.eu-west-1.amazonaws.com/");
    let mut parts: Vec<_> = query.split('&').map(|pair| pair.split_once('=').unwrap()).collect();
    parts.sort_unstable();
    let value = |name| parts.iter().find(|(key, _)| *key == name).unwrap().1;
    let names: Vec<_> = parts.iter().map(|(name, _)| *name).collect();
    let expected = [
        "Action",
        "Version",
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-Expires",
        "X-Amz-Security-Token",
        "X-Amz-Signature",
        "X-Amz-SignedHeaders",
    ];
    assert_eq!(names, expected, "the authenticator takes no others");
    assert_eq!(value("Action"), "GetCallerIdentity");
    assert_eq!(value("X-Amz-Expires"), "60");
    assert_eq!(value("X-Amz-Date"), "20261118T110640Z");
    assert_eq!(value("X-Amz-SignedHeaders"), "host%3Bx-k8s-aws-id");
    assert_eq!(value("X-Amz-Security-Token"), "session%2F%2B%3D");
    let credential = value("X-Amz-Credential");
    assert_eq!(credential, "AKIDEXAMPLE%2F20261118%2Feu-west-1%2Fsts%2Faws4_request");
    assert_eq!(value("X-Amz-Signature").len(), 64);
    assert_eq!(url, url_of("eu-west-1", Some("session/+=")).await);
}

#[tokio::test]
async fn every_partition_has_its_own_sts() {
    let china = url_of("cn-north-1", None).await;
    assert!(china.starts_with("https://sts.cn-north-1.amazonaws.com.cn/?"), "{china}");
    let virginia = url_of("us-east-1", None).await;
    assert!(virginia.starts_with("https://sts.us-east-1.amazonaws.com/?"), "{virginia}");
}

fn sessions(address: std::net::SocketAddr, who: Option<Credentials>) -> Sessions {
    let endpoints =
        Endpoints::default().with("eu-west-1", Service::Eks, &format!("http://{address}"));
    Sessions::with(endpoints, who.unwrap_or_else(credentials))
}

async fn login(logins: &Logins, sessions: &Sessions) -> Result<EksLogin, Fault> {
    let budgets = Budgets::default();
    let region = "eu-west-1".into();
    let pace = budgets.pace(None, &region, Counter::Eks);
    logins.login(&sessions.of(&scope()), (&scope(), &"shop".into()), &pace).await
}

fn cluster(body: &str) -> Script {
    let body = format!(r#"{{"cluster":{{"name":"shop",{body}}}}}"#);
    Script::Answer("200 OK\r\ncontent-type: application/json", body.into_bytes())
}

const ACTIVE: &str =
    r#""status":"ACTIVE","endpoint":"https://x.eks","certificateAuthority":{"data":"Q0E="}"#;

#[tokio::test]
async fn a_login_is_where_the_cluster_is_and_who_we_are() {
    let (address, mut told) = service(&[cluster(ACTIVE), Script::Silence]).await;
    let (logins, sessions) = (Logins::default(), sessions(address, None));
    let login_1 = login(&logins, &sessions).await.unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((&*login_1.endpoint, &*login_1.authority), ("https://x.eks", "Q0E="));
    assert!(login_1.token.starts_with("k8s-aws-v1."));
    assert_eq!(login_1.valid_for, GOOD_FOR);
    let request = told.recv().await.unwrap().head;
    assert!(request.starts_with("GET /clusters/shop HTTP/1.1"), "{request}");
    assert!(request.contains("/eu-west-1/eks/aws4_request"), "{request}");
    assert!(login(&logins, &sessions).await.is_ok(), "EKS itself need not answer twice");
    assert!(told.try_recv().is_err());
}

#[tokio::test]
async fn a_token_is_not_used_longer_than_the_credentials_behind_it() {
    let (address, _told) = service(&[cluster(ACTIVE)]).await;
    let expiry = SystemTime::now() + Duration::from_secs(300);
    let who = Credentials::new("AKIDEXAMPLE", "not a secret", None, Some(expiry), "test");
    let sessions = sessions(address, Some(who));
    let login = login(&Logins::default(), &sessions).await.unwrap_or_else(|e| panic!("{e}"));
    assert!(login.valid_for <= Duration::from_secs(300), "{:?}", login.valid_for);
}

#[tokio::test]
async fn a_passing_fault_of_eks_is_tried_again_and_a_refusal_is_not() {
    let (address, mut told) = service(&[Script::Reset, cluster(ACTIVE)]).await;
    assert!(login(&Logins::default(), &sessions(address, None)).await.is_ok());
    assert!(told.recv().await.is_some() && told.recv().await.is_some());
    let body = br#"{"message":"No cluster found for name: shop."}"#.to_vec();
    let head = "404 Not Found\r\nx-amzn-errortype: ResourceNotFoundException";
    let (address, mut told) = service(&[Script::Answer(head, body)]).await;
    let gone = login(&Logins::default(), &sessions(address, None)).await.err();
    assert!(matches!(gone, Some(Fault::NotFound(_))), "{gone:?}");
    assert!(told.recv().await.is_some() && told.try_recv().is_err());
}

#[tokio::test]
async fn what_keeps_us_from_logging_in_is_said() {
    let (address, _told) = service(&[cluster(r#""status":"CREATING""#)]).await;
    let fault = login(&Logins::default(), &sessions(address, None)).await.err();
    assert!(matches!(&fault, Some(Fault::Transient(w)) if w.contains("CREATING")), "{fault:?}");
    let fault = login(&Logins::default(), &sessions(nobody().await, None)).await.err();
    assert!(matches!(fault, Some(Fault::Transient(_))), "{fault:?}");
    let none = || aws_credential_types::provider::error::CredentialsError::not_loaded("nothing");
    let sessions = Sessions::with(Endpoints::default(), Failing(none));
    let fault = login(&Logins::default(), &sessions).await.err();
    assert!(matches!(fault, Some(Fault::Transient(_))), "{fault:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_answer_whatever_makes_it_panic(
        (status, body) in answers([
            format!(r#"{{"cluster":{{"name":"shop",{ACTIVE}}}}}"#).into_bytes(),
        ]),
    ) {
        let config = config!(aws_sdk_eks, "http://eks.invalid");
        let config = config.http_client(answering(status, body));
        let client = aws_sdk_eks::Client::from_conf(config.build());
        let told = run(async { client.describe_cluster().name("shop").send().await });
        let found = told.map_err(|e| fault(e, false));
        let found = found.and_then(|told| of_answer(told, &"shop".into()));
        prop_assert!(!matches!(found, Err(Fault::Unknown(_))), "a look is never unknown");
    }
}
