//! Bowline's edges and service: over a directory, and against real API servers and a real
//! Karpenter. What needs the lab is ignored by a plain `cargo test`; `cargo xtask test` runs it.
#![allow(clippy::unwrap_used)]

#[path = "wire/aws.rs"]
mod aws;
#[path = "wire/election.rs"]
mod election;
#[path = "wire/faults.rs"]
mod faults;
#[path = "wire/folder.rs"]
mod folder;
#[path = "wire/fuzz_seeds.rs"]
mod fuzz_seeds;
#[path = "wire/site.rs"]
mod site;
#[path = "wire/status.rs"]
mod status;
#[path = "wire/store.rs"]
mod store;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use bowline::edges::kube::{ClusterStore, Clusters, KubeconfigSource, crd};
use bowline::edges::net::Dns;
use bowline::edges::registry::Registry;
use bowline::edges::{Edges, Store};
use bowline_core::op::{Answer, Fault, Op};
use bowline_lab::wait::wait_for;
use bowline_lab::{Cluster, Lab, LabOptions};

/// Status and body of a page; status 0: nobody answers.
fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let ask = || {
        let mut socket = TcpStream::connect(address)?;
        socket.set_read_timeout(Some(Duration::from_secs(3)))?;
        write!(socket, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")?;
        let mut text = String::new();
        socket.read_to_string(&mut text)?;
        Ok::<_, std::io::Error>(text)
    };
    let text = ask().unwrap_or_default();
    let status = text.split(' ').nth(1).and_then(|word| word.parse().ok());
    (status.unwrap_or(0), text)
}

/// A lab with these clusters only.
fn lab(clusters: &[&str]) -> Lab {
    Lab::start(LabOptions::default().only(clusters).clusters_only()).unwrap()
}

/// The management cluster, with Bowline's namespace, resources and roles, and users bound to them.
fn installed(lab: &Lab) -> &Cluster {
    let management = lab.cluster("management").unwrap();
    management.kubectl(&["create", "namespace", "bowline"]).unwrap();
    management.apply(&printed(crd::For::Management)).unwrap();
    let defined = ["wait", "--for=condition=Established", "crd", "--all", "--timeout=30s"];
    management.kubectl(&defined).unwrap();
    // An API server answers 429 for a resource until its storage is there.
    wait_for("the resources", 30, || {
        let listed = management.kubectl(&["get", "bowline", "--all-namespaces"]);
        (listed.is_ok(), listed.err().map_or_else(String::new, |e| format!("{e:#}")))
    });
    let bound = [("bowline", "controller"), ("operator", "operator"), ("approver", "approver")];
    for (user, role) in bound {
        let (role, user) = (format!("--clusterrole=bowline-{role}"), format!("--user={user}"));
        let bind = ["create", "rolebinding", &user[7..], &role, &user, "--namespace=bowline"];
        management.kubectl(&bind).unwrap();
    }
    management
}

/// What `bowline crd` prints.
fn printed(cluster: crd::For) -> String {
    let mut printed = Vec::new();
    crd::print(cluster, &mut printed).unwrap();
    String::from_utf8(printed).unwrap()
}

/// Edges of one of the lab's users in the management cluster.
async fn edges_of(management: &Cluster, user: &str) -> Edges {
    let source = KubeconfigSource { file: Some(management.kubeconfig_of(user).unwrap()) };
    let wire = source.management(None).await.unwrap();
    let store = Store::Cluster(ClusterStore::new(wire.clone(), "bowline".into()));
    let clusters = Clusters::new(source, Some((wire, "bowline".into())));
    Edges { store, clusters, dns: Dns::default(), registry: Registry::default(), aws: None }
}

async fn call(edges: &Edges, op: Op) -> Result<Answer, Fault> {
    edges.perform(&op, tokio::time::Instant::now() + Duration::from_secs(5)).await
}
