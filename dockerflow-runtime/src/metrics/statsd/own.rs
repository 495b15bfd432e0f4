//! What is sent of the process itself, besides what it measures.

/// What the thread that sends adds from the process itself.
pub(crate) trait Own: Send + Sync {
    /// Appends lines, one of them about `lost` lines that were never sent.
    fn lines(&self, lost: u64, into: &mut String);
    /// The lines that were returned last have been sent.
    fn sent(&self);
}
