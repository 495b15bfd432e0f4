//! The members of a line, beside its fields, for Google Cloud.

use super::{
    bounds::{SENT, TWICE},
    escape::{end_within, escape, escape_lossy},
    line::{Format, Google, Line},
    value::{Value, write_name, write_value},
};

impl Line<'_> {
    /// Whether Google Cloud reads the line.
    #[inline]
    pub(crate) fn is_for_google(&self) -> bool {
        self.format == Format::Gcp
    }

    /// Returns what is read by Google Cloud, if that reads the line.
    fn google(&mut self) -> Option<&mut Google> {
        self.is_for_google()
            .then(|| &mut **self.google.get_or_insert_default())
    }

    /// Sets the text that Google Cloud shows for a record without a message.
    pub(crate) fn headline(&mut self, text: impl FnOnce() -> String) {
        if let Some(google) = self.google() {
            google.headline = Some(text());
        }
    }

    /// Adds the trace, as Google Cloud links to it.
    pub(crate) fn google_trace(&mut self, project: Option<&str>, trace: &str, span: Option<&str>) {
        // The trace that is added first is the innermost.
        let Some(google) = self.google().filter(|google| !google.traced) else {
            return;
        };
        google.traced = true;
        let into = &mut google.members;
        into.extend_from_slice(br#","logging.googleapis.com/trace":""#);
        if let Some(project) = project {
            into.extend_from_slice(b"projects/");
            escape(into, project);
            into.extend_from_slice(b"/traces/");
        }
        into.extend_from_slice(trace.as_bytes());
        into.push(b'"');
        if let Some(span) = span {
            into.extend_from_slice(br#","logging.googleapis.com/spanId":""#);
            into.extend_from_slice(span.as_bytes());
            into.push(b'"');
        }
    }

    /// Adds where in the source a record comes from.
    pub(crate) fn source(&mut self, file: &str, line: u32) {
        if let Some(google) = self.google() {
            let into = &mut google.members;
            into.extend_from_slice(br#","logging.googleapis.com/sourceLocation":{"file":""#);
            write_name(into, file);
            into.extend_from_slice(format!(r#"","line":"{line}"}}"#).as_bytes());
        }
    }

    /// Adds a request as Google Cloud shows one: the text pairs, escaped here, then its status.
    pub(crate) fn http_request(
        &mut self,
        status: u16,
        pairs: impl FnOnce(&mut dyn FnMut(&str, &[u8])),
    ) {
        let Some(google) = self.google() else { return };
        let into = &mut google.members;
        into.extend_from_slice(br#","httpRequest":{"#);
        pairs(&mut |key, text| {
            into.push(b'"');
            into.extend_from_slice(key.as_bytes());
            into.extend_from_slice(br#"":""#);
            let from = into.len();
            escape_lossy(into, text.get(..=TWICE).unwrap_or(text));
            if into.len() - from > TWICE {
                let end = from + end_within(&into[from..], TWICE);
                into.truncate(end);
            }
            into.extend_from_slice(br#"","#);
        });
        into.extend_from_slice(format!(r#""status":{status}}}"#).as_bytes());
    }

    /// Writes all that was added, and the message once more.
    pub(super) fn end_google(&mut self, target: &str) {
        let google = self.google.take().unwrap_or_default();
        self.text.extend_from_slice(&google.members);
        self.text.extend_from_slice(br#","message":"#);
        if let Some(message) = self.message.clone() {
            self.text.extend_from_within(message);
        } else {
            let text = google.headline.as_deref().unwrap_or(target);
            write_value(self.text, Value::Text(text), SENT);
        }
    }
}
