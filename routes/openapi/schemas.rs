//! Schemas: those derived from the wire types, completed, and those written by hand.
//!
//! A derived schema says little about its strings and ids. [`complete`] adds what holds for all
//! of them, so that a wire type states only what is its own.

use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::schema::{
    AllOf, AnyOf, Array, ArrayItems, KnownFormat, Object, ObjectBuilder, OneOf, OneOfBuilder,
    SchemaFormat, SchemaType,
};
use utoipa::openapi::{Ref, RefOr, Schema, Type};

use super::{plain, problem};
use crate::client::{Address, AddressInput, Client, ClientCreate, ClientList};
use crate::common::{
    DAY, ExternalReference, ExternalReferenceInput, LINE, MetadataInputSchema, MetadataSchema,
};
use crate::event::{Event, EventData, EventList, EventObject, EventPreviousAttributes};
use crate::expense::{Expense, ExpenseCreate, ExpenseList};
use crate::invoice::{Invoice, InvoiceLine, InvoiceList};
use crate::me::{Me, MyToken};
use crate::member::{Member, MemberList};
use crate::organization::{Organization, Rounding};
use crate::project::{Budget, BudgetInput, Membership, Project, ProjectCreate, ProjectList};
use crate::project_member::{ProjectMember, ProjectMemberList, ProjectMemberPut};
use crate::routes;
use crate::task::{Task, TaskCreate, TaskList};
use crate::time_entry::{TagSchema, TimeEntry, TimeEntryCreate, TimeEntryList};
use crate::words::{
    BillingMethodWord, BudgetKindWord, BudgetPeriodWord, CurrencyWord, EventTypeWord,
    InvoiceLineKindWord, InvoiceStatusWord, LockedReasonWord, PlanWord, RateSourceWord, RoleWord,
    RoundingModeWord, RoundingTargetWord, ScopeWord, StatusWord, TaskStatusWord, WeekdayWord,
};

/// Pattern by which a wire type says that a text is a currency; the document lists the codes.
const CURRENCY: &str = "^[A-Z]{3}$";

/// Characters of a hyphenated UUID.
const UUID_LENGTH: usize = 36;

/// Largest whole number that every client reads exactly (RFC 8259, section 6).
const MAX_SAFE_INTEGER: i64 = 9_007_199_254_740_991;

/// The merge patch of an external reference.
const REFERENCE_PATCH: &str = "ExternalReferencePatch";

/// The merge patch of a budget.
const BUDGET_PATCH: &str = "BudgetPatch";

/// Objects that are required to be whole when they are new, and their merge patches.
const PATCHES: &[(&str, &str)] = &[
    ("ExternalReferenceInput", REFERENCE_PATCH),
    ("BudgetInput", BUDGET_PATCH),
];

/// Every schema, by name.
pub(crate) fn components() -> Vec<(String, RefOr<Schema>)> {
    let mut schemas = vec![
        of::<Address>(),
        of::<AddressInput>(),
        of::<Client>(),
        of::<ClientCreate>(),
        of::<ClientList>(),
        patch_of::<ClientCreate>(
            "ClientUpdate",
            "What changes; what is absent stays.",
            json!({"billable_rate": "135.00", "notes": null}),
        ),
        of::<Event>(),
        of::<EventData>(),
        of::<EventList>(),
        of::<EventObject>(),
        of::<EventPreviousAttributes>(),
        of::<EventTypeWord>(),
        of::<Expense>(),
        of::<ExpenseCreate>(),
        of::<ExpenseList>(),
        patch_of::<ExpenseCreate>(
            "ExpenseUpdate",
            "What changes; what is absent stays.",
            json!({"quantity": "40", "description": null}),
        ),
        of::<LockedReasonWord>(),
        of::<ExternalReference>(),
        of::<ExternalReferenceInput>(),
        patch_of::<ExternalReferenceInput>(
            REFERENCE_PATCH,
            "What changes; what is absent stays. Service and id must be there after the change.",
            json!({"url": "https://go.xero.com/contacts/2041"}),
        ),
        of::<Invoice>(),
        of::<InvoiceLine>(),
        of::<InvoiceList>(),
        of::<InvoiceLineKindWord>(),
        of::<InvoiceStatusWord>(),
        of::<Me>(),
        of::<Member>(),
        of::<MemberList>(),
        of::<MetadataSchema>(),
        of::<MetadataInputSchema>(),
        of::<MyToken>(),
        of::<Organization>(),
        of::<Budget>(),
        of::<BudgetInput>(),
        patch_of::<BudgetInput>(
            BUDGET_PATCH,
            "What changes; what is absent stays. Kind and amount must be there after the change.",
            json!({"amount": "140"}),
        ),
        of::<Membership>(),
        of::<Project>(),
        of::<ProjectCreate>(),
        of::<ProjectList>(),
        patch_of::<ProjectCreate>(
            "ProjectUpdate",
            "What changes; what is absent stays.",
            json!({"billable_rate": "115.00", "budget": {"amount": "140"}}),
        ),
        of::<ProjectMember>(),
        of::<ProjectMemberList>(),
        of::<ProjectMemberPut>(),
        of::<BillingMethodWord>(),
        of::<BudgetKindWord>(),
        of::<BudgetPeriodWord>(),
        of::<Rounding>(),
        of::<CurrencyWord>(),
        of::<Task>(),
        of::<TaskCreate>(),
        of::<TaskList>(),
        patch_of::<TaskCreate>(
            "TaskUpdate",
            "What changes; what is absent stays.",
            json!({"status": "completed"}),
        ),
        of::<TaskStatusWord>(),
        of::<PlanWord>(),
        of::<RoleWord>(),
        of::<RoundingModeWord>(),
        of::<RoundingTargetWord>(),
        of::<ScopeWord>(),
        of::<StatusWord>(),
        of::<WeekdayWord>(),
        of::<RateSourceWord>(),
        of::<TagSchema>(),
        of::<TimeEntry>(),
        of::<TimeEntryCreate>(),
        of::<TimeEntryList>(),
        patch_of::<TimeEntryCreate>(
            "TimeEntryUpdate",
            "What changes; what is absent stays.",
            json!({"ended_at": "2026-11-24T10:55:00Z", "tags": ["design", "review"]}),
        ),
    ];
    schemas.extend(problem::schemas());
    for (_, schema) in &mut schemas {
        complete(schema);
    }
    plain::rewrite(
        &mut schemas,
        routes().flat_map(|route| route.shape.schemas()),
    );
    schemas
}

/// The schema of an id.
pub(super) fn id() -> Schema {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
        .min_length(Some(UUID_LENGTH))
        .max_length(Some(UUID_LENGTH))
        .into()
}

/// A reference to a schema.
pub(super) fn reference(name: &str) -> Ref {
    Ref::from_schema_name(name)
}

fn of<T: ToSchema>() -> (String, RefOr<Schema>) {
    (T::name().into_owned(), T::schema())
}

/// The merge patch of what may be set on creation: the same fields, none required.
fn patch_of<T: ToSchema>(name: &str, description: &str, example: Value) -> (String, RefOr<Schema>) {
    let mut schema = T::schema();
    if let RefOr::T(Schema::Object(object)) = &mut schema {
        object.required.clear();
        object.properties.values_mut().for_each(repoint);
        object.description = Some(description.to_owned());
        object.examples = vec![example];
    }
    (name.to_owned(), schema)
}

/// Within a merge patch, an object is a merge patch too.
fn repoint(schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::Ref(to) => {
            let name = to.ref_location.rsplit('/').next();
            if let Some((_, patch)) = PATCHES.iter().find(|(whole, _)| name == Some(whole)) {
                to.ref_location = reference(patch).ref_location;
            }
        }
        RefOr::T(Schema::OneOf(OneOf { items, .. })) => items.iter_mut().for_each(repoint),
        _ => {}
    }
}

/// Adds what holds for every id, instant, day and text.
fn complete(schema: &mut RefOr<Schema>) {
    let RefOr::T(schema) = schema else { return };
    match schema {
        Schema::Object(object) => complete_object(object),
        Schema::Array(Array {
            items: ArrayItems::RefOrSchema(item),
            example,
            examples,
            unique_items,
            ..
        }) => {
            examples.extend(example.take());
            complete(item);
            // Lists of ids and words are sets: `Fields::list` refuses what is given twice.
            *unique_items |=
                matches!(&**item, RefOr::T(Schema::Object(item)) if is_text(&item.schema_type));
        }
        Schema::OneOf(OneOf { items, .. })
        | Schema::AllOf(AllOf { items, .. })
        | Schema::AnyOf(AnyOf { items, .. }) => items.iter_mut().for_each(complete),
        _ => {}
    }
}

fn complete_object(object: &mut Object) {
    for property in object.properties.values_mut() {
        complete(property);
        list_currencies(property);
    }
    // `example` is the derive's word; JSON Schema's is `examples`.
    object.examples.extend(object.example.take());
    if is_of(&object.schema_type, &Type::Integer) {
        object
            .minimum
            .get_or_insert_with(|| (-MAX_SAFE_INTEGER).into());
        object
            .maximum
            .get_or_insert_with(|| MAX_SAFE_INTEGER.into());
    }
    if !is_text(&object.schema_type) {
        return;
    }
    match &object.format {
        Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)) => {
            object.min_length = Some(UUID_LENGTH);
            object.max_length = Some(UUID_LENGTH);
        }
        Some(SchemaFormat::KnownFormat(KnownFormat::Date)) => {
            object.pattern.get_or_insert_with(|| DAY.to_owned());
        }
        Some(_) => {}
        None if object.pattern.is_none() && object.enum_values.is_none() => {
            object.pattern = Some(LINE.to_owned());
        }
        None => {}
    }
}

/// A currency is one of the codes that the server takes, and not any three letters.
fn list_currencies(property: &mut RefOr<Schema>) {
    let RefOr::T(Schema::Object(object)) = property else {
        return;
    };
    if object.pattern.as_deref() != Some(CURRENCY) {
        return;
    }
    let mut currency = reference("Currency");
    currency.description = object.description.take().unwrap_or_default();
    let null = ObjectBuilder::new().schema_type(Type::Null);
    *property = match object.schema_type {
        SchemaType::Array(_) => RefOr::T(OneOfBuilder::new().item(null).item(currency).into()),
        SchemaType::Type(_) | SchemaType::AnyValue => RefOr::Ref(currency),
    };
}

fn is_text(schema_type: &SchemaType) -> bool {
    is_of(schema_type, &Type::String)
}

fn is_of(schema_type: &SchemaType, wanted: &Type) -> bool {
    match schema_type {
        SchemaType::Type(of) => of == wanted,
        SchemaType::Array(types) => types.contains(wanted),
        SchemaType::AnyValue => false,
    }
}
