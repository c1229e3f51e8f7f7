//! Examples of whole bodies, put together from the examples of their fields, so that a field is
//! exemplified where it is declared and nowhere else.

use serde_json::{Map, Value, json};
use utoipa::openapi::schema::{ArrayItems, SchemaType};
use utoipa::openapi::{Components, RefOr, Schema, Type};

/// An example of the schema with this name; null if there is none.
pub(super) fn of(name: &str, components: &Components) -> Value {
    components
        .schemas
        .get(name)
        .map_or(Value::Null, |schema| example(schema, components))
}

fn example(schema: &RefOr<Schema>, components: &Components) -> Value {
    let schema = match schema {
        RefOr::Ref(reference) => {
            let name = reference.ref_location.rsplit('/').next();
            return of(name.unwrap_or_default(), components);
        }
        RefOr::T(schema) => schema,
    };
    match schema {
        Schema::Object(object) => {
            if let Some(example) = object.examples.first() {
                return example.clone();
            }
            if may_be(&object.schema_type, &Type::Null) {
                return Value::Null;
            }
            if may_be(&object.schema_type, &Type::Object) {
                return object
                    .properties
                    .iter()
                    .map(|(name, schema)| (name.clone(), example(schema, components)))
                    .collect();
            }
            let word = object.enum_values.as_ref().and_then(|words| words.first());
            word.cloned().unwrap_or_default()
        }
        Schema::Array(array) => match (array.examples.first(), &array.items) {
            (Some(example), _) => example.clone(),
            (None, ArrayItems::RefOrSchema(item)) => json!([example(item, components)]),
            (None, ArrayItems::False) => json!([]),
        },
        // The derive writes an optional reference as "null or this": the example is of this.
        Schema::OneOf(choice) => choice
            .items
            .iter()
            .map(|item| example(item, components))
            .find(|example| !example.is_null())
            .unwrap_or_default(),
        Schema::AllOf(all) => {
            let mut merged = Map::new();
            for item in &all.items {
                if let Value::Object(part) = example(item, components) {
                    merged.extend(part);
                }
            }
            merged.into()
        }
        _ => Value::Null,
    }
}

fn may_be(schema_type: &SchemaType, wanted: &Type) -> bool {
    match schema_type {
        SchemaType::Type(of) => of == wanted,
        SchemaType::Array(types) => types.contains(wanted),
        SchemaType::AnyValue => false,
    }
}
