//! The pages inside, one file each.

pub(crate) mod client;
pub(crate) mod clients;
pub(crate) mod entry;
pub(crate) mod expense;
pub(crate) mod expenses;
pub(crate) mod home;
pub(crate) mod invoice;
pub(crate) mod invoices;
pub(crate) mod project;
pub(crate) mod projects;
pub(crate) mod settings;
pub(crate) mod task;
pub(crate) mod time;
