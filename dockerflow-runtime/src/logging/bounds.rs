//! How long a line and its parts may be.

/// The length of a line with its break, at most: container engines split longer ones.
pub(crate) const LONGEST: usize = 16 * 1024;

/// How much of that is kept free for the end of a line: ids, and what Google Cloud reads.
pub(super) const RESERVE: usize = 2 * 1024;

/// The length of a value, at most, as it is written.
pub(super) const VALUE: usize = 8 * 1024;

/// The length of a message.
pub(super) const MESSAGE: usize = 6 * 1024;

/// The same where it is written twice.
pub(super) const MESSAGE_TWICE: usize = 2560;

/// The length of text that a client sent.
pub(super) const SENT: usize = 1536;

/// The same where Google Cloud has it once more.
pub(super) const TWICE: usize = 768;

/// The length of names: a key, a target, the name of a program or host.
pub(super) const NAME: usize = 256;

/// What stands where a value was cut.
pub(super) const CUT: &str = "… [cut]";

/// A value shorter than this says nothing: the field is left out.
pub(super) const WORTH: usize = 64;
