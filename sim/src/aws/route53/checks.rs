//! Health checks: what they watch, and whether they are healthy.

use std::collections::BTreeMap;

use bowline_core::model::{HealthCheckId, Mono, Span};
use bowline_core::op::{Answer, Fault, HealthCheck, HealthCheckKind};

use super::checkers::{CHECKERS, Checkers};
use crate::part::earliest;

/// What a health check watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watches {
    /// An endpoint, probed by each checker every `interval` (10 or 30 s).
    Endpoint {
        /// How often each checker probes.
        interval: Span,
        /// Probes in a row that change a checker's word, 1–10.
        threshold: u32,
    },
    /// Other checks: healthy when at least `threshold` of them are.
    Calculated {
        /// How many must be healthy.
        threshold: u32,
        /// Which.
        children: Vec<HealthCheckId>,
    },
}

/// A health check to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckSpec {
    /// Its id.
    pub id: HealthCheckId,
    /// What it watches.
    pub watches: Watches,
    /// A disabled check counts as healthy.
    pub disabled: bool,
    /// Healthy and unhealthy exchanged.
    pub inverted: bool,
}

#[derive(Clone, Debug)]
struct Check {
    spec: CheckSpec,
    checkers: Option<Checkers>,
}

/// All health checks of the account.
#[derive(Clone, Debug, Default)]
pub(super) struct Checks {
    checks: BTreeMap<HealthCheckId, Check>,
}

impl Checks {
    /// Creates a check. It starts healthy (inverted: unhealthy), whatever its endpoint does.
    pub(super) fn create(&mut self, spec: CheckSpec, rng: &mut fastrand::Rng) {
        let checkers = match &spec.watches {
            Watches::Endpoint { interval, threshold } => {
                Some(Checkers::new(*interval, *threshold, rng))
            }
            Watches::Calculated { .. } => None,
        };
        self.checks.insert(spec.id.clone(), Check { spec, checkers });
    }

    /// Whether there is such a check.
    #[must_use]
    pub(super) fn exists(&self, id: &HealthCheckId) -> bool {
        self.checks.contains_key(id)
    }

    /// The endpoint that a check probes answers from now on, or does not.
    pub(super) fn set_endpoint(&mut self, id: &HealthCheckId, answers: bool, now: Mono) {
        let found = self.checks.get_mut(id).and_then(|check| check.checkers.as_mut());
        if let Some(checkers) = found {
            checkers.set(answers, now);
        }
    }

    /// Disables or enables a check.
    pub(super) fn set_disabled(&mut self, id: &HealthCheckId, disabled: bool) {
        if let Some(check) = self.checks.get_mut(id) {
            check.spec.disabled = disabled;
        }
    }

    /// Whether a check is healthy, as the name servers see it. One that does not exist counts as
    /// such.
    #[must_use]
    pub(super) fn healthy(&self, id: &HealthCheckId, now: Mono) -> bool {
        let Some(check) = self.checks.get(id) else { return true };
        if check.spec.disabled {
            return true;
        }
        let seen = match (&check.spec.watches, &check.checkers) {
            (Watches::Calculated { threshold, children }, _) => {
                let healthy = children.iter().filter(|child| self.healthy(child, now)).count();
                healthy as u64 >= u64::from(*threshold)
            }
            (Watches::Endpoint { .. }, checkers) => {
                checkers.as_ref().is_none_or(|checkers| checkers.healthy(now))
            }
        };
        seen != check.spec.inverted
    }

    /// `GetHealthCheckStatus`: what each checker says, before any inversion.
    ///
    /// # Errors
    /// [`Fault::NotFound`].
    pub(super) fn status(&self, id: &HealthCheckId, now: Mono) -> Result<Answer, Fault> {
        let check = self.checks.get(id).ok_or_else(|| no_such(id))?;
        let of = CHECKERS as u32;
        let healthy = match &check.checkers {
            Some(checkers) if !check.spec.disabled => checkers.count(now),
            _ => of * u32::from(self.healthy(id, now)),
        };
        Ok(Answer::CheckStatus { healthy, of })
    }

    /// `GetHealthCheck`.
    ///
    /// # Errors
    /// [`Fault::NotFound`].
    pub(super) fn describe(&self, id: &HealthCheckId) -> Result<Answer, Fault> {
        let spec = &self.checks.get(id).ok_or_else(|| no_such(id))?.spec;
        let kind = match &spec.watches {
            Watches::Endpoint { interval, threshold } => {
                HealthCheckKind::Endpoint { interval: *interval, threshold: *threshold }
            }
            Watches::Calculated { threshold, children } => {
                let children = children.len() as u32;
                HealthCheckKind::Calculated { threshold: *threshold, children }
            }
        };
        let (disabled, inverted) = (spec.disabled, spec.inverted);
        Ok(Answer::HealthCheck(HealthCheck { id: id.clone(), kind, disabled, inverted }))
    }

    /// When a check's verdict turns next.
    #[must_use]
    pub(super) fn next(&self) -> Option<Mono> {
        earliest(self.checks.values().map(|check| check.checkers.as_ref().and_then(Checkers::turn)))
    }

    /// Whether any verdict has turned by now; told once.
    pub(super) fn turned(&mut self, now: Mono) -> bool {
        let checkers = self.checks.values_mut().filter_map(|check| check.checkers.as_mut());
        checkers.fold(false, |turned, checkers| checkers.turned(now) | turned)
    }
}

fn no_such(id: &HealthCheckId) -> Fault {
    Fault::NotFound(format!("NoSuchHealthCheck: {id}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(id: &str) -> CheckSpec {
        CheckSpec {
            id: id.into(),
            watches: Watches::Endpoint { interval: Span::secs(10), threshold: 3 },
            disabled: false,
            inverted: false,
        }
    }

    fn calculated(id: &str, threshold: u32, children: &[&str]) -> CheckSpec {
        let children = children.iter().map(|child| (*child).into()).collect();
        CheckSpec { watches: Watches::Calculated { threshold, children }, ..endpoint(id) }
    }

    fn checks(specs: impl IntoIterator<Item = CheckSpec>) -> Checks {
        let mut checks = Checks::default();
        let mut rng = fastrand::Rng::with_seed(7);
        specs.into_iter().for_each(|spec| checks.create(spec, &mut rng));
        checks
    }

    const LATER: Mono = Mono(600_000);

    #[test]
    fn a_new_check_starts_healthy_and_an_inverted_one_unhealthy() {
        let checks = checks([endpoint("a"), CheckSpec { inverted: true, ..endpoint("i") }]);
        assert!(checks.healthy(&"a".into(), Mono(0)));
        assert!(!checks.healthy(&"i".into(), Mono(0)));
    }

    #[test]
    fn a_disabled_check_counts_as_healthy() {
        let mut checks = checks([endpoint("a"), CheckSpec { inverted: true, ..endpoint("i") }]);
        checks.set_endpoint(&"a".into(), false, Mono(0));
        assert!(!checks.healthy(&"a".into(), LATER));
        checks.set_disabled(&"a".into(), true);
        checks.set_disabled(&"i".into(), true);
        assert!(checks.healthy(&"a".into(), LATER) && checks.healthy(&"i".into(), LATER));
        assert_eq!(
            checks.status(&"a".into(), LATER),
            Ok(Answer::CheckStatus { healthy: 16, of: 16 })
        );
    }

    #[test]
    fn a_threshold_above_the_children_is_always_closed_and_zero_always_open() {
        let mut checks = checks([
            endpoint("child"),
            calculated("closed", 2, &["child"]),
            calculated("open", 0, &["child"]),
            calculated("empty", 1, &[]),
        ]);
        for up in [true, false] {
            checks.set_endpoint(&"child".into(), up, Mono(0));
            assert!(!checks.healthy(&"closed".into(), LATER));
            assert!(!checks.healthy(&"empty".into(), LATER));
            assert!(checks.healthy(&"open".into(), LATER));
        }
        let Ok(Answer::HealthCheck(found)) = checks.describe(&"closed".into()) else { panic!() };
        assert!(found.always_closed());
    }

    #[test]
    fn a_calculated_check_follows_its_children() {
        let mut checks = checks([endpoint("a"), endpoint("b"), calculated("both", 2, &["a", "b"])]);
        assert!(checks.healthy(&"both".into(), LATER));
        checks.set_endpoint(&"b".into(), false, Mono(0));
        assert!(!checks.healthy(&"both".into(), LATER));
        assert_eq!(
            checks.status(&"both".into(), LATER),
            Ok(Answer::CheckStatus { healthy: 0, of: 16 })
        );
    }

    #[test]
    fn the_inverse_of_a_check_on_one_bit_is_its_opposite() {
        let mut checks = checks([endpoint("home"), CheckSpec { inverted: true, ..endpoint("s") }]);
        for (at, bit) in [(0, false), (1_000_000, true)] {
            checks.set_endpoint(&"home".into(), bit, Mono(at));
            checks.set_endpoint(&"s".into(), bit, Mono(at));
            let later = Mono(at + 600_000);
            assert_eq!(checks.healthy(&"home".into(), later), bit);
            assert_eq!(checks.healthy(&"s".into(), later), !bit);
        }
    }

    #[test]
    fn a_missing_check_is_not_found_and_counts_as_healthy() {
        let checks = checks([]);
        assert!(checks.healthy(&"x".into(), LATER) && !checks.exists(&"x".into()));
        assert!(matches!(checks.status(&"x".into(), LATER), Err(Fault::NotFound(_))));
        assert!(matches!(checks.describe(&"x".into()), Err(Fault::NotFound(_))));
    }

    #[test]
    fn the_next_turn_is_the_earliest_of_all_checks() {
        let mut checks = checks([endpoint("a"), endpoint("b")]);
        assert_eq!(checks.next(), None);
        checks.set_endpoint(&"b".into(), false, Mono(0));
        let turn = checks.next().unwrap();
        assert!(!checks.turned(Mono(turn.0 - 1)));
        assert!(checks.turned(turn) && !checks.turned(turn));
        assert_eq!(checks.next(), None);
    }
}
