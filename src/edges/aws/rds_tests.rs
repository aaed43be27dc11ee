//! What is sent to RDS, and what its answers are taken for.

use proptest::prelude::*;

use super::super::testing::{Request, Script, answering, answers, config, run, service};
use super::*;

const ARN: &str = "arn:aws:rds:eu-central-1:111111111111:db:shop-standby";
const OK: &str = "200 OK\r\ncontent-type: text/xml";

/// Calls a service that plays these scripts; gives the requests that it saw, too.
async fn call(scripts: &[Script], op: RdsOp) -> (Result<Answer, Fault>, Vec<Request>) {
    let (address, mut told) = service(scripts).await;
    let client = Client::from_conf(config!(aws_sdk_rds, format!("http://{address}")).build());
    let answer = perform(&client, &op).await;
    let seen = std::iter::from_fn(|| told.try_recv().ok()).collect();
    (answer, seen)
}

fn described(fields: &str) -> Vec<u8> {
    format!(
        "<DescribeDBInstancesResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\">\
         <DescribeDBInstancesResult><DBInstances><DBInstance>\
         <DBInstanceIdentifier>shop</DBInstanceIdentifier>\
         <DBInstanceArn>arn:aws:rds:eu-west-1:111111111111:db:shop</DBInstanceArn>\
         <DbiResourceId>db-ABC</DbiResourceId><DBInstanceStatus>available</DBInstanceStatus>\
         <DBInstanceClass>db.r6g.large</DBInstanceClass><Engine>postgres</Engine>{fields}\
         </DBInstance></DBInstances></DescribeDBInstancesResult></DescribeDBInstancesResponse>"
    )
    .into_bytes()
}

async fn describe_as(fields: &str) -> Instance {
    let scripts = [Script::Answer(OK, described(fields))];
    match call(&scripts, RdsOp::Describe("shop".into())).await.0 {
        Ok(Answer::Instance(instance)) => instance,
        other => panic!("{other:?}"),
    }
}

fn group(id: &str, status: &str) -> String {
    format!(
        "<VpcSecurityGroupMembership><VpcSecurityGroupId>{id}</VpcSecurityGroupId>\
         <Status>{status}</Status></VpcSecurityGroupMembership>"
    )
}

const FIELDS: &str = "\
    <ReadReplicaSourceDBInstanceIdentifier>arn:aws:rds:eu-central-1:111111111111:db:shop-standby\
    </ReadReplicaSourceDBInstanceIdentifier>\
    <ReadReplicaDBInstanceIdentifiers><ReadReplicaDBInstanceIdentifier>near\
    </ReadReplicaDBInstanceIdentifier><ReadReplicaDBInstanceIdentifier>\
    arn:aws:rds:us-east-1:111111111111:db:far</ReadReplicaDBInstanceIdentifier>\
    </ReadReplicaDBInstanceIdentifiers>\
    <StatusInfos><DBInstanceStatusInfo><StatusType>read replication</StatusType>\
    <Normal>true</Normal><Status>replicating</Status></DBInstanceStatusInfo></StatusInfos>\
    <DBSubnetGroup><DBSubnetGroupName>private</DBSubnetGroupName></DBSubnetGroup>\
    <DBParameterGroups><DBParameterGroup><DBParameterGroupName>shop-pg</DBParameterGroupName>\
    </DBParameterGroup></DBParameterGroups>\
    <VpcSecurityGroups><VpcSecurityGroupMembership><VpcSecurityGroupId>sg-app\
    </VpcSecurityGroupId><Status>active</Status></VpcSecurityGroupMembership></VpcSecurityGroups>\
    <KmsKeyId>arn:aws:kms:eu-west-1:111111111111:key/k</KmsKeyId>\
    <BackupRetentionPeriod>7</BackupRetentionPeriod><MultiAZ>true</MultiAZ>";

#[tokio::test]
async fn an_instance_is_read_with_everything_that_is_judged_by() {
    let expected = Instance {
        id: "shop".into(),
        arn: "arn:aws:rds:eu-west-1:111111111111:db:shop".into(),
        resource: "db-ABC".into(),
        status: "available".into(),
        source: Some("shop-standby".into()),
        streaming: true,
        replicas: vec!["near".into(), "far".into()],
        settings: Box::new(InstanceSettings {
            engine: "postgres".into(),
            class: "db.r6g.large".into(),
            subnet_group: Some("private".into()),
            parameter_group: Some("shop-pg".into()),
            security_groups: vec!["sg-app".into()],
            kms_key: Some("arn:aws:kms:eu-west-1:111111111111:key/k".into()),
            backup_retention_days: 7,
            multi_az: true,
        }),
        managed_password: false,
        // The second of its date was not over yet.
        told_at: Wall(1_795_867_201_000),
    };
    let (answer, seen) =
        call(&[Script::Answer(OK, described(FIELDS))], RdsOp::Describe("shop".into())).await;
    assert_eq!(answer, Ok(Answer::Instance(expected)));
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].parameter("Action").as_deref(), Some("DescribeDBInstances"));
    assert_eq!(seen[0].parameter("DBInstanceIdentifier").as_deref(), Some("shop"));
}

#[tokio::test]
async fn s1_an_instance_that_is_told_without_a_date_is_not_told() {
    let body = String::from_utf8(described(FIELDS)).unwrap();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close", body.len());
    let undated: &'static str = Box::leak(format!("{head}\r\n\r\n{body}").into_boxed_str());
    let (answer, _) = call(&[Script::Bytes(undated)], RdsOp::Describe("shop".into())).await;
    let Err(fault) = answer else { panic!("{answer:?}") };
    assert!(fault.to_string().contains("no date"), "{fault}");
}

#[tokio::test]
async fn a_bare_instance_is_no_replica_and_its_password_may_be_managed() {
    let bare = describe_as("").await;
    assert_eq!((bare.source, bare.streaming, bare.replicas), (None, false, Vec::new()));
    let secret = "<MasterUserSecret><SecretStatus>active</SecretStatus></MasterUserSecret>";
    assert!(describe_as(secret).await.managed_password);
    let empty = "<ReadReplicaSourceDBInstanceIdentifier></ReadReplicaSourceDBInstanceIdentifier>";
    assert_eq!(describe_as(empty).await.source, None);
    let cluster =
        "<ReadReplicaSourceDBClusterIdentifier>many</ReadReplicaSourceDBClusterIdentifier>";
    assert_eq!(describe_as(cluster).await.source, Some("many".into()));
}

#[tokio::test]
async fn s10_only_normal_replication_that_replicates_is_streaming() {
    let cases = [
        ("read replication", "true", "replicating", true),
        ("read replication", "true", "stopped", false),
        ("read replication", "false", "replicating", false),
        ("read replication", "false", "error", false),
        ("read replication", "true", "replication stop point reached", false),
        ("something else", "true", "replicating", false),
    ];
    for (kind, normal, status, streaming) in cases {
        let info = format!(
            "<StatusInfos><DBInstanceStatusInfo><StatusType>{kind}</StatusType>\
             <Normal>{normal}</Normal><Status>{status}</Status></DBInstanceStatusInfo>\
             </StatusInfos>"
        );
        assert_eq!(describe_as(&info).await.streaming, streaming, "{kind} {normal} {status}");
    }
}

#[tokio::test]
async fn s7_a_door_counts_as_shut_only_when_the_old_group_is_gone_and_the_new_one_in_force() {
    let closing = [("sg-closed", "adding"), ("sg-app", "removing")];
    type Groups<'a> = &'a [(&'a str, &'a str)];
    let cases: [(Groups<'_>, &[&str]); 4] = [
        (&closing, &["sg-app"]),
        (&[("sg-closed", "active"), ("sg-app", "removing")], &["sg-app", "sg-closed"]),
        (&[("sg-closed", "adding")], &[]),
        (&[("sg-closed", "active")], &["sg-closed"]),
    ];
    for (groups, expected) in cases {
        let listed: String = groups.iter().map(|(id, status)| group(id, status)).collect();
        let found = describe_as(&format!("<VpcSecurityGroups>{listed}</VpcSecurityGroups>")).await;
        let found: Vec<_> = found.settings.security_groups.iter().map(|g| g.as_str()).collect();
        assert_eq!(found, expected, "{groups:?}");
    }
}

#[tokio::test]
async fn an_answer_about_another_or_no_instance_is_not_found_and_half_a_one_is_asked_again() {
    let other = String::from_utf8(described("")).unwrap().replace(">shop<", ">stranger<");
    let none = "<DescribeDBInstancesResponse><DescribeDBInstancesResult><DBInstances/>\
                </DescribeDBInstancesResult></DescribeDBInstancesResponse>";
    for body in [other.as_str(), none] {
        let scripts = [Script::Answer(OK, body.into())];
        let (answer, _) = call(&scripts, RdsOp::Describe("shop".into())).await;
        assert!(matches!(answer, Err(Fault::NotFound(_))), "{answer:?}");
    }
    let half = String::from_utf8(described("")).unwrap().replace("DbiResourceId", "Other");
    let (answer, _) =
        call(&[Script::Answer(OK, half.into())], RdsOp::Describe("shop".into())).await;
    assert!(matches!(answer, Err(Fault::Transient(_))), "{answer:?}");
}

fn replica(settings: InstanceSettings, source: &str) -> RdsOp {
    RdsOp::CreateReplica {
        instance: "shop".into(),
        source: source.into(),
        settings: Box::new(settings),
    }
}

fn recorded() -> InstanceSettings {
    InstanceSettings {
        engine: "postgres".into(),
        class: "db.r6g.large".into(),
        subnet_group: Some("private".into()),
        parameter_group: Some("shop-pg".into()),
        security_groups: vec!["sg-app".into(), "sg-ops".into()],
        kms_key: Some("key".into()),
        backup_retention_days: 7,
        multi_az: true,
    }
}

#[tokio::test]
async fn s6_each_change_is_one_request_that_says_exactly_what_is_wanted() {
    let (shop, now) = (("DBInstanceIdentifier", "shop"), ("ApplyImmediately", "true"));
    let list = "VpcSecurityGroupIds.VpcSecurityGroupId";
    let (first, second) = (format!("{list}.1"), format!("{list}.2"));
    let groups = vec!["sg-closed".into(), "sg-ops".into()];
    let settings = Box::new(recorded());
    type Parameters<'a> = Vec<(&'a str, &'a str)>;
    let cases: [(RdsOp, &str, Parameters<'_>); 6] = [
        (
            RdsOp::Configure { instance: "shop".into(), settings },
            "ModifyDBInstance",
            vec![shop, now, ("DBParameterGroupName", "shop-pg"), ("BackupRetentionPeriod", "7")],
        ),
        (
            RdsOp::SetSecurityGroups { instance: "shop".into(), groups },
            "ModifyDBInstance",
            vec![shop, now, (first.as_str(), "sg-closed"), (second.as_str(), "sg-ops")],
        ),
        (
            RdsOp::Reboot { instance: "shop".into(), shut_at: Wall(0) },
            "RebootDBInstance",
            vec![shop],
        ),
        (RdsOp::Promote("shop".into()), "PromoteReadReplica", vec![shop]),
        (
            RdsOp::Rename { instance: "shop".into(), to: "shop-old-7".into() },
            "ModifyDBInstance",
            vec![shop, now, ("NewDBInstanceIdentifier", "shop-old-7")],
        ),
        (
            replica(recorded(), ARN),
            "CreateDBInstanceReadReplica",
            vec![
                shop,
                ("SourceDBInstanceIdentifier", ARN),
                ("DBInstanceClass", "db.r6g.large"),
                ("DBSubnetGroupName", "private"),
                ("KmsKeyId", "key"),
                ("MultiAZ", "true"),
                (first.as_str(), "sg-app"),
                (second.as_str(), "sg-ops"),
            ],
        ),
    ];
    for (op, action, parameters) in cases {
        let body = format!("<{action}Response><{action}Result/></{action}Response>");
        let (answer, seen) = call(&[Script::Answer(OK, body.into())], op.clone()).await;
        assert_eq!((answer, seen.len()), (Ok(Answer::Ok), 1), "{op:?}");
        assert_eq!(seen[0].parameter("Action").as_deref(), Some(action));
        for (name, value) in parameters {
            assert_eq!(seen[0].parameter(name).as_deref(), Some(value), "{op:?}: {name}");
        }
    }
}

#[tokio::test]
async fn only_engines_that_take_a_parameter_group_for_a_new_replica_are_told_one() {
    let engines = [("postgres", None), ("mariadb", None), ("sqlserver-ee", None)];
    let told = ["mysql", "oracle-ee", "db2-se"].map(|engine| (engine, Some("shop-pg")));
    for (engine, group) in engines.into_iter().chain(told) {
        let op = replica(InstanceSettings { engine: engine.into(), ..recorded() }, ARN);
        let (_, seen) = call(&[Script::Answer(OK, b"<a><b/></a>".to_vec())], op).await;
        assert_eq!(seen[0].parameter("DBParameterGroupName").as_deref(), group, "{engine}");
    }
}

#[tokio::test]
async fn a_change_that_cannot_be_meant_is_refused_before_it_is_sent() {
    let nobody = InstanceSettings { security_groups: Vec::new(), ..recorded() };
    let ops = [
        RdsOp::SetSecurityGroups { instance: "shop".into(), groups: Vec::new() },
        replica(nobody, ARN),
        replica(recorded(), "shop-standby"),
        replica(recorded(), &ARN.replace("arn:aws:", "arn:aws-cn:")),
        replica(recorded(), &ARN.replace("arn:aws:", "arn:aws-us-gov:")),
    ];
    for op in ops {
        let (answer, seen) = call(&[Script::Silence], op.clone()).await;
        assert!(matches!(answer, Err(Fault::Invalid(_))), "{op:?}: {answer:?}");
        assert!(seen.is_empty(), "{op:?}");
    }
}

#[tokio::test]
async fn what_rds_refuses_is_told_apart() {
    type Named = fn(String) -> Fault;
    let cases: [(&str, &str, Named); 4] = [
        ("400 Bad Request", "InvalidDBInstanceState", Fault::Invalid),
        ("404 Not Found", "DBInstanceNotFound", Fault::NotFound),
        ("400 Bad Request", "DBInstanceAlreadyExists", Fault::Conflict),
        ("400 Bad Request", "StorageQuotaExceeded", Fault::Invalid),
    ];
    for (head, code, expected) in cases {
        let body = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>no</Message>\
             </Error></ErrorResponse>"
        );
        for op in [RdsOp::Promote("shop".into()), replica(recorded(), ARN)] {
            let (answer, _) = call(&[Script::Answer(head, body.clone().into())], op).await;
            assert_eq!(answer, Err(expected(format!("{code}: no"))));
        }
    }
}

fn page(events: &[(&str, &str)], marker: &str) -> Vec<u8> {
    let events: String = events
        .iter()
        .map(|(date, message)| {
            format!(
                "<Event><SourceIdentifier>shop</SourceIdentifier><Message>{message}</Message>\
                 <Date>{date}</Date></Event>"
            )
        })
        .collect();
    format!(
        "<DescribeEventsResponse><DescribeEventsResult><Events>{events}</Events>\
         <Marker>{marker}</Marker></DescribeEventsResult></DescribeEventsResponse>"
    )
    .into_bytes()
}

fn ask(since: Wall) -> RdsOp {
    RdsOp::Events { instance: "shop".into(), since }
}

#[tokio::test]
async fn s7_of_all_events_only_a_restart_that_happened_counts_as_one() {
    let messages = [
        ("DB instance shutdown", false),
        ("DB instance restarted", true),
        ("db instance restarted.", true),
        ("Error restarting mysql: no space", false),
        ("Multi-AZ instance failover started", false),
        ("DB instance stopped", false),
        ("Datenbank é", false),
        ("", false),
    ];
    let listed: Vec<_> = messages.iter().map(|(m, _)| ("2026-11-21T12:00:00Z", *m)).collect();
    let (answer, _) = call(&[Script::Answer(OK, page(&listed, ""))], ask(Wall(0))).await;
    let Ok(Answer::Events(events)) = answer else { panic!("{answer:?}") };
    for event in events {
        let expected = messages.iter().find(|(message, _)| **message == *event.message);
        assert_eq!(expected.map(|(_, restarted)| *restarted), Some(event.restarted), "{event:?}");
    }
}

#[tokio::test]
async fn events_are_read_page_by_page_and_told_oldest_first() {
    let scripts = [
        Script::Answer(OK, page(&[("2026-11-21T12:00:03Z", "c")], "more")),
        Script::Answer(OK, page(&[("2026-11-21T12:00:01.5Z", "a"), ("nonsense", "x")], "")),
    ];
    let (answer, _) = call(&scripts, ask(Wall(0))).await;
    assert!(matches!(answer, Err(Fault::Transient(_))), "a date that is none: {answer:?}");
    let scripts = [
        Script::Answer(OK, page(&[("2026-11-21T12:00:03Z", "c")], "more")),
        Script::Answer(OK, page(&[("2026-11-21T12:00:01.5Z", "a")], "")),
    ];
    let (answer, seen) = call(&scripts, ask(now() - Span::mins(5))).await;
    let Ok(Answer::Events(events)) = answer else { panic!("{answer:?}") };
    let told: Vec<_> = events.iter().map(|event| (event.at.0, &*event.message)).collect();
    assert_eq!(told, [(1_795_262_401_500, "a"), (1_795_262_403_000, "c")]);
    assert_eq!(seen[0].parameter("SourceIdentifier").as_deref(), Some("shop"));
    assert_eq!(seen[0].parameter("SourceType").as_deref(), Some("db-instance"));
    assert_eq!(seen[0].parameter("Marker"), None);
    assert_eq!(seen[1].parameter("Marker").as_deref(), Some("more"));
}

#[tokio::test]
async fn events_are_asked_for_within_what_rds_keeps() {
    let instant = |request: &Request, name: &str| {
        let text = request.parameter(name).unwrap();
        let at: jiff::Timestamp = text.parse().unwrap();
        Wall(at.as_millisecond())
    };
    let long_ago = now() - Span::mins(60 * 24 * 60);
    let ahead = now() + Span::mins(3);
    for since in [Wall(i64::MIN), Wall(0), long_ago, now() - Span::secs(2), ahead] {
        let (answer, seen) = call(&[Script::Answer(OK, page(&[], ""))], ask(since)).await;
        assert_eq!(answer, Ok(Answer::Events(Vec::new())));
        let (start, end) = (instant(&seen[0], "StartTime"), instant(&seen[0], "EndTime"));
        assert!(start >= since && now().since(start) < Span::mins(14 * 24 * 60), "{start}");
        assert!(end > start.max(now()) && end <= now().max(since) + AHEAD, "{start} {end}");
    }
}

#[tokio::test]
async fn a_list_of_events_without_end_is_given_up() {
    let scripts = [Script::Answer(OK, page(&[("2026-11-21T12:00:03Z", "c")], "more"))];
    let (answer, seen) = call(&scripts, ask(Wall(0))).await;
    assert!(matches!(answer, Err(Fault::Invalid(_))), "{answer:?}");
    assert_eq!(seen.len(), PAGES);
}

fn canned(status: u16, body: Vec<u8>, op: &RdsOp) -> Result<Answer, Fault> {
    let config = config!(aws_sdk_rds, "http://rds.invalid").http_client(answering(status, body));
    let client = Client::from_conf(config.build());
    run(async { perform(&client, op).await })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_answer_whatever_makes_it_panic(
        (status, body) in answers([
            described(FIELDS),
            page(&[("2026-11-21T12:00:03Z", "DB instance restarted")], ""),
        ]),
    ) {
        for op in [RdsOp::Describe("shop".into()), ask(Wall(0)), RdsOp::Promote("shop".into())] {
            let answer = canned(status, body.clone(), &op);
            let transient = matches!(answer, Err(Fault::Transient(_)));
            let unknown = matches!(answer, Err(Fault::Unknown(_)));
            prop_assert!(if op.mutates() { !transient } else { !unknown }, "{answer:?}");
        }
    }
}
