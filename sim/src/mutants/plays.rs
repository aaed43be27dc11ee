//! Plays that were made for deliberate bugs: each has the fault without which the mistake would not
//! show, and ends soon after it must have.

use bowline_core::model::{Region, RunId, Site, Span};
use bowline_core::policy::{Mode, Policy};
use bowline_core::run::Intent;

use crate::aws::rds::Engine;
use crate::campaign::Twist;
use crate::faults::{Api, Evidence, Rates, Reach, Trouble};
use crate::story::{BreakGlass, Cue, Scenario, Script, Then, automatic, home};

/// When trouble begins, if nothing else is said.
const TROUBLE: Span = Span::mins(6);

/// A play for one group.
const fn play(name: &'static str, about: &'static str, script: fn(&Policy) -> Script) -> Scenario {
    Scenario { name, about, moves: true, groups: 1, policy: automatic, script }
}

macro_rules! kept {
    ($($name:literal,)+) => {
        /// Schedules that campaigns found, each with its JSON: the mistakes that they found are
        /// made again, to see that the schedule would still show them.
        pub const KEPT: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../campaigns/", $name, ".json")))),+];
    };
}

kept! {
    "s1-a-low-claim-at-the-lever-is-somebody-else-s",
    "s1-a-journal-that-promoted-what-was-replaced-leads-nowhere",
    "s1-the-writer-that-was-left-is-no-target-for-who-cannot-look",
    "s1-a-promotion-that-was-begun-tells-where-its-journal-leads",
    "s1-no-door-is-opened-beside-another-s-claim",
    "s3-traffic-does-not-move-to-a-front-that-stopped-serving",
    "s4-a-decision-that-the-store-held-up-is-not-followed-blindly",
    "s4-a-claim-is-no-beginning",
    "s5-a-batch-of-the-dead-changes-nothing",
    "s9-every-group-of-many-sees-its-check",
    "s7-a-stale-view-does-not-let-go",
    "s10-a-fault-that-is-over-dates-no-other",
    "s10-a-yes-to-leave-a-site-that-serves-again-is-refused",
    "s4-who-takes-over-leaves-no-site-that-serves",
    "s4-nothing-that-users-notice-is-begun-in-doubt",
    "s4-a-site-that-others-reach-again-is-not-left",
    "s10-what-was-only-prepared-is-not-gone-on-with",
    "s4-who-takes-over-watches-before-it-goes-on",
    "s4-a-site-that-answers-again-is-looked-at-first",
    "s10-an-order-does-not-outlast-its-outage",
    "s10-who-was-cut-off-looks-before-it-goes-on",
    "s4-a-record-that-the-store-refused-is-not-written-late",
    "s4-a-promotion-that-was-recorded-and-not-sent-is-not-made",
    "s4-what-was-recorded-and-not-sent-began-nothing",
    "s4-who-takes-over-asks-outside-before-it-goes-on",
    "s4-what-another-had-recorded-may-not-have-been-sent",
    "s10-what-bowline-alone-did-not-see-dates-no-fault",
    "l1-an-idle-postgresql-source-is-near",
}

/// Every play that was made for bugs.
pub const PLAYS: [Scenario; 36] = [
    play("gone", "home's Region is gone, until the application has moved", |p| {
        ends(25, vec![dead(p, 6, 60)])
    }),
    play("round-trip", "home's Region is gone for a while, and is come home to", |p| {
        ends(240, vec![dead(p, 6, 20)])
    }),
    play("targets-gone", "home's load balancers have no targets", |p| {
        ends(12, vec![spell(6, 60, Trouble::TargetsDown(home(p)))])
    }),
    play("deaf-clusters", "home does not serve, nor do its clusters' API servers answer", |p| {
        let region = home(p);
        let deaf = Trouble::ApiServersDown(region.clone());
        ends(40, vec![spell(6, 60, Trouble::TargetsDown(region)), spell(6, 60, deaf)])
    }),
    play("deaf-region", "home does not serve, nor does any of its APIs answer", |p| {
        let region = home(p);
        let deaf = Trouble::ApisDown(region.clone());
        ends(40, vec![spell(6, 60, Trouble::TargetsDown(region)), spell(6, 60, deaf)])
    }),
    play(
        "restarted",
        "home's Region stands still for a moment, and Bowline's clocks are slow",
        |p| {
            let region = home(p);
            let deaf = Trouble::ApiServersDown(region.clone());
            let lossy = Rates { only_changes: true, lost_before: 400, ..Rates::default() };
            let mut troubles = vec![spell(6, 60, Trouble::TargetsDown(region)), spell(6, 60, deaf)];
            troubles.push(spell(6, 20, Trouble::Calls(lossy)));
            troubles.extend((0..3).map(|seat| spell(2, 60, Trouble::Skewed(seat, -60_000))));
            let stands_still = |p: &Policy| Trouble::RegionDead(home(p));
            Script {
                cue: cue("claim.gaining", 0, Then::World(stands_still, Span::secs(20))),
                ..ends(40, troubles)
            }
        },
    ),
    play("standby-red", "home is back, out of Bowline's reach, and standby's users fail", |p| {
        let (deaf, red) = (Trouble::ApisDown(home(p)), Trouble::TargetsDown(standby(p)));
        ends(50, vec![dead(p, 6, 30), spell(6, 60, deaf), spell(36, 46, red)])
    }),
    play("shot", "somebody cancels a switchover while the replica is being promoted", |_| Script {
        cue: cue("promote", 2, Then::Intent(cancel)),
        ..switchover(150)
    }),
    Scenario {
        policy: |policy| {
            automatic(policy);
            policy.capacity.pools.clear();
        },
        ..play("roomy", "home's Region is gone, and standby has all nodes already", |p| {
            ends(20, vec![dead(p, 6, 60)])
        })
    },
    Scenario {
        policy: |policy| {
            automatic(policy);
            Twist::Gates.apply(policy);
        },
        ..play("silent-apis", "home serves; its ELB API and Route 53's are silent", |p| {
            let cut = |from| spell(6, 60, Trouble::Cut { seat: None, from });
            ends(20, vec![cut(Reach::Api(home(p), Api::Elb)), cut(Reach::Dns)])
        })
    },
    play("few-nodes", "home's Region is gone, and standby gets a few nodes only", |p| {
        let (cluster, pool) = (p.standby.cluster.clone(), "dr".into());
        let few = Trouble::NoCapacity { cluster, pool, available: 3 };
        ends(40, vec![dead(p, 6, 60), spell(5, 60, few)])
    }),
    play("standby-broken", "home's Region is gone, and standby's pods answer errors", |p| {
        let broken = Trouble::TargetsDown(standby(p));
        ends(30, vec![dead(p, 6, 60), spell(8, 60, broken)])
    }),
    Scenario {
        policy: |policy| {
            automatic(policy);
            policy.health.confirm = Span::mins(3);
        },
        ..play("stall", "home does not serve for two minutes, and then it does", |p| {
            let stall = Trouble::TargetsDown(home(p));
            ends(15, vec![spell(6, 8, stall)])
        })
    },
    play("own-eyes", "Bowline's own looks lie; Route 53's API is silent for a while", |p| {
        let lies = [Evidence::AlbTargets(home(p)), Evidence::Http(home(p))];
        let lies = lies.map(|lie| spell(6, 60, Trouble::FalseAlarm(lie)));
        let silent = Trouble::Cut { seat: None, from: Reach::Dns };
        let dns = (Span::mins(6), Some(Span::secs(460)), silent);
        ends(20, lies.into_iter().chain([dns]).collect())
    }),
    play("unarmed", "home's Region is gone before the group is armed", |p| {
        ends(15, vec![spell(2, 60, Trouble::RegionDead(home(p)))])
    }),
    play("skewed", "the replicas' wall clocks differ by 40 s", |_| {
        let skewed = |seat, by| spell(1, 60, Trouble::Skewed(seat, by));
        ends(10, vec![skewed(0, -40_000), skewed(2, 40_000)])
    }),
    play("leader-cut", "the leader cannot reach its store and its lease", |p| Script {
        cue: cue("fence", 1, Then::Leader(cut_off, Span::mins(2))),
        ..ends(25, vec![dead(p, 6, 60)])
    }),
    play("beside", "home's Region is gone, and a human acts beside a living controller", |p| {
        Script { break_glass: Some(beside()), ..ends(40, vec![dead(p, 6, 60)]) }
    }),
    Scenario {
        policy: |policy| {
            automatic(policy);
            policy.database = None;
            (policy.home.database, policy.standby.database) = (None, None);
        },
        ..play("beside-stateless", "the same, for an application without a database", |p| Script {
            break_glass: Some(beside()),
            ..ends(20, vec![dead(p, 6, 60)])
        })
    },
    play("changed-mind", "a switchover is cancelled when its site has long been silent", |_| {
        Script { cue: cue("quiet", 20, Then::Intent(cancel)), ..switchover(40) }
    }),
    play("not-home-yet", "the way home is cancelled when standby has long been silent", |p| {
        Script { cue: cue("quiet", 20, Then::Intent(cancel)), ..ends(120, vec![dead(p, 6, 20)]) }
    }),
    play("leader-killed", "the leader dies with the promotion on its way", |p| Script {
        // Its call is on its way.
        cue: Some(Cue {
            step: "promote",
            after: Span::millis(150),
            then: Then::Leader(Trouble::Crashed, Span::mins(1)),
        }),
        ..ends(240, vec![dead(p, 6, 20)])
    }),
    play("lossy", "home's Region is gone, and calls go wrong now and then", |p| {
        let rates = Rates {
            lost_before: 60,
            lost_after: 60,
            throttled: 20,
            transient: 30,
            twice: 30,
            delayed: 50,
            delay: Span::secs(8),
            ..Rates::default()
        };
        ends(30, vec![dead(p, 6, 60), spell(5, 60, Trouble::Calls(rates))])
    }),
    play("late", "home's Region is gone, and replies come late", |p| {
        let rates = Rates { delayed: 300, delay: Span::secs(20), ..Rates::default() };
        ends(30, vec![dead(p, 6, 60), spell(5, 60, Trouble::Calls(rates))])
    }),
    Scenario {
        policy: |policy| {
            automatic(policy);
            // Who is locked out stays so: nothing moves away from the closed door.
            policy.automation.failover = Mode::Manual;
            policy.automation.prewarm = Mode::Manual;
        },
        ..play("late-door", "a switchover is cancelled while its door may yet be closed", |p| {
            let held_up = |_: &Policy| {
                let (delayed, delay) = (1_000, Span::mins(4));
                Trouble::Calls(Rates { only_changes: true, delayed, delay, ..Rates::default() })
            };
            let run = RunId::new(format!("{}-1-switchover", p.group));
            let mut script = switchover(40);
            script.intents.push((Span::secs(440), cancel(&run)));
            // The story goes on until the call has come.
            script.intents.push((Span::mins(12), Intent::Pause { reason: "a look".into() }));
            Script { cue: cue("close", 0, Then::World(held_up, Span::millis(300))), ..script }
        })
    },
    Scenario {
        groups: 2,
        policy: |policy| {
            automatic(policy);
            policy.automation.failback = Mode::Manual;
        },
        ..play("one-comes-home", "of two groups that were moved one comes home", |p| {
            let down = spell(6, 20, Trouble::TargetsDown(home(p)));
            let back = Intent::Failback { reason: "it is well again".into() };
            Script { intents: vec![(Span::mins(40), back)], ..ends(200, vec![down]) }
        })
    },
    Scenario {
        policy: |policy| {
            automatic(policy);
            policy.automation.block_after_failover = Span::mins(12 * 60);
        },
        ..play("twice", "home fails, is come home to, and fails again", |p| {
            let down = |from, until| spell(from, until, Trouble::TargetsDown(home(p)));
            ends(220, vec![down(6, 12), down(210, 260)])
        })
    },
    Scenario {
        groups: 3,
        ..play("region-event", "a Region with three groups is gone", |p| {
            ends(15, vec![dead(p, 6, 60)])
        })
    },
    Scenario {
        groups: 3,
        ..play(
            "one-is-moved-by-hand",
            "a Region with three groups is gone, and a human moves one",
            |p| {
                let accept_loss = Some(Span::mins(30));
                let leave = Intent::Failover {
                    accept_loss,
                    reason: "it is gone".into(),
                    break_glass: None,
                };
                Script { intents: vec![(Span::mins(9), leave)], ..ends(25, vec![dead(p, 6, 60)]) }
            },
        )
    },
    play("never-streamed", "home's Region is gone, and MySQL had long stopped streaming", |p| {
        Script {
            engine: Some(Engine::MySql),
            ..ends(60, vec![spell(6, 90, Trouble::RegionsApart), dead(p, 26, 90)])
        }
    }),
    play("far-behind", "home's Region is gone while the replica catches up", |p| {
        ends(80, vec![spell(4, 50, Trouble::RegionsApart), dead(p, 53, 90)])
    }),
    play("apart-meanwhile", "replication is cut while a switchover silences the writer", |_| {
        let apart = |_: &Policy| Trouble::RegionsApart;
        Script { cue: cue("near.", 0, Then::World(apart, Span::mins(12))), ..switchover(60) }
    }),
    play("lost-batch", "Route 53's API is gone when the traffic is to move", |p| {
        let cut = |_: &Policy| Trouble::Cut { seat: None, from: Reach::Dns };
        Script {
            cue: cue("shift.", 0, Then::World(cut, Span::mins(8))),
            ..ends(50, vec![dead(p, 6, 60)])
        }
    }),
    play("broken-after", "standby's pods answer errors just after the traffic has moved", |p| {
        let broken = |p: &Policy| Trouble::TargetsDown(standby(p));
        Script {
            cue: cue("shift.", 4, Then::World(broken, Span::mins(8))),
            ..ends(50, vec![dead(p, 6, 60)])
        }
    }),
    play("planned", "a human moves the application to standby", |_| switchover(30)),
    play("all-cut", "no replica reaches its store for a minute, in the middle of a run", |p| {
        let cut = Trouble::Cut { seat: None, from: Reach::Management };
        ends(240, vec![dead(p, 6, 20), spell(9, 10, cut)])
    }),
];

fn standby(policy: &Policy) -> Region {
    policy.site(Site::Standby).scope.region.clone()
}

/// A human moves the application although the controller lives.
fn beside() -> BreakGlass {
    BreakGlass {
        export: Span::mins(5),
        journal: true,
        // The replicas stay.
        gone: (Span::secs(10), Span::secs(11)),
        runs: (Span::secs(450), Span::mins(30)),
        import: Span::mins(31),
    }
}

/// A trouble from minute to minute.
fn spell(from: u64, until: u64, trouble: Trouble) -> (Span, Option<Span>, Trouble) {
    (Span::mins(from), Some(Span::mins(until)), trouble)
}

fn dead(policy: &Policy, from: u64, until: u64) -> (Span, Option<Span>, Trouble) {
    spell(from, until, Trouble::RegionDead(home(policy)))
}

/// A script that ends after so many minutes.
fn ends(minutes: u64, troubles: Vec<(Span, Option<Span>, Trouble)>) -> Script {
    Script { troubles, until: Some(Span::mins(minutes)), ..Script::default() }
}

fn switchover(minutes: u64) -> Script {
    let wanted = Intent::Switchover { reason: "maintenance at home".into() };
    Script { intents: vec![(TROUBLE, wanted)], ..ends(minutes, Vec::new()) }
}

fn cue(step: &'static str, after_secs: u64, then: Then) -> Option<Cue> {
    Some(Cue { step, after: Span::secs(after_secs), then })
}

fn cancel(run: &RunId) -> Intent {
    Intent::Cancel { run: run.clone() }
}

fn cut_off(seat: usize) -> Trouble {
    Trouble::Cut { seat: Some(seat), from: Reach::Management }
}
