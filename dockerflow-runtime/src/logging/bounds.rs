//! How long a line and its parts may be.

/// Maximum length of a line, with its line break: container engines split longer ones.
pub(crate) const LONGEST: usize = 16 * 1024;

/// How much of that is reserved for the end of a line: ids, and members for Google Cloud.
pub(super) const RESERVE: usize = 2 * 1024;

/// Maximum length of a value, as it is written.
pub(super) const VALUE: usize = 8 * 1024;

/// Maximum length of a message.
pub(super) const MESSAGE: usize = 6 * 1024;

/// Maximum length of a message that is written twice.
pub(super) const MESSAGE_TWICE: usize = 2560;

/// Maximum length of text that a client sent.
pub(super) const SENT: usize = 1536;

/// Maximum length of such text if it is written again for Google Cloud.
pub(super) const TWICE: usize = 768;

/// Maximum length of a name: a key, a target, the name of a program or host.
pub(super) const NAME: usize = 256;

/// Maximum length of a plain value without its quotes, which are part of its length.
pub(super) const PLAIN: usize = NAME - 2;

/// The mark at the end of a value that was cut.
pub(super) const CUT: &str = "… [cut]";

/// A value that would be cut to less than this is useless: its field is left out.
pub(super) const WORTH: usize = 64;
