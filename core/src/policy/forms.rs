//! The forms of texts in a policy: a duration, a Region, an ARN. Each has a pattern, which stands
//! in the schema, where editors and API servers check it, and the same check in Rust with words for
//! a human.
//!
//! A pattern is the form's name: the schema's `pattern` leads to the [`Form`] here.

use crate::model::Span;

/// The pattern of a duration ([`Span`]'s schema has it).
pub(crate) const DURATION: &str = "^([0-9]+(ms|s|m|h|d))+$";
/// A duration longer than nothing.
pub(crate) const POSITIVE: &str =
    "^([0-9]+(ms|s|m|h|d))*0*[1-9][0-9]*(ms|s|m|h|d)([0-9]+(ms|s|m|h|d))*$";
/// An AWS Region.
pub(crate) const REGION: &str = "^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$";
/// An IAM role's ARN.
pub(crate) const ROLE_ARN: &str = "^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+$";
/// An ALB's or NLB's ARN.
pub(crate) const LOAD_BALANCER_ARN: &str = concat!(
    "^arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:[0-9]{12}:",
    "loadbalancer/(app|net)/[A-Za-z0-9/-]+$"
);
/// A name of the policy's own.
pub(crate) const LABEL: &str = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$";
/// A group's name: a DNS label short enough for the names Bowline makes of it.
pub(crate) const GROUP: &str = "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$";
/// A Kubernetes object's name.
pub(crate) const OBJECT: &str = "^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$";
/// A cluster, a kubeconfig's context, a key of a Secret: one word.
pub(crate) const WORD: &str = "^[A-Za-z0-9][A-Za-z0-9_.:/@-]{0,252}$";
/// A DNS name; capitals and a trailing dot are taken and removed.
pub(crate) const HOST: &str =
    "^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?[.])+[A-Za-z0-9-]{2,63}[.]?$";
/// A hosted zone's id.
pub(crate) const ZONE: &str = "^[A-Z0-9]{1,32}$";
/// A health check's id.
pub(crate) const HEALTH_CHECK: &str = "^[A-Za-z0-9][A-Za-z0-9-]{0,63}$";
/// A security group's id.
pub(crate) const SECURITY_GROUP: &str = "^sg-[0-9a-f]{8,17}$";
/// An RDS instance's identifier.
pub(crate) const INSTANCE: &str = "^[a-z][a-z0-9-]{0,62}$";
/// A path of a URL.
pub(crate) const PATH: &str = "^/[!-~]*$";
/// A URL of a web service.
pub(crate) const URL: &str = "^https?://[!-~]+$";
/// A status or a range of statuses.
pub(crate) const STATUSES: &str = "^[1-5][0-9]{2}(-[1-5][0-9]{2})?$";
/// An HTTP header's name.
pub(crate) const HEADER: &str = "^[A-Za-z0-9][A-Za-z0-9-]{0,63}$";
/// A Kubernetes quantity.
pub(crate) const QUANTITY: &str = "^[0-9]+(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$";
/// An object in S3.
pub(crate) const S3_OBJECT: &str = "^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[!-~]+$";

/// No duration of a policy is longer; a longer one is a slip of the pen.
pub(crate) const LONGEST: Span = Span::mins(31 * 24 * 60);

/// What a text must look like.
#[derive(Debug)]
pub(crate) struct Form {
    /// Its pattern, as the schema has it.
    pub(crate) pattern: &'static str,
    /// What such a text is, with its article.
    pub(crate) what: &'static str,
    /// One that is right, with which an unreadable one is replaced while the rest is checked.
    pub(crate) example: &'static str,
    /// Whether a text is one.
    pub(crate) fits: fn(&str) -> bool,
}

/// The form with a pattern.
#[must_use]
pub(crate) fn by_pattern(pattern: &str) -> Option<&'static Form> {
    FORMS.iter().find(|form| form.pattern == pattern)
}

const fn form(
    pattern: &'static str,
    what: &'static str,
    example: &'static str,
    fits: fn(&str) -> bool,
) -> Form {
    Form { pattern, what, example, fits }
}

/// All forms.
pub(crate) const FORMS: &[Form] = &[
    form(DURATION, "a duration of at most 31 days", "90s", is_duration),
    form(POSITIVE, "a duration longer than nothing, of at most 31 days", "90s", is_positive),
    form(REGION, "an AWS Region", "eu-west-1", is_region),
    form(ROLE_ARN, "an IAM role's ARN", "arn:aws:iam::111111111111:role/bowline", is_role),
    form(
        LOAD_BALANCER_ARN,
        "a load balancer's ARN",
        concat!(
            "arn:aws:elasticloadbalancing:eu-west-1:111111111111:",
            "loadbalancer/app/shop/0123456789abcdef"
        ),
        is_load_balancer,
    ),
    form(LABEL, "a name of small letters, digits and hyphens", "web", |t| is_label(t, 63)),
    form(GROUP, "a name of at most 40 small letters, digits and hyphens", "shop", |t| {
        is_label(t, 40)
    }),
    form(OBJECT, "a Kubernetes name", "shop-web", is_object),
    form(WORD, "a name", "shop-home", is_word),
    form(HOST, "a DNS name", "shop.example.com", is_host),
    form(ZONE, "a hosted zone's id", "Z0123456789", is_zone),
    form(HEALTH_CHECK, "a health check's id", "0a1b2c3d-4e5f-6789-abcd-ef0123456789", is_id),
    form(SECURITY_GROUP, "a security group's id", "sg-0aaaaaaaaaaaaaaaa", is_security_group),
    form(INSTANCE, "an RDS instance's identifier", "shop-home", is_instance),
    form(PATH, "a path", "/healthz", |t| t.starts_with('/') && is_visible(t)),
    form(URL, "a web address", "https://shop.example.com/healthz", is_url),
    form(STATUSES, "an HTTP status or a range of them", "200-299", |t| statuses(t).is_some()),
    form(HEADER, "an HTTP header's name", "x-site", is_id),
    form(QUANTITY, "a Kubernetes quantity", "800Gi", |t| quantity(t).is_some()),
    form(S3_OBJECT, "an object in S3", "s3://bowline-gates/shop", is_s3_object),
];

fn is_duration(text: &str) -> bool {
    text.parse::<Span>().is_ok_and(|span| span <= LONGEST)
}

fn is_positive(text: &str) -> bool {
    is_duration(text) && text.parse::<Span>().is_ok_and(|span| span > Span::ZERO)
}

fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [first, middle @ .., last] = parts.as_slice() else { return false };
    let small = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    sized(first, 2, 4)
        && small(first)
        && !middle.is_empty()
        && middle.iter().all(small)
        && sized(last, 1, 2)
        && last.bytes().all(|b| b.is_ascii_digit())
}

/// An ARN's partition is right; gives service, Region, account and resource.
fn arn(text: &str) -> Option<[&str; 4]> {
    let mut parts = text.splitn(6, ':');
    let (arn, partition) = (parts.next()?, parts.next()?);
    let fields = [parts.next()?, parts.next()?, parts.next()?, parts.next()?];
    let partition = partition.strip_prefix("aws")?;
    let known = partition.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    (arn == "arn" && known && is_account(fields[2])).then_some(fields)
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_role(text: &str) -> bool {
    let Some(["iam", "", _, resource]) = arn(text) else { return false };
    resource.strip_prefix("role/").is_some_and(|name| {
        !name.is_empty() && name.bytes().all(|b| is_word_byte(b) || b"_+=,.@/".contains(&b))
    })
}

fn is_load_balancer(text: &str) -> bool {
    let Some(["elasticloadbalancing", region, _, resource]) = arn(text) else { return false };
    let rest = ["loadbalancer/app/", "loadbalancer/net/"]
        .into_iter()
        .find_map(|kind| resource.strip_prefix(kind));
    !region.is_empty()
        && region.bytes().all(|b| is_word_byte(b) && !b.is_ascii_uppercase())
        && rest.is_some_and(|rest| {
            !rest.is_empty() && rest.bytes().all(|b| is_word_byte(b) || b == b'/')
        })
}

/// The account of an ARN.
#[must_use]
pub(crate) fn account_of(arn_text: &str) -> Option<&str> {
    arn(arn_text).map(|[_, _, account, _]| account)
}

/// The Region of an ARN.
#[must_use]
pub(crate) fn region_of(arn_text: &str) -> Option<&str> {
    arn(arn_text).map(|[_, region, _, _]| region)
}

fn is_label(text: &str, longest: usize) -> bool {
    sized(text, 1, longest)
        && text.bytes().all(|b| is_word_byte(b) && !b.is_ascii_uppercase())
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn is_object(text: &str) -> bool {
    let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    sized(text, 1, 253)
        && text.bytes().all(|b| (is_word_byte(b) && !b.is_ascii_uppercase()) || b == b'.')
        && edge(text.bytes().next())
        && edge(text.bytes().last())
}

fn is_word(text: &str) -> bool {
    sized(text, 1, 253)
        && text.bytes().all(|b| is_word_byte(b) || b"_.:/@".contains(&b))
        && text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
}

fn is_host(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    let Some((labels, top)) = text.rsplit_once('.') else { return false };
    labels.split('.').all(|label| is_label(&label.to_ascii_lowercase(), 63))
        && sized(top, 2, 63)
        && top.bytes().all(is_word_byte)
}

fn is_id(text: &str) -> bool {
    sized(text, 1, 64) && text.bytes().all(is_word_byte) && !text.starts_with('-')
}

fn is_zone(text: &str) -> bool {
    sized(text, 1, 32) && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

fn is_security_group(text: &str) -> bool {
    text.strip_prefix("sg-").is_some_and(|id| {
        sized(id, 8, 17) && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    })
}

fn is_instance(text: &str) -> bool {
    sized(text, 1, 63)
        && text.bytes().all(|b| is_word_byte(b) && !b.is_ascii_uppercase())
        && text.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
}

fn is_url(text: &str) -> bool {
    ["https://", "http://"]
        .into_iter()
        .find_map(|scheme| text.strip_prefix(scheme))
        .is_some_and(|rest| !rest.is_empty() && is_visible(rest))
}

fn is_s3_object(text: &str) -> bool {
    let Some((bucket, key)) = text.strip_prefix("s3://").and_then(|t| t.split_once('/')) else {
        return false;
    };
    sized(bucket, 3, 63) && is_object(bucket) && !key.is_empty() && is_visible(key)
}

/// The lowest and highest status of `200` or `200-299`.
#[must_use]
pub(crate) fn statuses(text: &str) -> Option<(u16, u16)> {
    let one = |text: &str| -> Option<u16> {
        let digits = text.len() == 3 && text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|status| digits && (100..600).contains(status))
    };
    match text.split_once('-') {
        None => one(text).map(|status| (status, status)),
        Some((low, high)) => Some((one(low)?, one(high)?)),
    }
}

/// A quantity in thousandths, as far as it fits.
#[must_use]
pub(crate) fn quantity(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let thousandths: u64 = match unit {
        "m" => 1,
        "" => 1_000,
        "k" => 1_000_000,
        "M" => 1_000_000_000,
        "G" => 1_000_000_000_000,
        "T" => 1_000_000_000_000_000,
        "P" => 1_000_000_000_000_000_000,
        "Ki" => 1_000 << 10,
        "Mi" => 1_000 << 20,
        "Gi" => 1_000 << 30,
        "Ti" => 1_000 << 40,
        "Pi" => 1_000 << 50,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(thousandths)
}

fn sized(text: &str, shortest: usize, longest: usize) -> bool {
    (shortest..=longest).contains(&text.len())
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

fn is_visible(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::string::string_regex;

    use super::*;

    fn fits(pattern: &str, text: &str) -> bool {
        (by_pattern(pattern).expect("a form").fits)(text)
    }

    #[test]
    fn every_example_fits_its_form() {
        for form in FORMS {
            assert!((form.fits)(form.example), "{}: {}", form.what, form.example);
        }
    }

    #[test]
    fn no_form_takes_nothing_blanks_or_other_alphabets() {
        for form in FORMS {
            for text in ["", " ", "a b", "\u{fc}.example.com", "a\nb", "-", "*"] {
                assert!(!(form.fits)(text), "{} took {text:?}", form.what);
            }
        }
    }

    #[test]
    fn the_duration_of_the_model_has_the_pattern_that_is_known_here() {
        let schema = schemars::schema_for!(Span);
        assert_eq!(schema.get("pattern"), Some(&DURATION.into()));
    }

    #[test]
    fn what_is_a_little_wrong_is_refused() {
        let wrong = [
            (DURATION, "90"),
            (DURATION, "1w"),
            (DURATION, "32d"),
            (POSITIVE, "0s"),
            (POSITIVE, "0m0s"),
            (REGION, "eu-west"),
            (REGION, "eu_west_1"),
            (REGION, "EU-WEST-1"),
            (ROLE_ARN, "arn:aws:iam::1111:role/x"),
            (ROLE_ARN, "arn:aws:iam::111111111111:user/x"),
            (ROLE_ARN, "bowline"),
            (LOAD_BALANCER_ARN, "arn:aws:iam::111111111111:role/x"),
            (LABEL, "Web"),
            (LABEL, "web-"),
            (GROUP, "a-name-that-goes-on-and-on-beyond-forty-one"),
            (OBJECT, ".web"),
            (HOST, "localhost"),
            (HOST, "*.example.com"),
            (HOST, "shop..example.com"),
            (ZONE, "/hostedzone/Z1"),
            (SECURITY_GROUP, "sg-xyz"),
            (INSTANCE, "1shop"),
            (PATH, "healthz"),
            (URL, "ftp://shop.example.com"),
            (URL, "shop.example.com/healthz"),
            (STATUSES, "2xx"),
            (STATUSES, "200-"),
            (STATUSES, "600"),
            (QUANTITY, "800GB"),
            (QUANTITY, "-1"),
            (QUANTITY, "0.5"),
            (S3_OBJECT, "s3://bucket"),
            (S3_OBJECT, "s3://bucket/"),
            (S3_OBJECT, "s3://b/key"),
            (S3_OBJECT, "s3://Bucket/key"),
            (S3_OBJECT, "s3://bucket/a key"),
            (REGION, "-west-1"),
            (REGION, "e-west-1"),
            (REGION, "eu--1"),
            (REGION, "eu-we5t-1"),
            (REGION, "eu-west-x"),
            (REGION, "eu-west-100"),
            (ROLE_ARN, "arn:aws:iam::111111111111:role/"),
            (ROLE_ARN, "arn:aws:iam::111111111111:role/a b"),
            (SECURITY_GROUP, "sg-1234567"),
            (SECURITY_GROUP, "sg-1234567g"),
            (URL, "https://"),
            (URL, "https://a b"),
            (STATUSES, "20"),
            (STATUSES, "0200"),
            (STATUSES, "+20"),
        ];
        for (pattern, text) in wrong {
            assert!(!fits(pattern, text), "{text:?} fits {pattern}");
        }
    }

    #[test]
    fn a_load_balancers_arn_names_its_region_kind_and_name() {
        let arn = |region: &str, resource: &str| {
            format!("arn:aws:elasticloadbalancing:{region}:111111111111:{resource}")
        };
        let fit = |text: &str| fits(LOAD_BALANCER_ARN, text);
        assert!(fit(&arn("eu-west-1", "loadbalancer/app/shop/50dc6c495c0c9188")));
        assert!(fit(&arn("eu-west-1", "loadbalancer/net/shop/50dc6c495c0c9188")));
        for (region, resource) in [
            ("", "loadbalancer/app/shop/50dc6c495c0c9188"),
            ("EU-west-1", "loadbalancer/app/shop/50dc6c495c0c9188"),
            ("eu_west_1", "loadbalancer/app/shop/50dc6c495c0c9188"),
            ("eu-west-1", "loadbalancer/app/"),
            ("eu-west-1", "loadbalancer/app/sh op"),
            ("eu-west-1", "targetgroup/shop/50dc6c495c0c9188"),
        ] {
            assert!(!fit(&arn(region, resource)), "{region} {resource}");
        }
    }

    #[test]
    fn every_unit_of_a_quantity_is_known() {
        for (n, unit) in (0..).zip(["m", "", "k", "M", "G", "T", "P"]) {
            assert_eq!(quantity(&format!("3{unit}")), Some(3 * 1_000_u64.pow(n)), "{unit}");
        }
        for (n, unit) in (1..).zip(["Ki", "Mi", "Gi", "Ti", "Pi"]) {
            assert_eq!(quantity(&format!("3{unit}")), Some(3_000 * 1_024_u64.pow(n)), "{unit}");
        }
    }

    #[test]
    fn quantities_are_read_in_thousandths() {
        assert_eq!(quantity("200"), Some(200_000));
        assert_eq!(quantity("500m"), Some(500));
        assert_eq!(quantity("1Ki"), Some(1_024_000));
        assert_eq!(quantity("2M"), Some(2_000_000_000));
        assert_eq!(quantity("99999999999P"), None);
    }

    #[test]
    fn statuses_are_one_or_a_range() {
        assert_eq!(statuses("204"), Some((204, 204)));
        assert_eq!(statuses("200-299"), Some((200, 299)));
    }

    #[test]
    fn an_arn_tells_its_account_and_region() {
        let arn = by_pattern(LOAD_BALANCER_ARN).expect("a form").example;
        assert_eq!(account_of(arn), Some("111111111111"));
        assert_eq!(region_of(arn), Some("eu-west-1"));
        assert_eq!(account_of("bowline"), None);
    }

    proptest! {
        #[test]
        fn what_an_api_server_lets_in_by_its_pattern_fits_here_too(
            (index, text) in (0..FORMS.len()).prop_flat_map(|index| {
                let pattern = FORMS[index].pattern.trim_start_matches('^').trim_end_matches('$');
                (Just(index), string_regex(pattern).expect("a pattern proptest knows"))
            })
        ) {
            let form = &FORMS[index];
            // Sizes have limits that a pattern does not say.
            let limited = [DURATION, POSITIVE, QUANTITY].contains(&form.pattern);
            prop_assert!(limited || (form.fits)(&text), "{} refused {text:?}", form.what);
        }

        #[test]
        fn no_text_makes_a_form_panic(text in "\\PC{0,40}") {
            for form in FORMS {
                let _ = (form.fits)(&text);
            }
        }
    }
}
