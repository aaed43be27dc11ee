//! Route 53, ELBv2 and STS as an emulator plays them: atomic batches, rules, targets that are
//! really probed, roles that are assumed; and a Region that stops.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_elasticloadbalancingv2 as elb;
use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, HostHeaderConditionConfig, ProtocolEnum, RuleCondition, Tag,
    TargetDescription, TargetTypeEnum,
};
use aws_sdk_route53 as route53;
use aws_sdk_route53::types::{HealthCheckConfig, HealthCheckType};
use bowline::edges::Aws;
use bowline::edges::aws::{AwsEdge, Endpoints};
use bowline::service::{RunOptions, StoreOptions};
use bowline_core::model::{ChangeId, HealthCheckId, Region, RoleArn, Scope, ZoneId};
use bowline_core::op::{
    AliasTarget, Answer, ElbOp, Failover, Fault, HealthCheckKind, LoadBalancer,
    LoadBalancerSelector, Op, RecordSet, RecordType, Route53Op, TargetHealth,
};
use bowline_lab::{Cloud, Lab, LabOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Who may assume the lab's role: everybody. Percent-encoded for a form.
const TRUST: &str = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22\
    %3A%22Allow%22%2C%22Principal%22%3A%7B%22AWS%22%3A%22%2A%22%7D%2C%22Action%22%3A\
    %22sts%3AAssumeRole%22%7D%5D%7D";

/// An edge into the lab's AWS, and what its Regions are made with.
struct World {
    lab: Lab,
    edge: AwsEdge,
    role: RoleArn,
}

impl World {
    async fn new() -> Self {
        let mut options = LabOptions::default().only(&["home", "global"]);
        options.clusters.clear();
        let lab = Lab::start(options).unwrap();
        let file = lab.folder().join("endpoints.yaml");
        let (home, global) = (lab.cloud("home").unwrap(), lab.cloud("global").unwrap());
        let text = format!(
            "regions:\n  {}: {{elasticloadbalancing: '{1}', sts: '{1}'}}\n  \
             {2}: {{route53: '{3}', sts: '{3}'}}\n",
            home.region(),
            home.endpoint(),
            global.region(),
            global.endpoint(),
        );
        std::fs::write(&file, text).unwrap();
        let edge = AwsEdge::with_credentials(Endpoints::read(&file).unwrap(), credentials());
        let roles = [role(home).await, role(global).await];
        assert_eq!(roles[0], roles[1], "one account");
        let [role, _] = roles;
        Self { lab, edge, role }
    }

    /// The Route 53 of somebody else, who sets the scene.
    fn route53(&self) -> route53::Client {
        let config = route53::Config::builder()
            .behavior_version(route53::config::BehaviorVersion::latest())
            .region(route53::config::Region::new("us-east-1"))
            .endpoint_url(self.lab.cloud("global").unwrap().endpoint())
            .credentials_provider(credentials());
        route53::Client::from_conf(config.build())
    }

    /// The ELBv2 of somebody else.
    fn elb(&self) -> elb::Client {
        let config = elb::Config::builder()
            .behavior_version(elb::config::BehaviorVersion::latest())
            .region(elb::config::Region::new("eu-west-1"))
            .endpoint_url(self.lab.cloud("home").unwrap().endpoint())
            .credentials_provider(credentials());
        elb::Client::from_conf(config.build())
    }

    async fn dns(&self, op: Route53Op) -> Result<Answer, Fault> {
        self.edge.perform(&Op::Route53(Some(self.role.clone()), op)).await
    }

    async fn balancing(&self, op: ElbOp) -> Result<Answer, Fault> {
        let scope = Scope { region: Region::new("eu-west-1"), role: Some(self.role.clone()) };
        self.edge.perform(&Op::Elb(scope, op)).await
    }
}

fn credentials() -> Credentials {
    Credentials::new("AKIDEXAMPLE", "not a secret", None, None, "test")
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab: cargo xtask test"]
async fn the_aws_edge_against_an_emulator_that_can_stop() {
    let world = World::new().await;
    records(&world).await;
    health_checks(&world).await;
    balancers(&world).await;
    stopped(&world).await;
}

// === Route 53 ===

fn failover_set(site: &str, role: Failover, check: &str) -> RecordSet {
    RecordSet {
        name: "*.shop.example.com".into(),
        kind: RecordType::A,
        set_identifier: Some(site.into()),
        failover: Some(role),
        health_check: Some(HealthCheckId::new(check)),
        ttl_secs: None,
        values: Vec::new(),
        alias: Some(AliasTarget {
            zone: "Z32O12XQLNTSW2".into(),
            dns_name: format!("{site}.eu-west-1.elb.amazonaws.com").as_str().into(),
            evaluate_target_health: true,
        }),
    }
}

fn fence(epoch: u64) -> RecordSet {
    RecordSet {
        name: "_bowline.shop.example.com".into(),
        kind: RecordType::Txt,
        set_identifier: None,
        failover: None,
        health_check: None,
        ttl_secs: Some(60),
        values: vec![format!("\"v=1 epoch={epoch} run=shop-{epoch} site=home\"").into()],
        alias: None,
    }
}

async fn zone(world: &World) -> ZoneId {
    let made = world.route53().create_hosted_zone().name("example.com").caller_reference("1");
    let made = made.send().await.unwrap();
    ZoneId::new(made.hosted_zone.unwrap().id.rsplit('/').next().unwrap())
}

async fn check(world: &World, config: HealthCheckConfig) -> HealthCheckId {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let reference = MADE.fetch_add(1, Ordering::Relaxed).to_string();
    let made = world.route53().create_health_check().health_check_config(config);
    let made = made.caller_reference(reference).send().await.unwrap();
    HealthCheckId::new(made.health_check.unwrap().id)
}

fn endpoint_check() -> HealthCheckConfig {
    let config = HealthCheckConfig::builder().r#type(HealthCheckType::Http);
    config.ip_address("192.0.2.1").port(80).resource_path("/healthz").build().unwrap()
}

/// A role swap, sent twice: the second finds that the fence has changed.
async fn records(world: &World) {
    let zone = zone(world).await;
    let own = check(world, endpoint_check()).await;
    let Ok(Answer::Zone(info)) = world.dns(Route53Op::Zone(zone.clone())).await else { panic!() };
    assert_eq!((info.apex.as_str(), info.private), ("example.com", false));
    assert!(info.name_servers.iter().all(|server| !server.as_str().ends_with('.')));
    assert!(!info.name_servers.is_empty());

    let pair = |first, second| {
        let home = failover_set("home", first, own.as_str());
        vec![home, failover_set("standby", second, own.as_str())]
    };
    let before = pair(Failover::Primary, Failover::Secondary);
    let after = pair(Failover::Secondary, Failover::Primary);
    let change = |delete: &[RecordSet], create: &[RecordSet], fences: (Option<u64>, u64)| {
        let delete = delete.iter().cloned().chain(fences.0.map(fence)).collect();
        let create = create.iter().cloned().chain([fence(fences.1)]).collect();
        Route53Op::Change { zone: zone.clone(), delete, create }
    };
    let accepted = world.dns(change(&[], &before, (None, 1))).await;
    let Ok(Answer::Change(id)) = accepted else { panic!("{accepted:?}") };
    in_sync(world, &id).await;
    let name = || Route53Op::Records { zone: zone.clone(), name: "*.shop.example.com".into() };
    assert_eq!(world.dns(name()).await, Ok(Answer::Records(before.clone())), "as written");

    let shift = || change(&before, &after, (Some(1), 2));
    assert!(matches!(world.dns(shift()).await, Ok(Answer::Change(_))));
    let again = world.dns(shift()).await;
    assert!(matches!(again, Err(Fault::Conflict(_))), "a stale fence: {again:?}");
    let twice = world.dns(change(&[], &after, (Some(2), 3))).await;
    assert!(matches!(twice, Err(Fault::Conflict(_))), "what exists: {twice:?}");
    assert_eq!(world.dns(name()).await, Ok(Answer::Records(after)), "all or nothing");
    let claim = Route53Op::Records { zone: zone.clone(), name: fence(1).name };
    assert_eq!(world.dns(claim).await, Ok(Answer::Records(vec![fence(2)])));
    let absent = Route53Op::Records { zone: zone.clone(), name: "a.example.com".into() };
    assert_eq!(world.dns(absent).await, Ok(Answer::Records(Vec::new())));
    let elsewhere = world.dns(Route53Op::Zone("ZNOTHERE".into())).await;
    assert!(matches!(elsewhere, Err(Fault::NotFound(_))), "{elsewhere:?}");
}

async fn in_sync(world: &World, id: &ChangeId) {
    for _ in 0..60 {
        if world.dns(Route53Op::ChangeStatus(id.clone())).await == Ok(Answer::Insync(true)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    panic!("{id} is never in sync");
}

async fn health_checks(world: &World) {
    let child = check(world, endpoint_check()).await;
    let closed = HealthCheckConfig::builder().r#type(HealthCheckType::Calculated);
    let closed = closed.health_threshold(2).child_health_checks(child.as_str()).build().unwrap();
    let closed = check(world, closed).await;
    let read = world.dns(Route53Op::HealthCheck(closed)).await;
    let Ok(Answer::HealthCheck(read)) = read else { panic!("{read:?}") };
    assert_eq!(read.kind, HealthCheckKind::Calculated { threshold: 2, children: 1 });
    assert!(read.always_closed());
    let read = world.dns(Route53Op::HealthCheck(child.clone())).await;
    let Ok(Answer::HealthCheck(read)) = read else { panic!("{read:?}") };
    assert!(matches!(read.kind, HealthCheckKind::Endpoint { .. }), "{read:?}");
    let status = || world.dns(Route53Op::CheckStatus(child.clone()));
    let Ok(Answer::CheckStatus { healthy, of }) = status().await else { panic!() };
    assert!(of > 0 && healthy == of, "a new check is healthy: {healthy} of {of}");
    let path = format!("/_fakecloud/route53/health-checks/{child}/status");
    let failure = ("application/json", r#"{"status":"Failure"}"#);
    ask(world.lab.cloud("global").unwrap(), &path, failure).await;
    assert_eq!(status().await, Ok(Answer::CheckStatus { healthy: 0, of }));
}

/// Makes the role that everybody may assume; gives its ARN.
async fn role(cloud: &Cloud) -> RoleArn {
    let form = format!(
        "Action=CreateRole&Version=2010-05-08&RoleName=bowline&AssumeRolePolicyDocument={TRUST}"
    );
    let made = ask(cloud, "/", ("application/x-www-form-urlencoded", &form)).await;
    let arn = made.split_once("<Arn>").unwrap().1.split_once('<').unwrap().0;
    RoleArn::new(arn)
}

/// Posts what no SDK of ours does. The emulator finds the service in the signature's scope and does
/// not verify it.
async fn ask(cloud: &Cloud, path: &str, (kind, body): (&str, &str)) -> String {
    let endpoint = cloud.endpoint();
    let address = endpoint.strip_prefix("http://").unwrap();
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: AWS4-HMAC-SHA256 \
         Credential=AKIDEXAMPLE/20261121/us-east-1/iam/aws4_request, SignedHeaders=host, \
         Signature=00\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = tokio::time::timeout(Duration::from_secs(5), stream.read_to_string(&mut answer));
    read.await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 2"), "{answer}");
    answer
}

// === Load balancers ===

async fn balancer(world: &World, name: &str, tags: &[(&str, &str)]) -> LoadBalancer {
    let tag = |(key, value): &(&str, &str)| Tag::builder().key(*key).value(*value).build();
    let made = world.elb().create_load_balancer().name(name);
    let made = made.set_tags(Some(tags.iter().map(tag).collect())).send().await.unwrap();
    let made = &made.load_balancers()[0];
    LoadBalancer {
        arn: made.load_balancer_arn().unwrap().into(),
        dns_name: made.dns_name().unwrap().to_ascii_lowercase().as_str().into(),
        zone: made.canonical_hosted_zone_id().unwrap().into(),
    }
}

async fn group(world: &World, name: &str) -> Arc<str> {
    let made = world.elb().create_target_group().name(name).protocol(ProtocolEnum::Http);
    let made = made.port(80).vpc_id("vpc-11111111").target_type(TargetTypeEnum::Ip);
    let made = made.health_check_path("/healthz").health_check_interval_seconds(5);
    let made = made.health_check_timeout_seconds(2).healthy_threshold_count(2);
    let made = made.unhealthy_threshold_count(2).send().await.unwrap();
    made.target_groups()[0].target_group_arn().unwrap().into()
}

fn to(group: &str) -> Action {
    Action::builder().r#type(ActionTypeEnum::Forward).target_group_arn(group).build()
}

async fn listen(world: &World, balancer: &LoadBalancer, rest: &str, rules: &[(i32, &str, &str)]) {
    let listener = world.elb().create_listener().load_balancer_arn(&*balancer.arn);
    let listener = listener.protocol(ProtocolEnum::Http).port(80).default_actions(to(rest));
    let listener = listener.send().await.unwrap();
    let listener = listener.listeners()[0].listener_arn().unwrap();
    for (priority, host, group) in rules {
        let host = HostHeaderConditionConfig::builder().values(*host).build();
        let host = RuleCondition::builder().field("host-header").host_header_config(host).build();
        let rule = world.elb().create_rule().listener_arn(listener).priority(*priority);
        rule.conditions(host).actions(to(group)).send().await.unwrap();
    }
}

async fn balancers(world: &World) {
    let ours = [("cluster", "shop"), ("stack", "web")];
    let shop = balancer(world, "shop", &ours).await;
    let other = balancer(world, "other", &ours[..1]).await;
    let by_tags = |tags: &[(&str, &str)]| {
        let tags = tags.iter().map(|(key, value)| (Arc::from(*key), Arc::from(*value))).collect();
        world.balancing(ElbOp::Find(LoadBalancerSelector::Tags(tags)))
    };
    let by_arn = |arn: &str| world.balancing(ElbOp::Find(LoadBalancerSelector::Arn(arn.into())));
    assert_eq!(by_tags(&ours).await, Ok(Answer::LoadBalancer(Some(shop.clone()))));
    assert_eq!(by_arn(&shop.arn).await, Ok(Answer::LoadBalancer(Some(shop.clone()))));
    assert_eq!(by_tags(&[("cluster", "nobody")]).await, Ok(Answer::LoadBalancer(None)));
    assert_eq!(by_arn(&format!("{}0", shop.arn)).await, Ok(Answer::LoadBalancer(None)));
    let both = by_tags(&ours[..1]).await;
    let named = |words: &str| words.contains(&*shop.arn) && words.contains(&*other.arn);
    assert!(matches!(&both, Err(Fault::Invalid(words)) if named(words)), "{both:?}");

    let [web, api, rest] = ["web", "api", "rest"];
    let (web, api, rest) =
        (group(world, web).await, group(world, api).await, group(world, rest).await);
    let rules = [(5, "shop.example.com", &*web), (10, "*.example.com", &*api)];
    listen(world, &shop, &rest, &rules).await;
    let behind = |hosts: &[&str]| {
        let hosts = hosts.iter().map(|host| (*host).into()).collect();
        world.balancing(ElbOp::TargetGroups { load_balancer: shop.arn.clone(), hosts })
    };
    let groups = |all: &[&Arc<str>]| {
        Ok(Answer::TargetGroups(all.iter().map(|one| Arc::clone(one)).collect()))
    };
    assert_eq!(behind(&["shop.example.com"]).await, groups(&[&web]));
    assert_eq!(behind(&["shop.example.com", "x.example.com"]).await, groups(&[&web, &api]));
    assert_eq!(behind(&["*.example.com"]).await, groups(&[&web, &api]));
    assert_eq!(behind(&["example.org"]).await, groups(&[&rest]));
    targets(world, &web).await;
}

/// Serves 200 to everybody, until it is dropped.
async fn application() -> (SocketAddr, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = [0; 2048];
            let _ = socket.read(&mut request).await;
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            let _ = socket.write_all(answer.as_bytes()).await;
        }
    });
    (address, serving)
}

async fn targets(world: &World, group: &Arc<str>) {
    let health = |healthy| Answer::Targets(TargetHealth { total: 1, healthy });
    let look = || world.balancing(ElbOp::TargetHealth(group.clone()));
    assert_eq!(look().await, Ok(Answer::Targets(TargetHealth::default())), "an empty group");
    let (address, serving) = application().await;
    let target = TargetDescription::builder().id(address.ip().to_string());
    let target = target.port(address.port().into()).build();
    let register = world.elb().register_targets().target_group_arn(&**group).targets(target);
    register.send().await.unwrap();
    assert_eq!(look().await, Ok(health(0)), "not yet probed");
    let until = async |wanted: Answer| {
        for _ in 0..60 {
            if look().await.as_ref() == Ok(&wanted) {
                return;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        panic!("never {wanted:?}: {:?}", look().await);
    };
    until(health(1)).await;
    serving.abort();
    until(health(0)).await;
    let gone = world.balancing(ElbOp::TargetHealth(format!("{group}0").into())).await;
    assert!(matches!(gone, Err(Fault::NotFound(_))), "{gone:?}");
}

// === A Region that stops ===

/// s9: home stops where it stands; its load balancers say nothing, Route 53 is edited all the same.
async fn stopped(world: &World) {
    world.lab.cloud("home").unwrap().freeze().unwrap();
    let shop = ElbOp::Find(LoadBalancerSelector::Arn("arn:aws:x".into()));
    let began = std::time::Instant::now();
    let silent = world.balancing(shop.clone()).await;
    assert!(matches!(silent, Err(Fault::Transient(_))), "{silent:?}");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(world.dns(Route53Op::Zone("ZNOTHERE".into())).await.is_err_and(|f| !f.passes()));
    world.lab.cloud("home").unwrap().thaw().unwrap();
    let thawed = world.balancing(shop).await;
    assert!(!thawed.as_ref().is_err_and(Fault::passes), "{thawed:?}");

    world.lab.cloud("global").unwrap().freeze().unwrap();
    let op = Route53Op::Change { zone: "Z1".into(), delete: Vec::new(), create: vec![fence(9)] };
    let lost = world.dns(op).await;
    assert!(matches!(lost, Err(Fault::Unknown(_))), "it may have happened: {lost:?}");
    world.lab.cloud("global").unwrap().thaw().unwrap();
}

// === Without the lab ===

#[tokio::test]
async fn the_service_is_built_with_aws_and_asks_nobody_at_its_start() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let file = folder.path().join("endpoints.yaml");
    let services = format!("{{rds: 'http://{address}', eks: 'http://{address}'}}");
    let text = format!("regions: {{eu-west-1: {services}}}\ndns: ['{address}']\n");
    std::fs::write(&file, text).unwrap();
    let store = folder.path().join("store");
    let mut options = RunOptions::new(StoreOptions::Folder { folder: store, policies: Vec::new() });
    options.endpoints = Some(file.clone());
    let edges = bowline::service::edges(&options).await.unwrap();
    assert!(edges.aws.is_some() && edges.clusters.eks.is_some());
    assert_eq!(edges.dns.only, [address]);
    let asked = tokio::time::timeout(Duration::from_millis(300), listener.accept()).await;
    assert!(asked.is_err(), "nobody was asked");
    std::fs::write(&file, "regions: {eu-west-1: {rds: 'rds.example.com'}}").unwrap();
    let refused = bowline::service::edges(&options).await.err().unwrap();
    let why = std::error::Error::source(&refused).unwrap().to_string();
    assert!(why.contains("endpoints.yaml:1:") && why.contains("https://HOST"), "{why}");
}
