//! The schemas: structural, documented, and true of the examples.

use std::collections::BTreeSet;

use super::*;
use crate::model::Span;
use crate::policy::forms;

/// Calls `look` on every schema of a tree of schemas, with its path.
fn walk(schema: &Value, path: &str, look: &mut impl FnMut(&str, &Map<String, Value>)) {
    let map = schema.as_object().unwrap_or_else(|| panic!("{path} is no schema: {schema}"));
    look(path, map);
    for (name, child) in map.get("properties").and_then(Value::as_object).into_iter().flatten() {
        walk(child, &format!("{path}.{name}"), look);
    }
    if let Some(items) = map.get("items") {
        walk(items, &format!("{path}[]"), look);
    }
    if let Some(values @ Value::Object(_)) = map.get("additionalProperties") {
        walk(values, &format!("{path}.*"), look);
    }
}

#[test]
fn the_schema_of_the_custom_resource_is_structural() {
    let known = BTreeSet::from([
        "additionalProperties",
        "default",
        "description",
        "enum",
        "items",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "pattern",
        "properties",
        "required",
        "type",
    ]);
    let mut nodes = 0;
    walk(&structural_schema(), "spec", &mut |path, map| {
        nodes += 1;
        assert!(
            map.get("type").is_some_and(Value::is_string),
            "{path} has no single type: {map:?}"
        );
        for key in map.keys() {
            assert!(known.contains(key.as_str()), "{path} has {key}");
        }
        let both = map.contains_key("properties") && map.contains_key("additionalProperties");
        assert!(!both, "{path} has properties and additionalProperties");
        let words = map.get("enum").and_then(Value::as_array).into_iter().flatten();
        assert!(words.clone().all(Value::is_string), "{path}: {map:?}");
        let closed = map.get("additionalProperties") == Some(&false.into());
        assert!(!closed, "{path} refuses what it does not name: API servers prune that");
    });
    assert!(nodes > 100, "{nodes}");
}

#[test]
fn every_field_is_described_and_says_its_default_or_that_it_has_none() {
    walk(&json_schema(), "", &mut |path, map| {
        if path.is_empty() || path.ends_with("[]") || path.ends_with(".*") {
            return;
        }
        let text = map.get("description").and_then(Value::as_str).unwrap_or_default();
        let said = ["Default: ", "Required", "No default"].iter().any(|word| text.contains(word));
        assert!(said, "{path} says nothing of its default: {text:?}");
    });
}

#[test]
fn what_is_required_says_so_and_what_says_so_is_required() {
    walk(&json_schema(), "", &mut |path, map| {
        let required: BTreeSet<&str> = map
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        for (name, child) in map.get("properties").and_then(Value::as_object).into_iter().flatten()
        {
            let text = child["description"].as_str().unwrap_or_default();
            let conditional = ["Required, except", "Required unless", "Required exactly"]
                .iter()
                .any(|word| text.contains(word));
            let said = text.contains("Required") && !conditional;
            assert_eq!(said, required.contains(name.as_str()), "{path}.{name}: {text:?}");
        }
    });
}

#[test]
fn a_default_that_is_written_down_is_the_default_that_is_told() {
    let mut told = 0;
    walk(&json_schema(), "", &mut |path, map| {
        let (Some(default), Some(text)) = (map.get("default"), map.get("description")) else {
            return;
        };
        let value = match default {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return,
        };
        // A duration of 60s is written 1m by the machine.
        let same =
            text.as_str().unwrap_or_default().split("Default: ").nth(1).is_some_and(|word| {
                let word = word.trim_end_matches('.');
                let word = word.split([',', ' ']).next().unwrap_or_default();
                word == value || word.parse::<Span>().is_ok_and(|told| value.parse() == Ok(told))
            });
        assert!(same, "{path}: {value} is not what {text} tells");
        told += 1;
    });
    assert!(told > 15, "{told}");
}

#[test]
fn every_pattern_is_one_that_the_check_knows() {
    walk(&json_schema(), "", &mut |path, map| {
        if let Some(pattern) = map.get("pattern").and_then(Value::as_str) {
            assert!(forms::by_pattern(pattern).is_some(), "{path}: {pattern}");
        }
    });
}

#[test]
fn every_form_is_used() {
    let mut used = BTreeSet::new();
    walk(&json_schema(), "", &mut |_, map| {
        used.extend(map.get("pattern").and_then(Value::as_str).map(str::to_owned));
    });
    let forms: BTreeSet<String> = forms::FORMS.iter().map(|form| form.pattern.to_owned()).collect();
    assert_eq!(used, forms);
}

#[test]
fn unknown_fields_are_refused_by_editors() {
    walk(&json_schema(), "", &mut |path, map| {
        if map.contains_key("properties") {
            assert_eq!(map.get("additionalProperties"), Some(&false.into()), "{path}");
        }
    });
}
