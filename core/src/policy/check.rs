//! A tree against the schema: every field known, of its type, in its form and limits, and there.
//!
//! What is wrong is told and replaced by a stand-in, so that the rest can still be read and judged.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::code::Code;
use super::forms::{self, Form};
use super::problem::Place;
use super::report::{Report, below};
use super::suggest::{listed, nearest};
use super::tree::{Data, Key, Node};

/// Checks a document and gives it as JSON that the schema's types can read.
pub(crate) fn check(report: &mut Report<'_>, document: &Node, schema: &Value) -> Value {
    report.locate("", document.place);
    value(report, document, schema, "")
}

fn value(report: &mut Report<'_>, node: &Node, schema: &Value, path: &str) -> Value {
    match (&node.data, schema["type"].as_str()) {
        (Data::Map(fields), Some("object")) => map(report, fields, schema, path),
        (Data::List(items), Some("array")) => list(report, items, schema, path),
        (Data::Scalar(Value::Null), Some("array")) => list(report, &[], schema, path),
        (Data::Scalar(Value::String(found)), Some("string")) => text(report, found, schema, path),
        (Data::Scalar(Value::Number(found)), Some("integer")) if !found.is_f64() => {
            number(report, found, schema, path)
        }
        _ => wrong_type(report, node, schema, path),
    }
}

fn wrong_type(report: &mut Report<'_>, node: &Node, schema: &Value, path: &str) -> Value {
    let wanted = match schema["type"].as_str() {
        Some("object") => "a map",
        Some("array") => "a list",
        Some("integer") => "a whole number",
        _ => form(schema).map_or("a text", |form| form.what),
    };
    let remedy = match (&node.data, schema["type"].as_str()) {
        (Data::Scalar(found), Some("string")) if !found.is_null() => match form(schema) {
            Some(form) if !(form.fits)(&found.to_string()) => how_to_write(form),
            _ => format!("put it in quotes: \"{found}\""),
        },
        (Data::Scalar(Value::Null), Some("object")) => {
            "write its fields below it, or {} if it has none to set".to_owned()
        }
        _ => about(schema),
    };
    let message = format!("{wanted} is wanted here, and this is {}", node.what());
    report.spoiling(Code::WrongType, path, message, remedy);
    stand_in(schema)
}

fn map(report: &mut Report<'_>, fields: &[(Key, Node)], schema: &Value, path: &str) -> Value {
    let mut seen = BTreeSet::new();
    let mut read = Map::new();
    for (key, node) in fields {
        let at = below(path, &key.text);
        if !seen.insert(key.text.as_str()) {
            twice(report, key, at);
            continue;
        }
        let Some(child) = child_schema(schema, &key.text) else {
            unknown(report, key, schema, path);
            continue;
        };
        report.locate(&at, place_of(key, node));
        read.insert(key.text.clone(), value(report, node, child, &at));
    }
    missing(report, &seen, schema, path, &mut read);
    how_many(report, &seen, schema, path);
    Value::Object(read)
}

/// A scalar is pointed at by itself, anything larger by its key.
fn place_of(key: &Key, node: &Node) -> Option<Place> {
    match node.data {
        Data::Scalar(ref scalar) if !scalar.is_null() => node.place.or(key.place),
        _ => key.place,
    }
}

fn child_schema<'a>(schema: &'a Value, key: &str) -> Option<&'a Value> {
    schema["properties"]
        .get(key)
        .or_else(|| schema.get("additionalProperties").filter(|values| values.is_object()))
}

fn names(schema: &Value) -> impl Iterator<Item = &str> {
    schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.as_str())
}

fn twice(report: &mut Report<'_>, key: &Key, at: String) {
    let message = format!("`{}` is here a second time", key.text.escape_debug());
    let remedy = "keep one of the two: a reader of YAML would silently take either".to_owned();
    report.error_at(Code::Duplicate, key.place, [at, message, remedy]);
}

fn unknown(report: &mut Report<'_>, key: &Key, schema: &Value, path: &str) {
    if !report.sound(path) {
        return;
    }
    let at = below(path, &key.text);
    let meant = nearest(&key.text, names(schema)).map(str::to_owned);
    let remedy = match &meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => match names(schema).collect::<Vec<_>>().as_slice() {
            [] => "leave it out: there is nothing to set here".to_owned(),
            known => format!("leave it out; what there is here: {}", listed(known, "and")),
        },
    };
    let message = format!("there is no field `{}`", key.text.escape_debug());
    report.error_at(Code::UnknownField, key.place, [at, message, remedy]);
    if let Some(meant) = meant {
        report.spoil(&below(path, &meant));
    }
}

fn missing(
    report: &mut Report<'_>,
    seen: &BTreeSet<&str>,
    schema: &Value,
    path: &str,
    read: &mut Map<String, Value>,
) {
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    for name in required.filter(|name| !seen.contains(name)) {
        let at = below(path, name);
        let child = &schema["properties"][name];
        let decision = child["description"].as_str().is_some_and(|text| text.contains("decision"));
        let (code, message) = if decision {
            (Code::Undecided, format!("`{name}` is not decided, and it has no default"))
        } else {
            (Code::Missing, format!("`{name}` is missing"))
        };
        report.spoiling(code, &at, message, format!("add `{name}`: {}", about(child)));
        read.insert(name.to_owned(), stand_in(child));
    }
}

/// `minProperties` and `maxProperties`: an empty map, or not exactly one of several.
fn how_many(report: &mut Report<'_>, seen: &BTreeSet<&str>, schema: &Value, path: &str) {
    let known: Vec<&str> = names(schema).collect();
    let one_of = schema["maxProperties"] == 1;
    let present: Vec<&str> = known.iter().copied().filter(|name| seen.contains(name)).collect();
    if one_of && present.len() > 1 {
        let message = format!("{} are here, and exactly one may be", listed(&present, "and"));
        let remedy = format!("keep one of {}", listed(&known, "or"));
        report.spoiling(Code::OneOf, path, message, remedy);
    } else if one_of && seen.is_empty() {
        let message = "nothing is chosen here".to_owned();
        let remedy = format!("write exactly one of {}", listed(&known, "or"));
        report.spoiling(Code::OneOf, path, message, remedy);
    } else if schema["minProperties"] == 1 && seen.is_empty() {
        report.spoiling(Code::OutOfRange, path, "it is empty".to_owned(), about(schema));
    } else if schema["minProperties"] == 1 && present.is_empty() && !known.is_empty() {
        // Only unknown fields: what they were meant to be is told at them.
        report.spoil(path);
    }
}

fn list(report: &mut Report<'_>, items: &[Node], schema: &Value, path: &str) -> Value {
    let (least, most) = (&schema["minItems"], &schema["maxItems"]);
    if least.as_u64().is_some_and(|least| (items.len() as u64) < least) {
        report.spoiling(Code::OutOfRange, path, "it is empty".to_owned(), about(schema));
    }
    if let Some(most) = most.as_u64().filter(|most| items.len() as u64 > *most) {
        let message = format!("{} entries are here, and at most {most} may be", items.len());
        report.error(Code::OutOfRange, path, message, about(schema));
    }
    let each = items.iter().enumerate().map(|(index, item)| {
        let at = format!("{path}[{index}]");
        report.locate(&at, item.place);
        value(report, item, &schema["items"], &at)
    });
    Value::Array(each.collect())
}

fn text(report: &mut Report<'_>, found: &str, schema: &Value, path: &str) -> Value {
    let shown = shown(found);
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
        if words.contains(&found) {
            return found.into();
        }
        let remedy = match nearest(found, words.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("write {}", listed(&words, "or")),
        };
        report.spoiling(Code::BadText, path, format!("{shown} is none of the words"), remedy);
        return stand_in(schema);
    }
    let form = form(schema).filter(|form| !(form.fits)(found));
    if let Some(form) = form {
        let message = format!("{shown} is not {}", form.what);
        report.spoiling(Code::BadText, path, message, how_to_write(form));
        return stand_in(schema);
    }
    if found.is_empty() && schema["minLength"].is_u64() {
        report.spoiling(Code::BadText, path, "it is empty".to_owned(), about(schema));
    }
    found.into()
}

fn number(
    report: &mut Report<'_>,
    found: &serde_json::Number,
    schema: &Value,
    path: &str,
) -> Value {
    let least = schema["minimum"].as_u64().unwrap_or(0);
    let most = schema["maximum"].as_u64().unwrap_or(u64::from(u32::MAX));
    if found.as_u64().is_some_and(|number| (least..=most).contains(&number)) {
        return found.clone().into();
    }
    let message = format!("{found} is not from {least} to {most}");
    report.spoiling(Code::OutOfRange, path, message, about(schema));
    stand_in(schema)
}

/// Something right in the place of what is not: never seen, since a stand-in is never told of, and
/// a policy with an error is never used.
fn stand_in(schema: &Value) -> Value {
    match schema["type"].as_str() {
        Some("object") => {
            let required = schema["required"].as_array().into_iter().flatten();
            let fields = required.filter_map(Value::as_str).map(|name| {
                let child = &schema["properties"][name];
                (name.to_owned(), stand_in(child))
            });
            Value::Object(fields.collect())
        }
        Some("array") => Value::Array(Vec::new()),
        Some("integer") => schema["minimum"].as_u64().unwrap_or(0).into(),
        _ => {
            let word = schema["enum"].get(0).and_then(Value::as_str);
            word.or(form(schema).map(|form| form.example)).unwrap_or_default().into()
        }
    }
}

fn form(schema: &Value) -> Option<&'static Form> {
    schema["pattern"].as_str().and_then(forms::by_pattern)
}

fn how_to_write(form: &Form) -> String {
    if [forms::DURATION, forms::POSITIVE].contains(&form.pattern) {
        "write a number and a unit (ms, s, m, h or d), such as 90s, 10m or 1h30m".to_owned()
    } else {
        format!("write it like {}", form.example)
    }
}

/// The field's documentation in one line, without the word on its default.
fn about(schema: &Value) -> String {
    let text = schema["description"].as_str().unwrap_or("see the schema");
    let told = ["Required", "No default", "Default:"]
        .into_iter()
        .filter_map(|word| text.find(word))
        .min()
        .map_or(text, |end| &text[..end]);
    let line = told.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.trim_end_matches('.');
    let abbreviation = line.chars().nth(1).is_some_and(|second| !second.is_lowercase());
    let mut letters = line.chars();
    match letters.next() {
        Some(first) if !abbreviation => first.to_lowercase().chain(letters).collect(),
        _ => line.to_owned(),
    }
}

/// A text in quotes, as long as it can be shown.
fn shown(found: &str) -> String {
    let short: String = found.chars().take(60).collect();
    let more = if short.len() < found.len() { "…" } else { "" };
    format!("\"{}{more}\"", short.escape_debug())
}

#[cfg(test)]
mod tests;
