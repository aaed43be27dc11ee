//! Loading: every error at once, and never a panic.

mod together;

use proptest::prelude::*;

use super::*;
use crate::policy::examples::{MINIMAL, SHOP};

const MANY_ERRORS: &str = include_str!("many_errors.yaml");
const MANY_ERRORS_TOLD: &str = include_str!("many_errors.txt");

#[test]
fn a_file_with_many_errors_is_told_all_of_them_at_once() {
    let problems = load("shop.yaml", MANY_ERRORS).expect_err("many errors");
    let told = format!("{problems}\n");
    assert_eq!(told, MANY_ERRORS_TOLD, "told now:\n{told}");
}

#[test]
fn problems_come_in_the_order_of_the_file() {
    let problems = load("shop.yaml", MANY_ERRORS).expect_err("many errors");
    let places: Vec<_> = problems.list.iter().map(|problem| problem.place).collect();
    assert!(places.is_sorted_by_key(|place| place.map(|p| (p.line, p.column))));
    assert!(places.iter().all(Option::is_some));
}

#[test]
fn several_groups_are_read_from_one_file() {
    let both = format!("{MINIMAL}---\n{SHOP}");
    let loaded = load("all.yaml", &both).expect("both are valid");
    let names: Vec<&str> = loaded.policies.iter().map(|policy| policy.group.as_str()).collect();
    assert_eq!(names, ["site", "shop"]);
}

#[test]
fn a_document_that_does_not_say_what_it_is_lacks_that_and_is_read() {
    let text = MINIMAL.replace("kind: FailoverGroup", "kind: ");
    let problems = load("site.yaml", &text).expect_err("no kind");
    let [problem] = problems.list.as_slice() else { panic!("{problems}") };
    assert_eq!((problem.code, problem.path.as_str()), (Code::WrongType, "kind"));
}

#[test]
fn a_document_without_anything_in_it_is_none() {
    let loaded = load("all.yaml", &format!("# nothing yet\n---\n{MINIMAL}---\n~\n")).unwrap();
    assert_eq!(loaded.policies.len(), 1);
}

#[test]
fn one_bad_group_refuses_the_file_and_places_count_from_its_start() {
    let both = format!("{MINIMAL}---\n{}", SHOP.replace("quorum: 2", "quorum: 9"));
    let problems = load("all.yaml", &both).expect_err("the second is not valid");
    let line = both.lines().position(|line| line.contains("quorum: 9")).expect("there") + 1;
    assert_eq!(problems.list[0].place.map(|place| place.line as usize), Some(line));
    assert!(problems.list[0].source.contains("quorum: 9"));
}

#[test]
fn two_groups_of_one_name_are_refused() {
    let problems = load("all.yaml", &format!("{SHOP}---\n{SHOP}")).expect_err("twice the shop");
    assert_eq!(problems.list.len(), 1);
    assert_eq!(problems.list[0].code, Code::Duplicate);
    let other = SHOP.replace("namespace: bowline", "namespace: other");
    assert!(load("all.yaml", &format!("{SHOP}---\n{other}")).is_ok());
}

#[test]
fn something_else_than_a_group_is_refused_without_going_into_it() {
    let text = "apiVersion: v1\nkind: ConfigMap\ndata: {}\n";
    let problems = load("map.yaml", text).expect_err("a ConfigMap");
    let [problem] = problems.list.as_slice() else { panic!("{problems}") };
    assert_eq!((problem.code, problem.path.as_str()), (Code::NotAGroup, "apiVersion"));
    assert_eq!(problem.place.map(|place| (place.line, place.column)), Some((1, 13)));
    for text in ["- 1\n", "shop\n", "7"] {
        let problems = load("x.yaml", text).expect_err("no map");
        assert_eq!(problems.list[0].code, Code::NotAGroup, "{text}");
    }
}

#[test]
fn a_file_without_a_document_is_refused() {
    for text in ["", "# nothing\n", "---\n---\n"] {
        let problems = load("empty.yaml", text).expect_err("nothing in it");
        assert_eq!(problems.list[0].code, Code::NotAGroup, "{text:?}");
    }
}

#[test]
fn a_carriage_return_alone_ends_a_line_too() {
    for end in ["\n", "\r\n", "\r"] {
        let text = SHOP.replace("standby:", "standbye:").replace('\n', end);
        let problems = load("shop.yaml", &text).expect_err("no such field").to_string();
        assert!(problems.contains("standbye:\n") && problems.contains('^'), "{problems}");
    }
}

#[test]
fn text_that_is_not_yaml_is_told_with_its_place() {
    let text = SHOP.replace("cluster: {eks: shop-home}", "cluster: {eks: shop-home");
    let problems = load("shop.yaml", &text).expect_err("unclosed");
    let [problem] = problems.list.as_slice() else { panic!("{problems}") };
    assert_eq!(problem.code, Code::Syntax);
    assert!(problem.place.is_some(), "{problems}");
}

#[test]
fn an_object_from_an_api_server_is_read_with_what_the_server_added() {
    let tree = crate::policy::tree::read(SHOP).expect("YAML").remove(0);
    let mut report = Report::new(&[]);
    let mut object = check(&mut report, &tree, &schema::EDITOR);
    object["metadata"]["uid"] = "0a1b2c3d".into();
    object["metadata"]["managedFields"] = json!([{"manager": "kubectl"}]);
    object["status"] = json!({"active": "home"});
    let loaded = load_object(&object).expect("the shop");
    assert_eq!(loaded.policies, [crate::policy::examples::shop()]);
}

#[test]
fn an_object_from_an_api_server_is_told_by_field() {
    let problems = load_object(&json!({"metadata": {"name": "shop"}})).expect_err("no spec");
    assert_eq!(problems.file, "shop");
    assert_eq!(problems.list[0].path, "spec");
    assert_eq!(problems.list[0].place, None);
    assert!(problems.to_string().starts_with("error[BL1006]: spec: `spec` is missing\n"));
    assert!(load_object(&json!(null)).is_err());
}

#[test]
fn every_field_of_the_examples_is_in_the_schema() {
    fn known(node: &Node, schema: &Value, path: &str) {
        match &node.data {
            Data::Map(fields) => fields.iter().for_each(|(key, child)| {
                let schema = schema["properties"]
                    .get(&key.text)
                    .or_else(|| schema.get("additionalProperties").filter(|it| it.is_object()))
                    .unwrap_or_else(|| panic!("{path}.{} is not in the schema", key.text));
                known(child, schema, &format!("{path}.{}", key.text));
            }),
            Data::List(items) => items.iter().for_each(|item| known(item, &schema["items"], path)),
            Data::Scalar(_) => {}
        }
    }
    for text in [SHOP, MINIMAL] {
        known(&tree::read(text).expect("YAML")[0], &schema::json_schema(), "");
    }
}

#[test]
fn the_pages_of_aliases_and_unicode_do_not_shift_places() {
    let text = SHOP.replace("quorum: 2", "quorum: 9 # größer").replace("# \"web\"", "# „wéb“");
    let problems = load("shop.yaml", &text).expect_err("out of reach");
    let place = problems.list[0].place.expect("a place");
    assert_eq!((place.column, place.width), (13, 1));
}

/// The lines of the shop, each of which may be lost, doubled, mangled or moved.
fn mangled() -> impl Strategy<Value = String> {
    let lines = SHOP.lines().count();
    let change = (0..lines, 0..6_u8, "[-:{}\\[\\]a-z0-9 \"'&*?|>#!%@,]{0,12}");
    prop::collection::vec(change, 1..5).prop_map(|changes| {
        let mut lines: Vec<String> = SHOP.lines().map(str::to_owned).collect();
        for (at, kind, noise) in changes {
            let at = at % lines.len();
            match kind {
                0 => drop(lines.remove(at)),
                1 => lines.insert(at, lines[at].clone()),
                2 => lines[at].push_str(&noise),
                3 => lines[at] = format!("  {}", lines[at]),
                4 => lines[at] = lines[at].replace(": ", &format!(": {noise} ")),
                _ => lines.swap(at, 0),
            }
        }
        lines.join("\n")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_mangled_policy_is_taken_or_refused_with_places_inside_the_file(text in mangled()) {
        if let Err(problems) = load("shop.yaml", &text) {
            prop_assert!(problems.errors() > 0);
            let count = text.lines().count() as u32;
            for problem in &problems.list {
                let line = problem.place.map_or(1, |place| place.line);
                prop_assert!((1..=count + 1).contains(&line), "{}", problems);
                prop_assert!(!problem.remedy.is_empty(), "{}", problems);
            }
            prop_assert!(!problems.to_string().is_empty());
        }
    }

    #[test]
    fn arbitrary_yaml_never_panics(text in "\\PC{0,60}") {
        drop(load("x.yaml", &text));
    }

    #[test]
    fn arbitrary_values_in_a_policys_fields_never_panic(
        field in prop::sample::select(vec![
            "quorum: 2", "region: eu-west-1", "cluster: {eks: shop-home}",
            "limits: {cpu: \"200\", memory: 800Gi}", "confirm: 60s", "databases:", "regionApi: {}",
            "url: https://shop.example.com/healthz", "expect: 200-299", "maxLag: 30s"]),
        value in "[0-9a-z\\[\\]{}\":,.~ -]{0,20}",
    ) {
        let (key, _) = field.split_once(':').expect("a key");
        drop(load("x.yaml", &SHOP.replace(field, &format!("{key}: {value}"))));
    }
}

#[test]
fn what_is_written_back_as_json_is_the_same_policy() {
    for text in [SHOP, MINIMAL] {
        let tree = crate::policy::tree::read(text).expect("YAML").remove(0);
        let mut report = Report::new(&[]);
        let checked = check(&mut report, &tree, &schema::EDITOR);
        let written: FailoverGroup = serde_json::from_value(checked).expect("the schema's types");
        let again = serde_json::to_value(&written).expect("JSON");
        let first = load("x.yaml", text).expect("valid").policies;
        assert_eq!(load_object(&again).expect("valid").policies, first);
    }
}

fn shop_as(name: &str, namespace: &str) -> String {
    let renamed = SHOP.replace("  name: shop\n", &format!("  name: {name}\n"));
    renamed.replace("namespace: shop,", &format!("namespace: {namespace},"))
}

#[test]
fn two_files_that_list_the_same_things_are_told_where_and_what_to_do() {
    let files = [("a.yaml", SHOP.to_owned()), ("b.yaml", shop_as("other", "shop"))];
    let loaded = load_all(&files.map(|(name, text)| (name.to_owned(), text)));
    assert!(loaded[0].is_ok());
    let problems = loaded[1].as_ref().unwrap_err();
    let shared = problems.list.iter().filter(|problem| problem.code == Code::Shared);
    let shared: Vec<_> = shared.collect();
    let paths: Vec<_> = shared.iter().map(|problem| problem.path.as_str()).collect();
    let cache = shared.iter().find(|problem| problem.message.contains("shop/cache")).unwrap();
    assert_eq!(cache.path, "spec.capacity.workloads[1].name");
    assert!(paths.contains(&"spec.sites.standby.database.rdsInstance"), "{paths:?}");
    assert!(shared.iter().all(|problem| problem.place.is_some()), "{problems}");
    assert!(shared[0].message.contains("group `shop`"), "{problems}");
    assert_eq!(paths.len(), paths.iter().collect::<BTreeSet<_>>().len(), "each is told once");
}

#[test]
fn files_that_share_only_clusters_pools_and_zones_are_fine() {
    let other = shop_as("other", "other").replace("rdsInstance: shop-", "rdsInstance: other-");
    let files = [("a.yaml".to_owned(), SHOP.to_owned()), ("b.yaml".to_owned(), other)];
    for loaded in load_all(&files) {
        assert!(loaded.is_ok(), "{}", loaded.unwrap_err());
    }
}
