//! Members, as the API shows them.
