//! The lines that the sender adds of its own.

/// The source of the lines about the process itself.
pub(crate) trait Own: Send + Sync {
    /// Appends lines, one of them about `lost` lines that were never sent.
    fn lines(&self, lost: u64, into: &mut String);
    /// The lines that were returned last have been sent.
    fn sent(&self);
}
