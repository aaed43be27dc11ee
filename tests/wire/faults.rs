//! Every call there is against every trouble on the wire: which fault it becomes (S6). A change
//! whose outcome nobody knows must never be called failed; a look never has an unknown outcome but
//! where its documentation says so.

#[path = "faults/server.rs"]
mod server;
#[path = "faults/trouble.rs"]
mod trouble;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::Credentials;
use bowline::edges::aws::{AwsEdge, Endpoints};
use bowline::edges::kube::{ClusterStore, Clusters, KubeconfigSource};
use bowline::edges::net::Dns;
use bowline::edges::registry::{Registry, Secrets};
use bowline::edges::{Edges, Store};
use bowline_core::op::{
    Answer, CloudWatchOp, ElbOp, Fault, GateOp, KubeOp, LeaseOp, Op, ProbeOp, RdsOp, Route53Op,
    StoreOp,
};
use bowline_core::policy::load;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use server::Server;
use trouble::Trouble;

/// When a call is given up. The connection has less.
const LIMIT: Duration = Duration::from_secs(10);
const AT: i64 = 1_700_000_000_000;
const MINIMAL: &str = include_str!("../../policies/minimal.yaml");

/// One call of each kind, as it is written in a journal. `PORT` is the server's.
fn samples(port: u16) -> Vec<Op> {
    let scope = json!({"region": "eu-west-1"});
    let site = json!({"context": "site"});
    let web = json!({"kind": "Deployment", "namespace": "shop", "name": "web"});
    let job = json!({"namespace": "shop", "name": "bills"});
    let claim = json!({"epoch": 7, "run": "shop-7-failover"});
    let settings = json!({"engine": "postgres", "class": "db.r6g.large", "subnetGroup": "private",
        "parameterGroup": "shop", "securityGroups": ["sg-1"], "kmsKey": null,
        "backupRetentionDays": 7, "multiAz": false});
    let set = json!({"name": "shop.example.com", "kind": "A", "setIdentifier": "home",
        "failover": "PRIMARY", "healthCheck": "hc", "ttlSecs": 60, "values": ["192.0.2.1"],
        "alias": null});
    let lease = json!({"holder": "one", "duration": "15s", "transitions": 1, "renewed": AT});
    let http = |writes: bool| {
        json!({"http": {"connect": "127.0.0.1", "tls": false, "port": port,
            "host": "shop.example.com", "path": "/healthz", "writes": writes, "site_header": null,
            "timeout": "8s"}})
    };
    let notice = json!({"group": "site", "run": null, "target": 0, "kind": "ask", "title": "t",
        "body": "b", "by": {"controller": "one"}});
    let kube = |op: Value| json!({"kube": [site, op]});
    let dns = |op: Value| json!({"route53": [null, op]});
    let elb = |op: Value| json!({"elb": [scope, op]});
    let rds = |op: Value| json!({"rds": [scope, op]});
    let all = [
        json!({"store": {"read": {"group": "site", "after": 0}}}),
        json!({"store": {"append": {"group": "site", "seq": 1, "bytes": "{}"}}}),
        json!({"store": "intents"}),
        json!({"store": {"facts": {"group": "site"}}}),
        json!({"store": {"putFacts": {"group": "site", "version": "1", "bytes": "{}"}}}),
        json!({"lease": "read"}),
        json!({"lease": {"write": {"version": "1", "lease": lease}}}),
        kube(json!("ready")),
        kube(json!({"workload": web})),
        kube(json!({"job": job})),
        kube(json!({"pool": "dr"})),
        kube(json!({"nodes": {"pool": "dr"}})),
        kube(json!({"nodeClaims": {"pool": "dr"}})),
        kube(json!({"fence": "site"})),
        kube(json!({"annotate": {"object": {"workload": web}, "version": "1", "note": "x"}})),
        kube(json!({"scale": {"workload": web, "version": "1", "replicas": 2}})),
        kube(json!({"suspend": {"job": job, "version": "1", "suspend": true, "note": null}})),
        kube(json!({"limit": {"pool": "dr", "version": "1", "limits": {"cpu": 0}, "note": null}})),
        kube(json!({"claim": {"group": "site", "version": null, "claim": claim}})),
        dns(json!({"records": {"zone": "Z1", "name": "shop.example.com"}})),
        dns(json!({"change": {"zone": "Z1", "delete": [set], "create": [set]}})),
        dns(json!({"changeStatus": "C1"})),
        dns(json!({"healthCheck": "hc"})),
        dns(json!({"checkStatus": "hc"})),
        dns(json!({"zone": "Z1"})),
        elb(json!({"find": {"arn": "arn:lb"}})),
        elb(json!({"targetGroups": {"load_balancer": "arn:lb", "hosts": ["shop.example.com"]}})),
        elb(json!({"targetHealth": "arn:tg"})),
        rds(json!({"describe": "shop"})),
        rds(json!({"events": {"instance": "shop", "since": AT}})),
        rds(json!({"setSecurityGroups": {"instance": "shop", "groups": ["sg-1"]}})),
        rds(json!({"reboot": {"instance": "shop", "shut_at": AT}})),
        rds(json!({"promote": "shop"})),
        rds(json!({"rename": {"instance": "shop", "to": "shop-old-1"}})),
        rds(json!({"configure": {"instance": "shop", "settings": settings}})),
        rds(json!({"createReplica": {"instance": "shop", "source":
            "arn:aws:rds:eu-central-1:111111111111:db:shop", "settings": settings}})),
        json!({"cloudWatch": [scope, {"points": {"metric": {"replicaLag": "shop"},
            "since": AT}}]}),
        json!({"gate": [null, {"read": {"object": "s3://gates/shop"}}]}),
        json!({"gate": [null, {"write": {"object": "s3://gates/shop", "version": null,
            "open": "home", "claim": claim}}]}),
        json!({"probe": http(false)}),
        json!({"probe": http(true)}),
        json!({"probe": {"authoritative": {"server": "ns1.example.com",
            "name": "shop.example.com"}}}),
        json!({"probe": {"resolve": {"name": "lb.example.com"}}}),
        json!({"notify": notice}),
    ];
    all.into_iter()
        .map(|text| serde_json::from_value(text.clone()).unwrap_or_else(|e| panic!("{e}: {text}")))
        .collect()
}

/// The names of an operation's kind and of the call, as serde writes them.
fn name(op: &Op) -> (String, String) {
    let text = serde_json::to_value(op).unwrap();
    let (kind, inner) = text.as_object().unwrap().iter().next().unwrap();
    let inner = inner.as_array().map_or(inner, |pair| pair.last().unwrap());
    let call = match inner {
        Value::String(call) => call.clone(),
        _ if kind == "notify" => "notify".into(),
        other => other.as_object().unwrap().keys().next().unwrap().clone(),
    };
    (kind.clone(), call)
}

/// Every variant of an enum, as serde lists them when it is given none of them.
fn variants<T: DeserializeOwned>() -> BTreeSet<String> {
    let error = serde_json::from_value::<T>(json!({"?": 0})).err().unwrap().to_string();
    let names: BTreeSet<_> = error.split('`').skip(3).step_by(2).map(str::to_owned).collect();
    assert!(!names.is_empty(), "{error}");
    names
}

#[test]
fn the_table_has_every_call_there_is() {
    let mut sampled: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (kind, call) in samples(1).iter().map(name) {
        sampled.entry(kind).or_default().insert(call);
    }
    let kinds: BTreeSet<_> = sampled.keys().cloned().collect();
    assert_eq!(kinds, variants::<Op>());
    assert_eq!(sampled["store"], variants::<StoreOp>());
    assert_eq!(sampled["lease"], variants::<LeaseOp>());
    assert_eq!(sampled["kube"], variants::<KubeOp>());
    assert_eq!(sampled["route53"], variants::<Route53Op>());
    assert_eq!(sampled["elb"], variants::<ElbOp>());
    assert_eq!(sampled["rds"], variants::<RdsOp>());
    assert_eq!(sampled["gate"], variants::<GateOp>());
    assert_eq!(sampled["probe"], variants::<ProbeOp>());
    let only = serde_json::to_value(variants::<CloudWatchOp>()).unwrap();
    assert_eq!(only, json!(["points"]));
}

/// What a call came back with, in a word.
fn word(result: &Result<Answer, Fault>) -> &'static str {
    match result {
        Ok(_) => "answer",
        Err(Fault::Transient(_)) => "transient",
        Err(Fault::Throttled { .. }) => "throttled",
        Err(Fault::Conflict(_)) => "conflict",
        Err(Fault::Fenced(_)) => "fenced",
        Err(Fault::NotFound(_)) => "notFound",
        Err(Fault::Denied(_)) => "denied",
        Err(Fault::Invalid(_)) => "invalid",
        Err(Fault::Unknown(_)) => "unknown",
    }
}

/// What it must come back with.
fn wanted(op: &Op, trouble: Trouble) -> &'static str {
    use Trouble as T;
    let lost = if op.mutates() { "unknown" } else { "transient" };
    match op {
        // There is no such edge yet: nothing is sent.
        Op::Gate(..) => "invalid",
        // Any status is an answer, and nobody reads the body.
        Op::Probe(ProbeOp::Http(_)) => match trouble {
            T::ResetBefore | T::ResetAfter | T::Silent | T::Slow => "unknown",
            _ => "answer",
        },
        // Questions to DNS may always be asked again; what the names are is not known.
        Op::Probe(_) => "transient",
        // Nobody reads the body of a success.
        Op::Notify(_) | Op::Kube(_, KubeOp::Ready) if trouble == T::Malformed => "answer",
        // Read again, the object will be the same: the API server is none.
        Op::Kube(..) | Op::Store(_) | Op::Lease(_) if trouble == T::Malformed && !op.mutates() => {
            "invalid"
        }
        _ => match trouble {
            T::Throttled => "throttled",
            T::Expired | T::Denied => "denied",
            _ => lost,
        },
    }
}

/// Edges for which everything is this server: AWS, both clusters, DNS and the webhook.
async fn edges(server: &Server, folder: &std::path::Path) -> Edges {
    let url = format!("http://{}", server.address);
    let kubeconfig = folder.join("kubeconfig");
    let config = json!({"apiVersion": "v1", "kind": "Config", "current-context": "site",
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "site", "context": {"cluster": "c", "user": "u"}}]});
    std::fs::write(&kubeconfig, config.to_string()).unwrap();
    let endpoints = folder.join("endpoints.yaml");
    let region = format!("{{elasticloadbalancing: '{url}', rds: '{url}', monitoring: '{url}'}}");
    let text = format!("regions: {{eu-west-1: {region}, us-east-1: {{route53: '{url}'}}}}\n");
    std::fs::write(&endpoints, text).unwrap();
    let secret = folder.join("bowline-notify");
    std::fs::create_dir(&secret).unwrap();
    std::fs::write(secret.join("url"), format!("{url}/hook")).unwrap();

    let source = KubeconfigSource { file: Some(kubeconfig) };
    let wire = source.management(None).await.unwrap();
    let store = Store::Cluster(ClusterStore::new(wire.clone(), "bowline".into()));
    let clusters = Clusters::new(source, Some((wire, "bowline".into())));
    let registry = Registry::new(Secrets::Folder(folder.to_owned()));
    registry.adopt(&load("minimal.yaml", MINIMAL).unwrap().policies);
    let dns = Dns { only: vec![server.address], ..Dns::default() };
    let credentials = Credentials::new("AKIDEXAMPLE", "not a secret", None, None, "test");
    let endpoints = Endpoints::read(&endpoints).unwrap();
    let aws = AwsEdge::with_credentials(endpoints, credentials);
    Edges { store, clusters, dns, registry, aws: Some(Arc::new(aws)) }
}

/// What every call came back with under one trouble.
async fn column(trouble: Trouble) -> Vec<(Op, Result<Answer, Fault>)> {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(trouble).await;
    let edges = Arc::new(edges(&server, folder.path()).await);
    let calls: Vec<_> = samples(server.address.port())
        .into_iter()
        .map(|op| {
            let edges = Arc::clone(&edges);
            tokio::spawn(async move {
                let result = edges.perform(&op, tokio::time::Instant::now() + LIMIT).await;
                (op, result)
            })
        })
        .collect();
    let mut came = Vec::new();
    for call in calls {
        came.push(call.await.unwrap());
    }
    // Nothing is sent twice, change or look: a call is one request. `intents` lists three kinds at
    // once, and gives two of them up when the third fails.
    let over_http = |op: &Op| {
        let dns = matches!(op, Op::Probe(ProbeOp::Authoritative { .. } | ProbeOp::Resolve { .. }));
        !dns && !matches!(op, Op::Gate(..))
    };
    let calls = came.iter().filter(|(op, _)| over_http(op)).count();
    let (connections, read) = (server.connections(), server.requests());
    assert!((calls..=calls + 2).contains(&connections), "{trouble:?}: {connections}, {read:#?}");
    if trouble != Trouble::ResetBefore {
        assert!((calls..=calls + 2).contains(&read.len()), "{trouble:?}: {read:#?}");
        assert!(read.values().all(|times| *times == 1), "{trouble:?}: {read:#?}");
    }
    came
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s6_every_call_against_every_trouble_on_the_wire() {
    let (mut table, mut wrong) = (BTreeMap::<_, Vec<_>>::new(), Vec::new());
    // One after the other: hundreds of calls at once are late on a busy machine.
    for trouble in Trouble::ALL {
        for (number, (op, result)) in column(trouble).await.into_iter().enumerate() {
            let (found, wanted) = (word(&result), wanted(&op, trouble));
            if found != wanted {
                wrong.push(format!("{:?} {trouble:?}: {wanted} wanted: {result:?}", name(&op)));
            }
            let (kind, call) = name(&op);
            table.entry((number, format!("{kind} {call}"))).or_default().push(found);
        }
    }
    println!("{}", text(&table));
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), table.len() * 9, wrong.join("\n"));
}

fn text(table: &BTreeMap<(usize, String), Vec<&str>>) -> String {
    let mut text = format!("{:28}", "call");
    for trouble in Trouble::ALL {
        // Writing to a string cannot fail.
        let _ok = write!(text, "{:>12}", format!("{trouble:?}"));
    }
    for ((_, call), words) in table {
        let _ok = write!(text, "\n{call:28}");
        for word in words {
            let _ok = write!(text, "{word:>12}");
        }
    }
    text
}
