//! The example policies are what they say.

use std::sync::Arc;

use jiff::tz::TimeZoneDatabase;

use crate::model::{
    Cluster, HealthCheckId, Host, InstanceId, JobRef, LoadBalancerArn, LoadBalancerName,
    ObjectName, Region, RoleArn, Scope, SecurityGroupId, Span, WorkloadKind, WorkloadRef, ZoneId,
};
use crate::op::LoadBalancerSelector;
use crate::policy::{
    Action, Automation, BlockedWindow, Capacity, Database, HealthPolicy, HttpCheck, Job, KOfN,
    Lever, Mode, Notify, OnUnknown, Policy, Pool, Probe, RecordName, RecordsLever, Replicas, Runs,
    SignalPolicy, SiteDatabase, SitePolicy, Starts, Verify, Workload, WriteProbe,
};

/// The shop by hand: what its file must come to.
fn by_hand() -> Policy {
    Policy {
        group: "shop".into(),
        namespace: "bowline".into(),
        home: site(
            "eu-west-1",
            "shop-home",
            "sg-0aaaaaaaaaaaaaaaa",
            LoadBalancerSelector::Tags(
                [
                    (Arc::from("elbv2.k8s.aws/cluster"), Arc::from("shop-home")),
                    (Arc::from("ingress.k8s.aws/stack"), Arc::from("shop/web")),
                ]
                .into(),
            ),
        ),
        standby: site(
            "eu-central-1",
            "shop-standby",
            "sg-0bbbbbbbbbbbbbbbb",
            LoadBalancerSelector::Arn(LoadBalancerArn::from(crate::policy::testing::STANDBY_ARN)),
        ),
        lever: Lever::Records(RecordsLever {
            role: Some(RoleArn::new("arn:aws:iam::333333333333:role/bowline-dns")),
            closed_health_check: HealthCheckId::new("0a1b2c3d-4e5f-6789-abcd-ef0123456789"),
            names: vec![record("shop.example.com"), record("api.shop.example.com")],
        }),
        database: Some(Database {
            name: "main".into(),
            max_lag: Span::secs(30),
            lag_fresh: Span::mins(3),
            promote_timeout: Span::mins(20),
            on_unknown: OnUnknown::Proceed,
        }),
        capacity: capacity(),
        health: health(),
        automation: automation(),
        notify: vec![Notify {
            secret: "bowline-notify".into(),
            key: "pagerduty".into(),
            repeat: Span::mins(5),
        }],
        verify: Verify {
            host: Host::new("shop.example.com"),
            tls: true,
            port: 443,
            path: "/healthz".into(),
            site_header: Some("x-site".into()),
            hold: Span::secs(60),
            write_probe: Some(WriteProbe { path: "/canary".into() }),
        },
        cool_down: Span::mins(15),
    }
}

fn site(region: &str, name: &str, closed: &str, web: LoadBalancerSelector) -> SitePolicy {
    let scope = Scope {
        region: Region::new(region),
        role: Some(RoleArn::new("arn:aws:iam::111111111111:role/bowline")),
    };
    SitePolicy {
        cluster: Cluster::Eks { scope: scope.clone(), name: ObjectName::new(name) },
        scope,
        load_balancers: [(LoadBalancerName::new("web"), web)].into(),
        database: Some(SiteDatabase {
            instance: InstanceId::new(name),
            closed_security_group: SecurityGroupId::new(closed),
        }),
    }
}

fn record(name: &str) -> RecordName {
    RecordName {
        name: Host::new(name),
        zone: ZoneId::new("Z0123456789"),
        load_balancer: LoadBalancerName::new("web"),
    }
}

fn capacity() -> Capacity {
    let deployment = |name: &str, replicas, starts, runs| Workload {
        object: WorkloadRef {
            kind: WorkloadKind::Deployment,
            namespace: "shop".into(),
            name: name.into(),
        },
        replicas,
        starts,
        runs,
    };
    let share = |percent, at_least| Replicas::PercentOfHome { percent, at_least };
    Capacity {
        workloads: vec![
            deployment("web", share(100, 3), Starts::AfterWriter, Runs::Both),
            deployment("cache", Replicas::Count(2), Starts::Early, Runs::Both),
            deployment("worker", share(50, 1), Starts::AfterWriter, Runs::ActiveOnly),
        ],
        jobs: vec![Job {
            object: JobRef { namespace: "shop".into(), name: "invoices".into() },
            runs: Runs::ActiveOnly,
        }],
        pools: vec![Pool {
            name: "dr".into(),
            limits: [(Arc::from("cpu"), 200_000), (Arc::from("memory"), 800 << 30)].into(),
        }],
        ready_timeout: Span::mins(15),
        minimum_ready_percent: 90,
        floor: Vec::new(),
    }
}

fn health() -> HealthPolicy {
    let signal = |name: &str, probe, every: u64, down: (u32, u32), up: (u32, u32)| SignalPolicy {
        name: name.into(),
        probe,
        every: Span::secs(every),
        down: KOfN { of: down.0, need: down.1 },
        up: KOfN { of: up.0, need: up.1 },
    };
    let targets = Probe::AlbTargets { load_balancer: "web".into(), minimum_healthy_percent: 50 };
    let front = Probe::Http(HttpCheck {
        load_balancer: "web".into(),
        host: Host::new("shop.example.com"),
        path: "/healthz".into(),
        expect: (200, 299),
        timeout: Span::secs(3),
        tls: true,
        port: 443,
    });
    let outside = Probe::Route53Check {
        home: HealthCheckId::new("11111111-2222-3333-4444-555555555555"),
        standby: HealthCheckId::new("66666666-7777-8888-9999-000000000000"),
    };
    HealthPolicy {
        signals: vec![
            signal("alb", targets, 10, (5, 3), (5, 5)),
            signal("front", front, 5, (5, 3), (5, 5)),
            signal("outside", outside, 15, (3, 2), (3, 3)),
            signal("region", Probe::RegionApi, 10, (5, 4), (5, 5)),
        ],
        quorum: 2,
        confirm: Span::secs(60),
        stable_for: Span::mins(10),
        canaries: Vec::new(),
    }
}

fn automation() -> Automation {
    Automation {
        failover: Mode::Approve,
        failback: Mode::Approve,
        prewarm: Mode::Automatic,
        block_after_failover: Span::mins(60),
        blocked_windows: vec![BlockedWindow {
            cron: "0 8 * * MON-FRI".parse().expect("a constant that the test below reads"),
            length: Span::mins(120),
            time_zone: TimeZoneDatabase::bundled()
                .get("Europe/Berlin")
                .expect("a zone of the bundled database"),
            actions: vec![Action::Failback],
        }],
    }
}

#[test]
fn the_shop_is_what_its_file_says() {
    assert_eq!(super::shop(), by_hand());
}

#[test]
fn no_example_earns_a_warning() {
    for text in [super::SHOP, super::MINIMAL] {
        assert_eq!(super::load("example", text).expect("valid").warnings.list, []);
    }
}

#[test]
fn what_the_short_example_leaves_out_has_the_documented_defaults() {
    let policy = super::minimal();
    assert_eq!(policy.namespace.as_str(), "default");
    assert_eq!(policy.database, None);
    assert_eq!(policy.cool_down, Span::mins(15));
    assert_eq!(policy.health.confirm, Span::secs(60));
    assert_eq!(policy.health.stable_for, Span::mins(10));
    assert_eq!(policy.capacity.minimum_ready_percent, 90);
    assert_eq!(policy.capacity.ready_timeout, Span::mins(15));
    assert_eq!(policy.automation.block_after_failover, Span::mins(60));
    assert_eq!(policy.notify[0].repeat, Span::mins(5));
    assert_eq!(policy.verify.hold, Span::secs(60));
    let web = &policy.capacity.workloads[0];
    assert_eq!(web.replicas, Replicas::PercentOfHome { percent: 100, at_least: 1 });
    assert_eq!((web.starts, web.runs), (Starts::AfterWriter, Runs::Both));
    let front = &policy.health.signals[0];
    assert_eq!(front.every, Span::secs(10));
    assert_eq!((front.down, front.up), (KOfN { of: 5, need: 3 }, KOfN { of: 5, need: 5 }));
    let Probe::Http(http) = &front.probe else { panic!("http") };
    assert_eq!((http.expect, http.timeout), ((200, 299), Span::secs(3)));
    assert_eq!((http.tls, http.port), (true, 443));
}

#[test]
fn the_short_example_is_short() {
    assert!(super::MINIMAL.lines().count() <= 45);
}
