//! A body's JSON, read more strictly than the format asks and more kindly than its readers do.

use std::{collections::BTreeMap, fmt};

use deserr::ValuePointerRef;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::{
    codes,
    input::{FieldFaults, is_broken},
};

/// The largest whole number that a JSON number of any writer holds exactly (RFC 8259, 6).
const LARGEST_WHOLE: f64 = 9_007_199_254_740_991.0;

/// Reads a body, and notes what would be read differently by somebody else: a name given twice, text that was not UTF-8 on its
/// way. Objects come out in one order and whole numbers in one form, so what means the same is the same.
///
/// # Errors
/// When it is not JSON.
pub(crate) fn read(body: &[u8]) -> Result<(Value, FieldFaults), serde_json::Error> {
    let mut faults = FieldFaults::default();
    let mut json = serde_json::Deserializer::from_slice(body);
    let reader = Reader { at: ValuePointerRef::Origin, faults: &mut faults };
    let value = reader.deserialize(&mut json)?;
    json.end()?;
    Ok((value, faults))
}

/// Reads the value at one place.
struct Reader<'a> {
    at: ValuePointerRef<'a>,
    faults: &'a mut FieldFaults,
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, yes: bool) -> Result<Value, E> {
        Ok(yes.into())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        let is_whole = number.fract() == 0.0 && number.abs() <= LARGEST_WHOLE;
        Ok(if is_whole { Value::from(number as i64) } else { number.into() })
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        self.visit_string(text.to_owned())
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Value, E> {
        if is_broken(&text) {
            self.faults.note(self.at, codes::BROKEN_TEXT);
        }
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        loop {
            let at = self.at.push_index(values.len());
            match items.next_element_seed(Reader { at, faults: self.faults })? {
                Some(value) => values.push(value),
                None => return Ok(values.into()),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut values = BTreeMap::new();
        while let Some(name) = fields.next_key::<String>()? {
            let at = self.at.push_key(&name);
            let value = fields.next_value_seed(Reader { at, faults: self.faults })?;
            if values.contains_key(&name) {
                self.faults.note(at, codes::GIVEN_TWICE);
            }
            values.insert(name, value);
        }
        Ok(Value::Object(values.into_iter().collect()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::problem::Place;

    fn faults(body: &str) -> Vec<(String, &'static str)> {
        let (_, faults) = read(body.as_bytes()).unwrap();
        faults.at(Place::Body).into_iter().map(|fault| (fault.name, fault.code)).collect()
    }

    fn twice(pointer: &str) -> Vec<(String, &'static str)> {
        vec![(pointer.to_owned(), "GIVEN_TWICE")]
    }

    #[test]
    fn a_name_given_twice_is_told_wherever_it_stands() {
        assert_eq!(faults(r#"{"quantity":1,"quantity":2}"#), twice("/quantity"));
        assert_eq!(faults(r#"{"a":{"b":1,"b":1}}"#), twice("/a/b"));
        assert_eq!(faults(r#"[{"a":1},{"a":1,"a":null}]"#), twice("/1/a"));
        assert_eq!(faults(r#"{"a/b":1,"a\/b":1}"#), twice("/a~1b"), "however it is written");
        assert_eq!(faults(r#"{"quantity":1,"\u0071uantity":2}"#), twice("/quantity"));
        assert_eq!(faults(r#"{"a":1,"a":null}"#), twice("/a"), "whatever it is then");
        assert_eq!(faults(r#"{"":1,"":2}"#), twice("/"), "and an empty one");
        assert_eq!(faults(r#"{"a":{"b":1},"c":{"b":1}}"#), []);
        assert_eq!(faults(r#"{"a":1,"A":1}"#), [], "another name");
    }

    #[test]
    fn what_holds_the_fault_is_told_where_its_place_takes_too_long_to_tell() {
        let long = "~".repeat(30_000);
        let many = vec![r#""":1"#; 5_000].join(",");
        let told = faults(&format!(r#"{{"a":{{"{long}":{{{many}}}}}}}"#));
        assert_eq!(told.len(), 4_999);
        assert_eq!(told[0], ("/a".to_owned(), "GIVEN_TWICE"));
        let deep = format!(r#"{}{{"a":1,"a":1}}{}"#, "[".repeat(100), "]".repeat(100));
        assert_eq!(faults(&deep), twice(&format!("{}/a", "/0".repeat(100))));
    }

    #[test]
    fn text_that_was_broken_on_its_way_is_told() {
        let broken = |pointer: &str| vec![(pointer.to_owned(), "BROKEN_TEXT")];
        assert_eq!(faults("{\"password\":\"\u{FFFD}\u{FFFD}\"}"), broken("/password"));
        assert_eq!(faults(r#"{"a":["가","\ufffd"]}"#), broken("/a/1"), "however it is written");
        assert!(read(b"{\"password\":\"\xbe\xc8\"}").is_err(), "EUC-KR");
        assert!(read(b"{\"a\":\"\xed\xa0\x80\"}").is_err(), "half a surrogate pair");
        assert!(read(b"{\"a\":\"\xc0\xaf\"}").is_err(), "more bytes than it needs");
        assert!(read(b"\xff\xfe{\0}\0").is_err(), "UTF-16");
        for half in ["\\ud800", "\\udc00", "\\udc00\\ud800", "\\ud800\\u0041"] {
            assert!(read(format!(r#"{{"a":"{half}"}}"#).as_bytes()).is_err(), "{half}");
        }
        assert_eq!(faults(r#"{"a":"\ud83d\ude00"}"#), [], "both halves");
    }

    #[test]
    fn what_means_the_same_is_the_same() {
        let value = |body: &str| read(body.as_bytes()).unwrap().0;
        for same in ["1", "1.0", "1e0", "1.0E+0", "10E-1", "0.1e1", " 1.000 "] {
            assert_eq!(value(same), json!(1), "{same}");
        }
        assert_eq!(value("-0.0"), json!(0));
        assert_eq!(value("1.5"), json!(1.5));
        assert_eq!(value("1e300"), json!(1e300), "too large to be told from its neighbour");
        assert_ne!(value("9007199254740993"), value("9007199254740993.0"));
        for (one, other) in [("1", r#""1""#), (r#"{"a":null}"#, "{}"), ("[1,2]", "[2,1]")] {
            assert_ne!(value(one), value(other), "{one} is not {other}");
        }
        assert_eq!(value(r#"{"\u0061":"\u0062\/"}"#).to_string(), r#"{"a":"b/"}"#);
        let [one, other] = [r#"{"b":{"y":1,"x":2},"a":3}"#, r#"{ "a": 3.0, "b": {"x":2,"y":1} }"#];
        assert_eq!(value(one).to_string(), value(other).to_string());
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for not in [
            "",
            "{",
            "{} {}",
            "NaN",
            "{'a':1}",
            "{\"a\":1,}",
            "1e999",
            "\u{FEFF}{}",
            "01",
            "+1",
            "1.",
            "0x1",
        ] {
            assert!(read(not.as_bytes()).is_err(), "{not}");
        }
        assert!(read("[".repeat(100_000).as_bytes()).is_err(), "it would take the stack");
    }
}
