//! The stage with emulators only: DNS, checkers, forwarders and Bowline's own ways, against
//! fakecloud. Ignored by a plain `cargo test`; `cargo xtask test` runs it.
#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use aws_sdk_route53::Client;
use aws_sdk_route53::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_route53::types::{
    Change, ChangeAction, ChangeBatch, ResourceRecordSet, ResourceRecordSetFailover,
};
use bowline_lab::wait::wait_for;
use bowline_lab::{Lab, LabOptions, Stage, StageOptions};

/// A site's application: answers 200 and says which site it is. Ends when it is dropped.
struct App {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl App {
    fn start(site: &'static str, at: SocketAddr) -> Self {
        let listener = TcpListener::bind(at).unwrap();
        listener.set_nonblocking(true).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                match listener.accept() {
                    Ok((stream, _)) => drop(std::thread::spawn(move || answer(stream, site))),
                    Err(_) => std::thread::sleep(Duration::from_millis(10)),
                }
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().map(JoinHandle::join);
    }
}

fn answer(mut stream: TcpStream, site: &str) -> std::io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    let mut seen = Vec::new();
    while !seen.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        seen.push(byte[0]);
    }
    let head = format!("HTTP/1.1 200 OK\r\nx-site: {site}\r\nconnection: close\r\n");
    stream.write_all(format!("{head}content-length: 2\r\n\r\nok").as_bytes())
}

/// What a user sees at an address: the site that answers, or why none does.
fn fetch(address: IpAddr, port: u16) -> Result<String, String> {
    let asked = || -> std::io::Result<String> {
        let limit = Duration::from_secs(2);
        let mut stream = TcpStream::connect_timeout(&(address, port).into(), limit)?;
        stream.set_read_timeout(Some(limit))?;
        write!(stream, "GET / HTTP/1.1\r\nHost: shop.example.com\r\nConnection: close\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(text)
    };
    let text = asked().map_err(|e| e.to_string())?;
    let site = text.lines().find_map(|line| line.strip_prefix("x-site: "));
    let site = site.filter(|_| text.starts_with("HTTP/1.1 200"));
    site.map(str::to_owned).ok_or_else(|| text.lines().next().unwrap_or("nothing").to_owned())
}

/// Two Regions and Route 53, with an application at each site.
fn staged() -> (Lab, App, App) {
    let mut lab = Lab::start(LabOptions::default().clouds_only()).unwrap();
    let places = {
        let told = |line: &str| println!("lab: {line}");
        lab.set_stage(&StageOptions::default(), &told).unwrap().places().clone()
    };
    let home = App::start("home", places.home.app);
    let standby = App::start("standby", places.standby.app);
    let stage = lab.stage().unwrap();
    for site in ["home", "standby"] {
        let at = places.site(site);
        wait_for(&format!("{site} through its load balancer"), 30, || {
            let seen = fetch(at.balancer.into(), places.port);
            (seen.as_deref() == Ok(site), format!("{seen:?}"))
        });
    }
    leads_to(stage, places.home.balancer);
    (lab, home, standby)
}

/// Longest time until an answer follows the zone, its checks and its targets, on a busy machine.
const ANSWER_SECS: u64 = 60;

/// Waits until everybody is answered this address.
fn leads_to(stage: &Stage, address: Ipv4Addr) {
    answers(stage, stage.places().dns, address);
}

/// Waits until a DNS server answers this address: each looks at the zone by itself.
fn answers(stage: &Stage, server: SocketAddr, address: Ipv4Addr) {
    wait_for(&format!("the answer {address} of {server}"), ANSWER_SECS, || {
        let seen = stage.addresses(server, "shop.example.com");
        let there = seen.as_ref().is_ok_and(|seen| *seen == [IpAddr::from(address)]);
        (there, format!("{seen:?}"))
    });
}

fn route53(lab: &Lab) -> Client {
    let config = aws_sdk_route53::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(lab.cloud("global").unwrap().endpoint());
    Client::from_conf(config.build())
}

/// The failover sets of the application.
async fn sets(client: &Client, stage: &Stage) -> Vec<ResourceRecordSet> {
    let listed = client.list_resource_record_sets().hosted_zone_id(&stage.made().zone);
    let listed = listed.send().await.unwrap().resource_record_sets;
    listed.into_iter().filter(|set| set.failover.is_some()).collect()
}

/// Moves the application as a failover does: one batch, roles and checks exchanged.
async fn swap(client: &Client, stage: &Stage) {
    let present = sets(client, stage).await;
    assert_eq!(present.len(), 2);
    let check = |set: &ResourceRecordSet| match set.failover {
        Some(ResourceRecordSetFailover::Secondary) => {
            stage.made().site(set.set_identifier.as_deref().unwrap()).unwrap().check.clone()
        }
        _ => stage.made().closed_check.clone(),
    };
    let turned = |set: &ResourceRecordSet| {
        let mut turned = set.clone();
        turned.health_check_id = Some(check(set));
        turned.failover = Some(match set.failover {
            Some(ResourceRecordSetFailover::Secondary) => ResourceRecordSetFailover::Primary,
            _ => ResourceRecordSetFailover::Secondary,
        });
        turned
    };
    let change = |action: ChangeAction, set: ResourceRecordSet| {
        Change::builder().action(action).resource_record_set(set).build().unwrap()
    };
    let delete = present.iter().map(|set| change(ChangeAction::Delete, set.clone()));
    let create = present.iter().map(|set| change(ChangeAction::Create, turned(set)));
    let batch = ChangeBatch::builder().set_changes(Some(delete.chain(create).collect()));
    let sent = client.change_resource_record_sets().hosted_zone_id(&stage.made().zone);
    sent.change_batch(batch.build().unwrap()).send().await.unwrap();
}

/// What Route 53's checkers say of a site's application.
async fn reported(client: &Client, stage: &Stage, site: &str) -> String {
    let check = &stage.made().site(site).unwrap().check;
    let status = client.get_health_check_status().health_check_id(check).send().await.unwrap();
    let first = status.health_check_observations().first();
    first.and_then(|seen| seen.status_report()?.status()).unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab: cargo xtask test"]
async fn a_role_swap_in_the_zone_is_answered_by_every_server() {
    let (lab, _home, _standby) = staged();
    let stage = lab.stage().unwrap();
    let (places, client) = (stage.places(), route53(&lab));
    let loads = stage.addresses(places.dns, &stage.made().site("home").unwrap().dns_name).unwrap();
    assert_eq!(loads, [IpAddr::from(places.home.balancer)], "the load balancer's own name");

    swap(&client, stage).await;
    leads_to(stage, places.standby.balancer);
    // The same site, its own way.
    answers(stage, places.bowline_dns, places.standby.link.balancer);
    let bowline = IpAddr::from(places.standby.link.balancer);
    assert_eq!(fetch(bowline, places.port).as_deref(), Ok("standby"));
    swap(&client, stage).await;
    leads_to(stage, places.home.balancer);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab: cargo xtask test"]
async fn a_dead_listener_turns_the_check_and_the_answer() {
    let (lab, home, _standby) = staged();
    let stage = lab.stage().unwrap();
    let (places, client) = (stage.places(), route53(&lab));
    assert!(reported(&client, stage, "home").await.starts_with("Success"));
    drop(home);
    let began = Instant::now();
    while !reported(&client, stage, "home").await.starts_with("Failure") {
        assert!(began.elapsed() < Duration::from_secs(40), "home's check stays up");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    println!("home's check is down: {:.1} s", began.elapsed().as_secs_f32());
    assert!(reported(&client, stage, "standby").await.starts_with("Success"));
    // Both sets are ill: home's own check is down, standby's is always closed. So it stays.
    assert_eq!(stage.answer().unwrap(), [IpAddr::from(places.home.balancer)]);
    swap(&client, stage).await;
    leads_to(stage, places.standby.balancer);
    let home = App::start("home", places.home.app);
    let began = Instant::now();
    while !reported(&client, stage, "home").await.starts_with("Success") {
        assert!(began.elapsed() < Duration::from_secs(60), "home's check stays down");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    drop(home);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab: cargo xtask test"]
async fn a_site_freezes_as_a_whole_and_thaws_as_it_was() {
    let (lab, _home, _standby) = staged();
    let stage = lab.stage().unwrap();
    let (places, client) = (stage.places(), route53(&lab));
    lab.freeze("home").unwrap();
    let frozen = lab.state().doubles.into_iter().filter(|d| d.place == "home");
    let conditions: Vec<_> = frozen.map(|double| double.process.condition()).collect();
    assert_eq!(conditions, ["frozen"], "its forwarder");
    for address in [places.home.balancer, places.home.link.balancer] {
        let silent = fetch(address.into(), places.port).unwrap_err();
        assert!(!silent.contains("refused"), "a dead Region does not refuse: {silent}");
    }
    assert_eq!(fetch(places.standby.balancer.into(), places.port).as_deref(), Ok("standby"));
    let began = Instant::now();
    while !reported(&client, stage, "home").await.starts_with("Failure") {
        assert!(began.elapsed() < Duration::from_secs(40), "home's check stays up");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(stage.answer().unwrap(), [IpAddr::from(places.home.balancer)], "DNS is static");
    lab.thaw("home").unwrap();
    wait_for("home serves again", 30, || {
        let seen = fetch(places.home.balancer.into(), places.port);
        (seen.as_deref() == Ok("home"), format!("{seen:?}"))
    });
    let records = lab.state();
    drop(lab);
    assert!(records.processes().all(|process| !process.runs()), "nothing is left");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab: cargo xtask test"]
async fn a_partition_cuts_bowlines_way_only() {
    let (lab, _home, _standby) = staged();
    let stage = lab.stage().unwrap();
    let (places, client) = (stage.places(), route53(&lab));
    let by_link = |site: &str| fetch(places.site(site).link.balancer.into(), places.port);
    assert_eq!(by_link("home").as_deref(), Ok("home"));
    lab.partition("home").unwrap();
    by_link("home").unwrap_err();
    assert_eq!(by_link("standby").as_deref(), Ok("standby"));
    for _ in 0..10 {
        assert_eq!(fetch(places.home.balancer.into(), places.port).as_deref(), Ok("home"));
        assert_eq!(stage.answer().unwrap(), [IpAddr::from(places.home.balancer)]);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(reported(&client, stage, "home").await.starts_with("Success"), "checkers reach it");
    let bowline = stage.addresses(places.bowline_dns, "shop.example.com").unwrap();
    assert_eq!(bowline, [IpAddr::from(places.home.link.balancer)], "DNS is the same for all");
    lab.heal("home").unwrap();
    wait_for("Bowline's way to home", 10, || {
        let seen = by_link("home");
        (seen.as_deref() == Ok("home"), format!("{seen:?}"))
    });
}

#[test]
#[ignore = "needs the lab: cargo xtask test"]
fn the_application_serves_as_well_as_its_pods_and_its_database_do() {
    let mut lab = Lab::start(LabOptions::default()).unwrap();
    let options = StageOptions { application: true, ..StageOptions::default() };
    let told = |line: &str| println!("lab: {line}");
    lab.set_stage(&options, &told).unwrap();
    let stage = lab.stage().unwrap();
    let places = stage.places();
    wait_for("home serves", 120, || {
        let seen = fetch(places.home.balancer.into(), places.port);
        (seen.as_deref() == Ok("home"), format!("{seen:?}"))
    });
    assert!(fetch(places.standby.balancer.into(), places.port).is_err(), "it has no pods");
    leads_to(stage, places.home.balancer);

    let scale = |replicas: &str| {
        let arguments = ["scale", "-n", "shop", "deployment/web", replicas];
        lab.cluster("home").unwrap().kubectl(&arguments).unwrap();
    };
    scale("--replicas=0");
    wait_for("home without pods does not serve", 60, || {
        let seen = fetch(places.home.balancer.into(), places.port);
        (seen.is_err(), format!("{seen:?}"))
    });
    lab.freeze("home").unwrap();
    let home = lab.state().doubles.into_iter().filter(|double| double.place == "home");
    let frozen: Vec<_> = home.map(|d| (d.process.name.clone(), d.process.condition())).collect();
    let all = ["front", "forward", "app"].map(|name| (name.to_owned(), "frozen"));
    assert_eq!(frozen, all);
    lab.thaw("home").unwrap();
    scale("--replicas=2");
    wait_for("home serves again", 60, || {
        let seen = fetch(places.home.balancer.into(), places.port);
        (seen.as_deref() == Ok("home"), format!("{seen:?}"))
    });
}
