//! YAML as a tree in which every node knows where it was written. Knows nothing of policies.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_saphyr::options::{DuplicateKeyPolicy, NonFiniteFloatPolicy};
use serde_saphyr::{Location, Spanned};

use super::problem::Place;

/// A node and its place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    /// Where it was written; absent when it was not read from a text.
    pub(crate) place: Option<Place>,
    /// What it holds.
    pub(crate) data: Data,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Data {
    /// `null`, a boolean, a number or a text.
    Scalar(Value),
    /// A list.
    List(Vec<Node>),
    /// Keys and values in their order, doubles included.
    Map(Vec<(Key, Node)>),
}

/// A key of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    /// Where it was written.
    pub(crate) place: Option<Place>,
    /// Its text.
    pub(crate) text: String,
}

/// Why a text is not YAML, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NotYaml {
    /// What the parser says.
    pub(crate) message: String,
    /// Where it stopped.
    pub(crate) place: Option<Place>,
}

/// Reads every document of a YAML text; empty documents are left out.
///
/// # Errors
/// The first place that is not YAML: what comes after it cannot be told apart.
pub(crate) fn read(text: &str) -> Result<Vec<Node>, NotYaml> {
    let options = serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        strict_booleans: true,
        with_snippet: false,
    };
    let documents: Vec<Spanned<Data>> =
        serde_saphyr::from_multiple_with_options(text, options).map_err(|e| not_yaml(&e))?;
    Ok(documents.into_iter().map(Node::from).collect())
}

fn not_yaml(error: &serde_saphyr::Error) -> NotYaml {
    let text = error.render();
    let first = text.lines().next().unwrap_or_default();
    let message = first.rsplit_once(" at line ").map_or(first, |(message, _)| message);
    let place = error.location().and_then(|at| place(&at));
    NotYaml { message: message.to_owned(), place }
}

fn place(at: &Location) -> Option<Place> {
    let line = u32::try_from(at.line()).ok().filter(|line| *line > 0)?;
    let column = u32::try_from(at.column()).ok()?.max(1);
    let width = u32::try_from(at.span().len()).unwrap_or(1).max(1);
    Some(Place { line, column, width })
}

impl Node {
    /// The tree of a JSON value, without places.
    #[must_use]
    pub(crate) fn of_json(value: &Value) -> Self {
        let data = match value {
            Value::Array(items) => Data::List(items.iter().map(Self::of_json).collect()),
            Value::Object(fields) => Data::Map(
                fields
                    .iter()
                    .map(|(key, value)| {
                        (Key { place: None, text: key.clone() }, Self::of_json(value))
                    })
                    .collect(),
            ),
            scalar => Data::Scalar(scalar.clone()),
        };
        Self { place: None, data }
    }

    /// Whether it is `null` or nothing at all.
    #[must_use]
    pub(crate) fn is_null(&self) -> bool {
        self.data == Data::Scalar(Value::Null)
    }

    /// The value of a key, if it is a map that has it.
    #[must_use]
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        let Data::Map(fields) = &self.data else { return None };
        fields.iter().find(|(found, _)| found.text == key).map(|(_, node)| node)
    }

    /// What it is, in words a writer of YAML knows.
    #[must_use]
    pub(crate) fn what(&self) -> &'static str {
        match &self.data {
            Data::Scalar(Value::Null) => "nothing",
            Data::Scalar(Value::Bool(_)) => "true or false",
            Data::Scalar(Value::Number(_)) => "a number",
            Data::Scalar(_) => "a text",
            Data::List(_) => "a list",
            Data::Map(_) => "a map",
        }
    }
}

impl From<Spanned<Data>> for Node {
    fn from(found: Spanned<Data>) -> Self {
        Self { place: place(&found.referenced), data: found.value }
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyData)
    }
}

struct AnyData;

impl<'de> Visitor<'de> for AnyData {
    type Value = Data;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("YAML")
    }

    fn visit_unit<E: Error>(self) -> Result<Data, E> {
        Ok(Data::Scalar(Value::Null))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Data, E> {
        Ok(Data::Scalar(Value::Bool(value)))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Data, E> {
        Ok(Data::Scalar(Value::from(value)))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Data, E> {
        Ok(Data::Scalar(Value::from(value)))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Data, E> {
        Ok(Data::Scalar(Value::from(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Data, E> {
        Ok(Data::Scalar(Value::from(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Data, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Spanned<Data>>()? {
            list.push(item.into());
        }
        Ok(Data::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Data, A::Error> {
        let mut map = Vec::new();
        while let Some((key, value)) = fields.next_entry::<Spanned<String>, Spanned<Data>>()? {
            let key = Key { place: place(&key.referenced), text: key.value };
            map.push((key, value.into()));
        }
        Ok(Data::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn only(text: &str) -> Node {
        let mut documents = read(text).expect("YAML");
        assert_eq!(documents.len(), 1);
        documents.remove(0)
    }

    fn at(line: u32, column: u32, width: u32) -> Option<Place> {
        Some(Place { line, column, width })
    }

    #[test]
    fn a_scalar_knows_its_place_and_width() {
        let tree = only("a: 1\nb:\n  c: [x, 'ü']\n");
        assert_eq!(tree.get("a").expect("a").place, at(1, 4, 1));
        let Data::List(items) = &tree.get("b").and_then(|b| b.get("c")).expect("c").data else {
            panic!("a list")
        };
        assert_eq!(items[0].place, at(3, 7, 1));
        assert_eq!(items[1].place, at(3, 10, 3));
    }

    #[test]
    fn both_of_two_equal_keys_are_there() {
        let Data::Map(fields) = only("a: 1\na: 2\n").data else { panic!("a map") };
        let places: Vec<_> = fields.iter().map(|(key, _)| key.place).collect();
        assert_eq!(places, [at(1, 1, 1), at(2, 1, 1)]);
    }

    #[test]
    fn yes_and_no_are_texts() {
        assert_eq!(only("yes").data, Data::Scalar("yes".into()));
        assert_eq!(only("true").data, Data::Scalar(true.into()));
    }

    #[test]
    fn several_documents_are_read_and_empty_ones_left_out() {
        assert_eq!(read("a: 1\n---\n---\nb: 2\n---\n").expect("YAML").len(), 2);
        assert_eq!(read("").expect("YAML").len(), 0);
    }

    #[test]
    fn an_alias_is_what_it_names_at_the_place_where_it_is_used() {
        let tree = only("a: &x 7\nb: *x\n");
        let b = tree.get("b").expect("b");
        assert_eq!(b.data, Data::Scalar(7.into()));
        assert_eq!(b.place.expect("a place").line, 2);
    }

    #[test]
    fn text_that_is_not_yaml_is_told_with_its_place() {
        let error = read("a: [1, 2").expect_err("unclosed");
        assert_eq!(error.place.map(|at| (at.line, at.column)), Some((1, 4)));
        assert!(!error.message.contains("line 1"), "{}", error.message);
        assert!(read("a: *nothing").is_err());
        assert!(read("- &a [*a]").is_err());
    }

    #[test]
    fn aliases_cannot_blow_up() {
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for n in 1..12 {
            let one = format!("*a{}, ", n - 1).repeat(10);
            bomb += &format!("a{n}: &a{n} [{one}]\n");
        }
        assert!(read(&bomb).is_err());
    }

    #[test]
    fn json_makes_the_same_tree_without_places() {
        let tree = Node::of_json(&serde_json::json!({"a": [1, null]}));
        assert_eq!(tree.get("a").map(Node::what), Some("a list"));
        assert_eq!(tree.place, None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,80}") {
            drop(read(&text));
        }

        #[test]
        fn anything_made_of_yaml_signs_is_read_or_refused(
            text in r#"[-a-c:?{}\[\],&*!|>'"%@`# \n\t]{0,60}"#
        ) {
            drop(read(&text));
        }
    }
}
