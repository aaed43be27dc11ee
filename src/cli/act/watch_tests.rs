//! A command that somebody interrupts, before and after its wish is on its way.

use clap::Parser;
use tokio::net::TcpListener;

use super::super::ask;
use super::*;
use crate::cli::exit::Exit;
use crate::cli::{Cli, Command};
use crate::edges::kube::{ClusterStore, Wire};

/// The session of a command whose API server takes connections and says nothing.
fn session(listener: &TcpListener) -> Session {
    let address = listener.local_addr().unwrap();
    let config = kube::Config::new(format!("http://{address}").parse().unwrap());
    let wire = Wire::new(kube::Client::try_from(config).unwrap());
    Session {
        store: Store::Cluster(ClusterStore::new(wire, "bowline".into())),
        hosted: None,
        groups: vec!["shop".into()],
        without_fence: Vec::new(),
        by: String::new(),
        patience: Duration::from_secs(1),
    }
}

#[tokio::test]
async fn a_wish_that_was_interrupted_on_its_way_may_be_in_the_store() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let session = session(&silent);
    let Command::Act(wish) = Cli::try_parse_from(["bowline", "failover", "shop"]).unwrap().command
    else {
        panic!("an acting command")
    };
    let target = wish.target(&session.groups);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut watch = Watch::new(&wish, &session, target, Paint::OFF, (&mut out, &mut err));
    let before = watch.interrupted(None);
    assert!(matches!(before, Ending::Failed(_)), "{before:?}");
    // Whoever presses Ctrl-C drops the call where it waits for its answer.
    let (intent, heard) = (Intent::Resume, silent.accept());
    let on_its_way = tokio::select! {
        answered = watch.intend(&intent) => Err(answered),
        _ = heard => Ok(()),
    };
    on_its_way.unwrap();
    let after = watch.interrupted(None);
    assert!(after.exit() == Exit::Running && format!("{after:?}").contains(UNSURE), "{after:?}");
    let next = ask::next(&wish, &watch.told(after), false).unwrap();
    assert!(next.starts_with("Look at it with: bowline status shop"), "{next}");
}
