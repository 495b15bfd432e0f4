//! Where a record comes from.

#[derive(Clone, Copy, Debug)]
pub(crate) struct RecordOrigin<'a> {
    pub(crate) target: &'a str,
    pub(crate) file: Option<&'a str>,
    pub(crate) line: u32,
}
