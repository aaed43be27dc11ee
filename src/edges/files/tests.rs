//! The file store: what it keeps, what it refuses, and two processes at once.

use std::process::Command;

use bowline_core::model::{ReplicaId, Span, Version, Wall};
use bowline_core::run::Intent;

use super::*;

fn store() -> (tempfile::TempDir, FileStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::open_or_create(folder.path()).unwrap();
    (folder, store)
}

fn shop() -> GroupName {
    "shop".into()
}

fn append(store: &FileStore, seq: u64, bytes: &str) -> Result<Answer, Fault> {
    store.perform(&StoreOp::Append { group: shop(), seq, bytes: bytes.into() })
}

fn read(store: &FileStore, after: u64) -> Vec<(u64, String)> {
    match store.perform(&StoreOp::Read { group: shop(), after }) {
        Ok(Answer::Entries(all)) => {
            all.into_iter().map(|entry| (entry.seq, entry.bytes.to_string())).collect()
        }
        other => panic!("{other:?}"),
    }
}

fn put(store: &FileStore, version: Option<&Version>, bytes: &str) -> Result<Answer, Fault> {
    let op = StoreOp::PutFacts { group: shop(), version: version.cloned(), bytes: bytes.into() };
    store.perform(&op)
}

fn lease(holder: &str) -> LeaseSpec {
    LeaseSpec {
        holder: Some(ReplicaId::from(holder)),
        duration: Span::secs(15),
        transitions: 0,
        renewed: Wall(1),
    }
}

/// Every file below a folder, but the store's mark.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if !path.ends_with(MARK) {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn entries_are_kept_exactly_and_read_from_where_one_asks() {
    let (folder, store) = store();
    assert!(read(&store, 0).is_empty());
    for (seq, bytes) in [(1, "{ \"a\":  1}\n"), (2, "zwei"), (3, "drei ä")] {
        assert_eq!(append(&store, seq, bytes), Ok(Answer::Ok));
    }
    let expected = [(2, "zwei".to_owned()), (3, "drei ä".to_owned())];
    assert_eq!(read(&store, 1), expected);
    assert_eq!(read(&store, 0)[0].1, "{ \"a\":  1}\n");
    let again = FileStore::open(folder.path()).unwrap();
    assert_eq!(read(&again, 1), expected);
    assert_eq!(files(folder.path()).len(), 3, "drafts are gone");
}

#[test]
fn s5_a_taken_name_is_a_conflict_and_stays_as_it_is() {
    let (_folder, store) = store();
    append(&store, 1, "mine").unwrap();
    assert!(matches!(append(&store, 1, "theirs"), Err(Fault::Conflict(_))));
    assert_eq!(read(&store, 0), [(1, "mine".into())]);
}

#[test]
fn a_chain_has_no_gaps_and_a_group_no_path() {
    let (_folder, store) = store();
    for seq in [0, 2] {
        assert!(matches!(append(&store, seq, "x"), Err(Fault::Invalid(_))), "{seq}");
    }
    for group in ["../x", "a/b", "", ".hidden"] {
        let op = StoreOp::Append { group: group.into(), seq: 1, bytes: "x".into() };
        assert!(matches!(store.perform(&op), Err(Fault::Invalid(_))), "{group}");
    }
}

#[test]
fn facts_are_replaced_only_over_the_version_that_was_read() {
    let (folder, store) = store();
    assert_eq!(store.perform(&StoreOp::Facts { group: shop() }), Ok(Answer::Facts(None)));
    assert!(matches!(put(&store, Some(&"1".into()), "a"), Err(Fault::Conflict(_))));
    let mut version = None;
    for round in 0..30 {
        let Ok(Answer::Written(next)) = put(&store, version.as_ref(), &format!("r{round}")) else {
            panic!()
        };
        assert!(matches!(put(&store, version.as_ref(), "x"), Err(Fault::Conflict(_))));
        version = Some(next);
    }
    let Ok(Answer::Facts(Some(seen))) = store.perform(&StoreOp::Facts { group: shop() }) else {
        panic!()
    };
    assert_eq!((Some(seen.version), &*seen.bytes), (version, "r29"));
    assert!(files(folder.path()).len() <= 9, "old versions are removed");
    assert!(matches!(put(&store, Some(&"x".into()), "a"), Err(Fault::Invalid(_))));
}

#[test]
fn a_lease_is_written_over_the_version_that_was_read() {
    let (_folder, store) = store();
    assert_eq!(store.lease(&LeaseOp::Read), Ok(Answer::Lease(None)));
    let write = |version: Option<Version>, holder| {
        store.lease(&LeaseOp::Write { version, lease: lease(holder) })
    };
    let Ok(Answer::Written(first)) = write(None, "a") else { panic!() };
    assert!(matches!(write(None, "b"), Err(Fault::Conflict(_))));
    write(Some(first.clone()), "a").unwrap();
    assert!(matches!(write(Some(first), "b"), Err(Fault::Conflict(_))));
    let Ok(Answer::Lease(Some(seen))) = store.lease(&LeaseOp::Read) else { panic!() };
    assert_eq!(seen.lease, lease("a"));
}

#[test]
fn intents_come_back_oldest_first_with_who_wants_them() {
    let (_folder, store) = store();
    let first = store.intend(&shop(), "ada", &Intent::Arm).unwrap();
    let second = store.intend(&shop(), "bob", &Intent::Resume).unwrap();
    let Ok(Answer::Intents(all)) = store.perform(&StoreOp::Intents) else { panic!() };
    let seen: Vec<_> = all.iter().map(|i| (&*i.uid, i.by.as_str())).collect();
    assert_eq!(seen, [(first.as_str(), "ada"), (second.as_str(), "bob")]);
    assert_eq!(serde_json::from_str::<Intent>(&all[1].bytes).unwrap(), Intent::Resume);
}

#[test]
fn a_vanished_directory_is_not_an_empty_store() {
    let (folder, store) = store();
    append(&store, 1, "x").unwrap();
    fs::remove_dir_all(folder.path()).unwrap();
    fs::create_dir(folder.path()).unwrap();
    for op in [StoreOp::Read { group: shop(), after: 0 }, StoreOp::Intents] {
        assert!(matches!(store.perform(&op), Err(Fault::NotFound(_))));
    }
    assert!(matches!(append(&store, 1, "x"), Err(Fault::NotFound(_))));
    assert!(matches!(store.lease(&LeaseOp::Read), Err(Fault::NotFound(_))));
    assert!(files(folder.path()).is_empty(), "nothing was made in its place");
    assert!(FileStore::open(folder.path()).is_err());
}

#[test]
fn a_directory_of_other_things_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.tex"), "x").unwrap();
    assert!(matches!(FileStore::open_or_create(folder.path()), Err(Fault::Invalid(_))));
    assert_eq!(files(folder.path()).len(), 1);
}

#[test]
fn s6_what_cannot_be_written_leaves_nothing_behind() {
    let (folder, store) = store();
    append(&store, 1, "x").unwrap();
    let records = folder.path().join("records/shop");
    fs::remove_dir_all(&records).unwrap();
    fs::write(&records, "in the way").unwrap();
    let refused = append(&store, 2, "y").unwrap_err();
    assert!(matches!(refused, Fault::Invalid(_)), "{refused}");
    assert_eq!(files(folder.path()), [records]);
}

#[test]
fn drafts_and_strangers_are_not_entries() {
    let (folder, store) = store();
    append(&store, 1, "x").unwrap();
    let records = folder.path().join("records/shop");
    for name in [".draft-1-1", "readme.txt", "x.json"] {
        fs::write(records.join(name), "half").unwrap();
    }
    assert_eq!(read(&store, 0).len(), 1);
}

/// Where the racing processes write; set only for them.
const RACE: &str = "BOWLINE_TEST_RACE";
/// How many names they race for.
const NAMES: u64 = 60;

#[test]
fn s5_of_two_processes_that_race_for_a_name_one_wins() {
    let (folder, store) = store();
    let start = |name: &str| {
        let mut racer = Command::new(std::env::current_exe().unwrap());
        racer.args(["--exact", "edges::files::tests::racer", "--include-ignored"]);
        racer.env(RACE, folder.path()).env("BOWLINE_TEST_NAME", name);
        racer.stdout(std::process::Stdio::null()).spawn().unwrap()
    };
    let racers = [start("one"), start("two")];
    for mut racer in racers {
        assert!(racer.wait().unwrap().success());
    }
    let entries = read(&store, 0);
    assert_eq!(entries.len() as u64, NAMES);
    let won = |name: &str| {
        let text = fs::read_to_string(folder.path().join(format!("won-{name}"))).unwrap();
        text.lines().map(|seq| seq.parse().unwrap()).collect::<Vec<u64>>()
    };
    for name in ["one", "two"] {
        let of: Vec<_> = entries.iter().filter(|(_, by)| by == name).map(|(n, _)| *n).collect();
        assert_eq!(of, won(name), "each knows exactly what it won");
    }
}

/// No test of its own: one of the processes that race above.
#[test]
#[ignore = "started by the test above"]
fn racer() {
    let (Some(folder), Ok(name)) = (std::env::var_os(RACE), std::env::var("BOWLINE_TEST_NAME"))
    else {
        return;
    };
    let folder = PathBuf::from(folder);
    let store = FileStore::open(&folder).unwrap();
    let mut won = String::new();
    for seq in 1..=NAMES {
        match append(&store, seq, &name) {
            Ok(_) => won.push_str(&format!("{seq}\n")),
            Err(Fault::Conflict(_)) => {}
            Err(other) => panic!("{other}"),
        }
    }
    fs::write(folder.join(format!("won-{name}")), won).unwrap();
}
