//! PHP arrays as configuration: turned into the neutral tree, and told apart
//! cheaply without that.

use std::hash::Hasher;

use amm_core::config::Value;
use ext_php_rs::types::array::ArrayKey;
use ext_php_rs::types::{ZendHashTable, Zval};
use siphasher::sip128::{Hasher128, SipHasher13};

/// Arrays nested deeper than this are not configurations.
const DEEPEST: usize = 8;

/// The tree of a configuration array.
pub(super) fn value(array: &ZendHashTable) -> Value {
    table(array, 0)
}

fn table(array: &ZendHashTable, depth: usize) -> Value {
    if depth > DEEPEST {
        return Value::Other("arrays nested too deep");
    }
    let entries: Vec<(ArrayKey<'_>, &Zval)> = array.iter().collect();
    let is_list = entries
        .iter()
        .enumerate()
        .all(|(at, (key, _))| matches!(key, ArrayKey::Long(k) if usize::try_from(*k) == Ok(at)));
    if is_list {
        return Value::List(entries.into_iter().map(|(_, v)| scalar(v, depth)).collect());
    }
    let named = |key: ArrayKey<'_>| match key {
        ArrayKey::Long(number) => number.to_string(),
        ArrayKey::String(text) => text,
        ArrayKey::Str(text) => text.to_owned(),
        ArrayKey::ZendString(text) => String::from_utf8_lossy(text.as_bytes()).into_owned(),
    };
    Value::Map(
        entries
            .into_iter()
            .map(|(k, v)| (named(k), scalar(v, depth)))
            .collect(),
    )
}

fn scalar(zval: &Zval, depth: usize) -> Value {
    let zval = zval.dereference();
    if let Some(array) = zval.array() {
        return table(array, depth + 1);
    }
    if let Some(number) = zval.long() {
        return Value::Int(number);
    }
    if let Some(number) = zval.double() {
        return Value::Float(number);
    }
    if let Some(on) = zval.bool() {
        return Value::Bool(on);
    }
    if let Some(text) = zval.zend_str() {
        return Value::Str(String::from_utf8_lossy(text.as_bytes()).into_owned());
    }
    if zval.is_null() {
        return Value::Null;
    }
    Value::Other(if zval.is_object() {
        "an object"
    } else {
        "a resource"
    })
}

/// A hash of an array's whole content, under a key of this process.
pub(super) fn fingerprint(array: &ZendHashTable, keys: (u64, u64)) -> u128 {
    let mut hasher = SipHasher13::new_with_keys(keys.0, keys.1);
    digest(array, &mut hasher, 0);
    hasher.finish128().as_u128()
}

fn digest(array: &ZendHashTable, hasher: &mut SipHasher13, depth: usize) {
    hasher.write_usize(array.len());
    if depth > DEEPEST {
        return;
    }
    for (key, zval) in array.iter() {
        match key {
            ArrayKey::Long(number) => hasher.write_i64(number),
            ArrayKey::String(text) => bytes(text.as_bytes(), hasher),
            ArrayKey::Str(text) => bytes(text.as_bytes(), hasher),
            ArrayKey::ZendString(text) => bytes(text.as_bytes(), hasher),
        }
        let zval = zval.dereference();
        if let Some(array) = zval.array() {
            hasher.write_u8(1);
            digest(array, hasher, depth + 1);
        } else if let Some(text) = zval.zend_str() {
            hasher.write_u8(2);
            bytes(text.as_bytes(), hasher);
        } else if let Some(number) = zval.long() {
            hasher.write_u8(3);
            hasher.write_i64(number);
        } else if let Some(number) = zval.double() {
            hasher.write_u8(4);
            hasher.write_u64(number.to_bits());
        } else {
            hasher.write_u8(5);
            hasher.write_u8(zval.bool().map_or(2, u8::from));
            hasher.write_u8(u8::from(zval.is_null()));
        }
    }
}

fn bytes(text: &[u8], hasher: &mut SipHasher13) {
    hasher.write_usize(text.len());
    hasher.write(text);
}
