//! Every call to RDS against moto, which has its shapes from AWS' own models, and to CloudWatch
//! against fakecloud: moto 5.2.5 does not speak its CBOR. How both behave over time is for the
//! simulator's doubles: here everything happens at once.

use aws_sdk_cloudwatch::types::{Dimension, MetricDatum};
use aws_sdk_eks::types::VpcConfigRequest;
use aws_smithy_types::DateTime;
use bowline_core::model::{Counted, LoadBalancerArn, RoleArn, Scope, Span, Wall};
use bowline_core::op::{
    Answer, CloudWatchOp, Fault, Instance, InstanceEvent, InstanceSettings, Metric, RdsOp,
};
use bowline_lab::{Lab, LabOptions, Moto};

use super::testing::{config, credentials, run};
use super::{AwsEdge, Endpoints, cloudwatch, instant, rds};
use crate::edges::kube::EksLogins;

const HOME: &str = "eu-west-1";
const STANDBY: &str = "eu-central-1";
/// Whose AWS the lab starts without a cluster.
const GLOBAL: &str = "us-east-1";

/// Bowline's calls to one Region that moto plays.
struct Region {
    rds: aws_sdk_rds::Client,
    cloudwatch: aws_sdk_cloudwatch::Client,
}

impl Region {
    fn new(endpoint: &str, name: &'static str) -> Self {
        let rds = config!(aws_sdk_rds, endpoint).timeout_config(patient());
        let rds = rds.region(aws_sdk_rds::config::Region::new(name));
        let cloudwatch = config!(aws_sdk_cloudwatch, endpoint).timeout_config(patient());
        let cloudwatch = cloudwatch.region(aws_sdk_cloudwatch::config::Region::new(name));
        Self {
            rds: aws_sdk_rds::Client::from_conf(rds.build()),
            cloudwatch: aws_sdk_cloudwatch::Client::from_conf(cloudwatch.build()),
        }
    }

    async fn call(&self, op: &RdsOp) -> Result<Answer, Fault> {
        rds::perform(&self.rds, op).await
    }

    async fn done(&self, op: RdsOp) {
        assert_eq!(self.call(&op).await, Ok(Answer::Ok), "{op:?}");
    }

    async fn describe(&self, id: &str) -> Instance {
        match self.call(&RdsOp::Describe(id.into())).await {
            Ok(Answer::Instance(instance)) => instance,
            other => panic!("{id}: {other:?}"),
        }
    }

    async fn events(&self, id: &str) -> Vec<InstanceEvent> {
        let since = instant::now() - Span::mins(10);
        match self.call(&RdsOp::Events { instance: id.into(), since }).await {
            Ok(Answer::Events(events)) => events,
            other => panic!("{id}: {other:?}"),
        }
    }

    /// What an operator did before Bowline came.
    async fn create_writer(&self, id: &str) {
        let call = self.rds.create_db_instance().db_instance_identifier(id);
        let call = call.db_instance_class("db.r6g.large").engine("postgres").multi_az(true);
        let call = call.master_username("shop").master_user_password("not-a-secret");
        let call = call.allocated_storage(20).backup_retention_period(7);
        call.vpc_security_group_ids("sg-app").send().await.unwrap();
    }

    async fn publish(
        &self,
        namespace: &str,
        name: &str,
        dimension: (&str, &str),
        at: Wall,
        value: f64,
    ) {
        let dimension = Dimension::builder().name(dimension.0).value(dimension.1).build();
        let datum = MetricDatum::builder().metric_name(name).dimensions(dimension).value(value);
        let datum = datum.timestamp(DateTime::from_millis(at.0)).build();
        let call = self.cloudwatch.put_metric_data().namespace(namespace).metric_data(datum);
        call.send().await.unwrap();
    }

    async fn points(&self, metric: Metric, since: Wall) -> Vec<Counted> {
        let op = CloudWatchOp::Points { metric, since };
        match cloudwatch::perform(&self.cloudwatch, &op).await {
            Ok(Answer::Points(points)) => points,
            other => panic!("{other:?}"),
        }
    }
}

/// Both are slow at first.
fn patient() -> aws_smithy_types::timeout::TimeoutConfig {
    let limit = std::time::Duration::from_secs(60);
    aws_smithy_types::timeout::TimeoutConfig::builder().operation_timeout(limit).build()
}

fn settings() -> InstanceSettings {
    InstanceSettings {
        engine: "postgres".into(),
        class: "db.r6g.xlarge".into(),
        subnet_group: None,
        parameter_group: Some("default.postgres9.3".into()),
        security_groups: vec!["sg-closed".into(), "sg-open".into()],
        kms_key: None,
        backup_retention_days: 3,
        multi_az: false,
    }
}

#[test]
#[ignore = "needs the lab: cargo xtask test"]
fn an_instance_is_replicated_fenced_promoted_and_renamed_in_rds_own_shapes() {
    let moto = Moto::start().unwrap();
    let endpoint = moto.endpoint();
    let (home, standby) = (Region::new(&endpoint, HOME), Region::new(&endpoint, STANDBY));
    run(async {
        home.create_writer("shop").await;
        replicate(&home, &standby).await;
        fence(&home).await;
        promote_and_rename(&home, &standby).await;
        refuse(&home).await;
    });
}

async fn replicate(home: &Region, standby: &Region) {
    let writer = home.describe("shop").await;
    assert_eq!(
        (writer.arn.region(), writer.arn.instance()),
        (Some(HOME.into()), Some("shop".into()))
    );
    assert!(writer.available() && writer.source.is_none() && !writer.streaming);
    assert!(writer.resource.as_str().starts_with("db-") && !writer.managed_password);
    assert_eq!((&*writer.settings.class, &*writer.settings.engine), ("db.r6g.large", "postgres"));
    assert_eq!((writer.settings.backup_retention_days, writer.settings.multi_az), (7, true));
    assert_eq!(writer.settings.security_groups, ["sg-app".into()]);
    let (instance, settings) = ("shop-standby".into(), Box::new(settings()));
    standby.done(RdsOp::CreateReplica { instance, source: writer.arn, settings }).await;
    let replica = standby.describe("shop-standby").await;
    assert_eq!(replica.source, Some("shop".into()), "an ARN's last part");
    assert_eq!(replica.arn.region(), Some(STANDBY.into()));
    assert_eq!(&*replica.settings.class, "db.r6g.xlarge");
}

async fn fence(home: &Region) {
    let groups = vec!["sg-closed".into()];
    home.done(RdsOp::SetSecurityGroups { instance: "shop".into(), groups: groups.clone() }).await;
    assert_eq!(home.describe("shop").await.settings.security_groups, groups);
    home.done(RdsOp::Reboot { instance: "shop".into(), shut_at: Wall(0) }).await;
    let events = home.events("shop").await;
    assert!(!events.is_empty() && events.is_sorted_by_key(|event| event.at), "{events:?}");
    for event in &events {
        let restarted = event.message.starts_with("DB instance restarted");
        assert_eq!(event.restarted, restarted, "{event:?}");
    }
}

async fn promote_and_rename(home: &Region, standby: &Region) {
    standby.done(RdsOp::Promote("shop-standby".into())).await;
    // moto keeps naming the source: whether it goes is for the doubles.
    assert!(standby.describe("shop-standby").await.available());
    home.done(RdsOp::Rename { instance: "shop".into(), to: "shop-old-7".into() }).await;
    assert!(home.describe("shop-old-7").await.available());
    let gone = home.call(&RdsOp::Describe("shop".into())).await;
    assert!(matches!(gone, Err(Fault::NotFound(_))), "{gone:?}");
    let source = standby.describe("shop-standby").await.arn;
    let settings = Box::new(settings());
    let create = RdsOp::CreateReplica { instance: "shop".into(), source, settings };
    home.done(create).await;
    let anew = home.describe("shop").await;
    assert_eq!(anew.source, Some("shop-standby".into()));
    let recorded = InstanceSettings { backup_retention_days: 5, ..self::settings() };
    home.done(RdsOp::Configure { instance: "shop".into(), settings: Box::new(recorded) }).await;
    assert_eq!(home.describe("shop").await.settings.backup_retention_days, 5);
}

/// A promotion is left out: moto answers 500 where there is no such instance.
async fn refuse(home: &Region) {
    let nobody = || "nobody".into();
    let ops = [
        RdsOp::Describe(nobody()),
        RdsOp::SetSecurityGroups { instance: nobody(), groups: vec!["sg-a".into()] },
        RdsOp::Reboot { instance: nobody(), shut_at: Wall(0) },
        RdsOp::Rename { instance: nobody(), to: "somebody".into() },
    ];
    for op in ops {
        let refused = home.call(&op).await;
        assert!(matches!(refused, Err(Fault::NotFound(_))), "{op:?}: {refused:?}");
    }
}

#[test]
#[ignore = "needs the lab: cargo xtask test"]
fn points_are_read_from_cloudwatch_in_its_own_shapes() {
    let lab = Lab::start(LabOptions::default().only(&["global"])).unwrap();
    let home = Region::new(&lab.cloud("global").unwrap().endpoint(), GLOBAL);
    run(async {
        let began = Wall(instant::now().0 / 60_000 * 60_000) - Span::mins(5);
        let at = |minutes| began + Span::mins(minutes);
        let shop = ("DBInstanceIdentifier", "shop");
        home.publish("AWS/RDS", "ReplicaLag", shop, at(1), 0.25).await;
        home.publish("AWS/RDS", "ReplicaLag", shop, at(1) + Span::secs(20), 1.5).await;
        home.publish("AWS/RDS", "ReplicaLag", shop, at(2), -1.0).await;
        home.publish("AWS/RDS", "DatabaseConnections", shop, at(3), 12.0).await;
        let point = |minutes, thousandths| Counted { at: at(minutes), thousandths };
        let lag = home.points(Metric::ReplicaLag("shop".into()), began).await;
        assert_eq!(lag, [point(1, 1_500), point(2, -1_000)], "the largest of each minute");
        let lag = home.points(Metric::ReplicaLag("shop".into()), at(2)).await;
        assert_eq!(lag, [point(2, -1_000)]);
        let connections = home.points(Metric::Connections("shop".into()), began).await;
        assert_eq!(connections, [point(3, 12_000)]);
        assert_eq!(home.points(Metric::Connections("other".into()), began).await, []);

        let name = "app/shop/50dc6c495c0c9188";
        let balancer = ("LoadBalancer", name);
        let namespace = "AWS/ApplicationELB";
        home.publish(namespace, "HTTPCode_Target_2XX_Count", balancer, at(1), 40.0).await;
        home.publish(namespace, "HTTPCode_Target_2XX_Count", balancer, at(1), 2.0).await;
        home.publish(namespace, "HTTPCode_Target_3XX_Count", balancer, at(1), 3.0).await;
        home.publish(namespace, "HTTPCode_Target_5XX_Count", balancer, at(2), 9.0).await;
        home.publish(namespace, "HTTPCode_Target_3XX_Count", balancer, at(3), 1.0).await;
        let arn = "arn:aws:elasticloadbalancing:eu-west-1:111111111111:loadbalancer/";
        let arn: LoadBalancerArn = format!("{arn}{name}").into();
        let served = home.points(Metric::Served(arn), began).await;
        assert_eq!(served, [point(1, 45_000), point(3, 1_000)], "added up; a 5xx is not served");
    });
}

#[test]
#[ignore = "needs the lab: cargo xtask test"]
fn a_role_is_assumed_and_a_cluster_found_in_their_own_shapes() {
    let moto = Moto::start().unwrap();
    let endpoint = moto.endpoint();
    run(async {
        create_cluster(&endpoint, "shop").await;
        let edge = AwsEdge::with_credentials(endpoints(&endpoint), credentials());
        let role = RoleArn::new("arn:aws:iam::111111111111:role/bowline-home");
        let scope = Scope { region: HOME.into(), role: Some(role) };
        let login = edge.login(&scope, &"shop".into()).await.unwrap();
        assert!(login.endpoint.starts_with("https://"), "{}", login.endpoint);
        assert!(!login.authority.is_empty() && login.token.starts_with("k8s-aws-v1."));
        let none = edge.login(&scope, &"nobody".into()).await.err();
        assert!(matches!(none, Some(Fault::NotFound(_))), "{none:?}");
    });
}

async fn create_cluster(endpoint: &str, name: &str) {
    let config = config!(aws_sdk_eks, endpoint).timeout_config(patient());
    let eks = aws_sdk_eks::Client::from_conf(config.build());
    let network = VpcConfigRequest::builder().subnet_ids("subnet-a").subnet_ids("subnet-b").build();
    let call = eks.create_cluster().name(name).resources_vpc_config(network);
    call.role_arn("arn:aws:iam::111111111111:role/eks").send().await.unwrap();
}

/// Home's STS and EKS are moto's.
fn endpoints(endpoint: &str) -> Endpoints {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("endpoints.yaml");
    let text = format!("regions: {{{HOME}: {{sts: '{endpoint}', eks: '{endpoint}'}}}}");
    std::fs::write(&file, text).unwrap();
    Endpoints::read(&file).unwrap()
}
