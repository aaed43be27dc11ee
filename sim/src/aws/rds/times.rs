//! How long what RDS does by itself takes.

use bowline_core::model::Span;

use crate::part::between;

/// From how long to how long something takes; how long it does take is drawn evenly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Takes {
    /// At least.
    pub from: Span,
    /// At most.
    pub to: Span,
}

/// How long what RDS does by itself takes. The default is RDS' own pace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Times {
    /// A promotion in all. Its parts keep their share of it.
    pub promotion: Takes,
    /// A rename.
    pub rename: Takes,
    /// A cross-Region replica, until it is `available`.
    pub replica: Takes,
    /// The engine's being down for a reboot.
    pub reboot: Takes,
    /// A backup.
    pub backup: Takes,
}

impl Default for Times {
    /// Minutes for a promotion with a reboot in it, up to ten minutes for a rename (RDS user
    /// guide). A replica takes hours where it is large; this one is small.
    fn default() -> Self {
        Self {
            promotion: PROMOTION,
            rename: Takes { from: Span::mins(1), to: Span::mins(10) },
            replica: Takes { from: Span::mins(10), to: Span::mins(30) },
            reboot: Takes { from: Span::secs(10), to: Span::secs(60) },
            backup: Takes { from: Span::mins(2), to: Span::mins(8) },
        }
    }
}

/// The promotion whose parts are known one by one.
const PROMOTION: Takes = Takes { from: Span::mins(2), to: Span::mins(6) };

impl Takes {
    /// From so many seconds to so many.
    #[must_use]
    pub const fn secs(from: u64, to: u64) -> Self {
        Self { from: Span::secs(from), to: Span::secs(to) }
    }

    /// How long it takes this time.
    pub(super) fn draw(self, rng: &mut fastrand::Rng) -> Span {
        between(rng, self.from, self.to)
    }
}

impl Times {
    /// How long a part of a promotion takes this time, which takes `parts` of the default one.
    pub(super) fn part_of_promotion(&self, parts: Takes, rng: &mut fastrand::Rng) -> Span {
        let (own, usual) = (self.promotion.from.as_millis(), PROMOTION.from.as_millis());
        let share = |span: Span| Span::millis(span.as_millis() * own / usual);
        Takes { from: share(parts.from), to: share(parts.to) }.draw(rng)
    }
}
