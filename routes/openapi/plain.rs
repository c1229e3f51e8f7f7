//! Unions and compositions, written without either where plain objects say the same.
//!
//! The derive writes an optional reference as "one of: null, this", and a flattened field as "all of:
//! that, these". Most generators make a type of their own of each, and readers meet a fork where there
//! is none. So a schema that is never used but as one that may be null says so itself (`type:
//! [object, null]`), and the references to it are plain ones; one that some place forbids to be null
//! is left alone. And a composition of objects becomes the one object that it is.

use std::collections::HashSet;

use serde_json::Value;
use utoipa::openapi::schema::{
    AdditionalProperties, AllOf, AnyOf, Array, ArrayItems, Object, OneOf, SchemaType,
};
use utoipa::openapi::{Ref, RefOr, Schema, Type};

/// Rewrites every schema; `elsewhere` are those that bodies and answers refer to, which are never
/// null.
pub(super) fn rewrite(
    schemas: &mut Vec<(String, RefOr<Schema>)>,
    elsewhere: impl Iterator<Item = &'static str>,
) {
    let merged = merge_compositions(schemas);
    let mut optional = HashSet::new();
    let mut plain: HashSet<String> = elsewhere.map(str::to_owned).collect();
    for (_, schema) in schemas.iter_mut() {
        visit(schema, &mut |schema| match (&*schema, or_null(schema)) {
            (_, Some(to)) => {
                optional.insert(name(to).to_owned());
                false
            }
            (RefOr::Ref(to), None) => {
                plain.insert(name(to).to_owned());
                true
            }
            (RefOr::T(_), None) => true,
        });
    }
    // What was merged into others may be needed by nobody any more.
    schemas.retain(|(name, _)| plain.contains(name) || !merged.contains(name));
    optional.retain(|name| !plain.contains(name));
    optional.retain(|name| {
        let schema = schemas.iter_mut().find(|(one, _)| one == name);
        schema.is_some_and(|(name, schema)| allow_null(name, schema))
    });
    for (_, schema) in schemas {
        visit(schema, &mut |schema| {
            let to = or_null(schema).filter(|to| optional.contains(name(to)));
            if let Some(to) = to.cloned() {
                *schema = RefOr::Ref(described(to, schema));
            }
            true
        });
    }
}

/// Makes one object of every schema that is all of some objects; the names of those.
fn merge_compositions(schemas: &mut [(String, RefOr<Schema>)]) -> HashSet<String> {
    let mut parts = HashSet::new();
    for index in 0..schemas.len() {
        let merged = match schemas.get(index) {
            Some((_, RefOr::T(Schema::AllOf(all)))) => merged(all, schemas, &mut parts),
            _ => None,
        };
        if let (Some(object), Some((_, schema))) = (merged, schemas.get_mut(index)) {
            *schema = RefOr::T(Schema::Object(object));
        }
    }
    parts
}

fn merged(
    all: &AllOf,
    schemas: &[(String, RefOr<Schema>)],
    parts: &mut HashSet<String>,
) -> Option<Object> {
    let mut whole = Object::with_type(Type::Object);
    for item in &all.items {
        let part = match item {
            RefOr::Ref(to) => {
                parts.insert(name(to).to_owned());
                &schemas.iter().find(|(one, _)| one == name(to))?.1
            }
            item @ RefOr::T(_) => item,
        };
        let RefOr::T(Schema::Object(part)) = part else {
            return None;
        };
        whole.properties.extend(part.properties.clone());
        whole.required.extend(part.required.clone());
    }
    whole.description.clone_from(&all.description);
    Some(whole)
}

/// What it refers to, if it is "one of: null, a reference".
fn or_null(schema: &RefOr<Schema>) -> Option<&Ref> {
    let RefOr::T(Schema::OneOf(OneOf { items, .. })) = schema else {
        return None;
    };
    match items.as_slice() {
        [RefOr::Ref(to), RefOr::T(null)] | [RefOr::T(null), RefOr::Ref(to)] => {
            is_null(null).then_some(to)
        }
        _ => None,
    }
}

fn is_null(schema: &Schema) -> bool {
    let Schema::Object(object) = schema else {
        return false;
    };
    matches!(object.schema_type, SchemaType::Type(Type::Null))
}

/// Lets a schema be null, under its own name; false if it is of a kind that cannot say so.
fn allow_null(name: &str, schema: &mut RefOr<Schema>) -> bool {
    let RefOr::T(Schema::Object(object)) = schema else {
        return false;
    };
    let SchemaType::Type(of) = object.schema_type.clone() else {
        return false;
    };
    object.schema_type = SchemaType::from_iter([of, Type::Null]);
    // Generators name the type by its title, where a list of types would give them two.
    object.title = Some(name.to_owned());
    if let Some(words) = &mut object.enum_values {
        words.push(Value::Null);
    }
    true
}

/// The reference, with the words that stand at the union.
fn described(mut to: Ref, union: &RefOr<Schema>) -> Ref {
    if let RefOr::T(Schema::OneOf(OneOf {
        description: Some(words),
        ..
    })) = union
    {
        to.description.clone_from(words);
    }
    to
}

fn name(to: &Ref) -> &str {
    to.ref_location.rsplit('/').next().unwrap_or_default()
}

/// Calls `enter` on a schema and, where it answers true, on every schema within.
fn visit(schema: &mut RefOr<Schema>, enter: &mut impl FnMut(&mut RefOr<Schema>) -> bool) {
    if !enter(schema) {
        return;
    }
    let RefOr::T(schema) = schema else { return };
    match schema {
        Schema::Object(object) => {
            for property in object.properties.values_mut() {
                visit(property, enter);
            }
            if let Some(additional) = &mut object.additional_properties
                && let AdditionalProperties::RefOr(value) = additional.as_mut()
            {
                visit(value, enter);
            }
        }
        Schema::Array(Array {
            items: ArrayItems::RefOrSchema(item),
            ..
        }) => visit(item, enter),
        Schema::OneOf(OneOf { items, .. })
        | Schema::AllOf(AllOf { items, .. })
        | Schema::AnyOf(AnyOf { items, .. }) => {
            for item in items {
                visit(item, enter);
            }
        }
        _ => {}
    }
}
