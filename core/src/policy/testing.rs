//! For tests: an example with one slip, and the place where it must be told.

use super::examples::SHOP;
use super::problem::Severity;
use super::{Code, Loaded, Place, Problems, load};

/// The ARN of the standby's load balancer in the shop.
pub(super) const STANDBY_ARN: &str = concat!(
    "arn:aws:elasticloadbalancing:eu-central-1:111111111111:",
    "loadbalancer/app/shop/fedcba9876543210"
);

/// The shop with a text exchanged, each of which must be there exactly once. In the new text `«`
/// and `»` mark where the problem must be told.
pub(super) struct Slip {
    text: String,
    marked: Option<Place>,
}

impl Slip {
    /// Exchanges one text.
    pub(super) fn new(old: &str, new: &str) -> Self {
        Self { text: SHOP.to_owned(), marked: None }.and(old, new)
    }

    /// Exchanges another text.
    pub(super) fn and(mut self, old: &str, new: &str) -> Self {
        let found: Vec<usize> = self.text.match_indices(old).map(|(at, _)| at).collect();
        let [at] = found.as_slice() else { panic!("{old:?} is there {} times", found.len()) };
        let plain = new.replace(['«', '»'], "");
        let breaks = |text: &str| text.matches('\n').count() as u32;
        let line = breaks(&self.text[..*at]) + 1;
        if let Some(marked) = self.marked.as_mut().filter(|marked| marked.line > line) {
            marked.line = marked.line + breaks(&plain) - breaks(old);
        }
        if let Some((before, rest)) = new.split_once('«') {
            let (meant, _) = rest.split_once('»').expect("a closing mark");
            let start = format!("{}{before}", &self.text[..*at]);
            let line = start.matches('\n').count() as u32 + 1;
            let column = start.rsplit('\n').next().map_or(0, |l| l.chars().count()) as u32 + 1;
            self.marked = Some(Place { line, column, width: meant.chars().count() as u32 });
        }
        self.text.replace_range(*at..at + old.len(), &plain);
        self
    }

    /// What loading it says.
    pub(super) fn load(&self) -> Result<Loaded, Problems> {
        load("shop.yaml", &self.text)
    }

    /// It must be refused for exactly one problem, at the mark, and gives message and remedy.
    #[track_caller]
    pub(super) fn is(&self, code: Code, path: &str) -> (String, String) {
        let problems = self.load().expect_err("it must be refused");
        self.only(&problems, Severity::Error, code, path)
    }

    /// It must be taken with exactly one warning, at the mark.
    #[track_caller]
    pub(super) fn warns(&self, code: Code, path: &str) -> (String, String) {
        let loaded = self.load().unwrap_or_else(|problems| panic!("{problems}"));
        self.only(&loaded.warnings, Severity::Warning, code, path)
    }

    /// It must be taken without a word.
    #[track_caller]
    pub(super) fn is_fine(&self) -> super::Policy {
        let mut loaded = self.load().unwrap_or_else(|problems| panic!("{problems}"));
        assert!(loaded.warnings.list.is_empty(), "{}", loaded.warnings);
        loaded.policies.remove(0)
    }

    #[track_caller]
    fn only(
        &self,
        problems: &Problems,
        severity: Severity,
        code: Code,
        path: &str,
    ) -> (String, String) {
        let [problem] = problems.list.as_slice() else { panic!("not one problem:\n{problems}") };
        assert_eq!((problem.severity, problem.code), (severity, code), "{problems}");
        assert_eq!(problem.path, path, "{problems}");
        let marked = self.marked.expect("a mark");
        assert_eq!(problem.place, Some(marked), "the place must be {marked:?}:\n{problems}");
        assert!(!problem.remedy.is_empty(), "{problems}");
        (problem.message.clone(), problem.remedy.clone())
    }
}
