//! Which request this is: an id taken from the client or made, and known to every line logged for it.

/// Calls `use_id` with the id of the request that is handled on this thread, if one is.
pub(crate) fn with(_use_id: impl FnOnce(&str)) {}
