//! The parts of a request that its summary shows, copied.

use actix_web::{
    dev::RequestHead,
    http::{header, uri::PathAndQuery},
};

/// All parts in one buffer, one after the other: sharing the request's own costs more than copying a few bytes.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    bytes: Vec<u8>,
    /// Where the path ends.
    path: usize,
    /// Where the query ends, if there is one.
    query: Option<usize>,
    /// Likewise.
    agent: Option<usize>,
    has_lang: bool,
}

impl Sent {
    /// Copies the parts of a request in place of those of an earlier one, the query only if the summary shows it.
    #[inline]
    pub(super) fn set(&mut self, head: &RequestHead, with_query: bool) {
        let bytes = &mut self.bytes;
        bytes.clear();
        let mut add = |part: &[u8]| {
            bytes.extend_from_slice(part);
            bytes.len()
        };
        let target = head.uri.path_and_query();
        self.path = add(target.map_or("", PathAndQuery::path).as_bytes());
        let query = target.and_then(|target| target.query().filter(|_| with_query));
        self.query = query.map(|query| add(query.as_bytes()));
        let agent = head.headers.get(header::USER_AGENT);
        self.agent = agent.map(|agent| add(agent.as_bytes()));
        let lang = head.headers.get(header::ACCEPT_LANGUAGE);
        self.has_lang = lang.map(|lang| add(lang.as_bytes())).is_some();
    }

    /// How many bytes it has room for.
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Returns all parts, one after the other.
    pub(crate) fn all(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn path(&self) -> &[u8] {
        &self.bytes[..self.path]
    }

    pub(crate) fn query(&self) -> Option<&[u8]> {
        Some(&self.bytes[self.path..self.query?])
    }

    pub(crate) fn agent(&self) -> Option<&[u8]> {
        Some(&self.bytes[self.query.unwrap_or(self.path)..self.agent?])
    }

    pub(crate) fn lang(&self) -> Option<&[u8]> {
        let from = self.agent.or(self.query).unwrap_or(self.path);
        self.has_lang.then(|| &self.bytes[from..])
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn each_part_is_what_was_sent_or_is_not_there_whatever_was_before() {
        let mut sent = Sent::default();
        for (query, agent, lang, wanted) in [
            (Some("a=b"), Some("Firefox"), Some("fr"), true),
            (Some("a=b"), None, Some("fr"), false),
            (None, Some("Firefox"), None, true),
            (Some(""), Some(""), Some(""), true),
            (None, None, None, false),
        ] {
            let uri = query.map_or("/path".into(), |query| format!("/path?{query}"));
            let mut request = TestRequest::with_uri(&uri);
            if let Some(agent) = agent {
                request = request.insert_header((header::USER_AGENT, agent));
            }
            if let Some(lang) = lang {
                request = request.insert_header((header::ACCEPT_LANGUAGE, lang));
            }
            sent.set(request.to_http_request().head(), wanted);
            assert_eq!(sent.path(), b"/path");
            let query = query.filter(|_| wanted);
            assert_eq!(sent.query(), query.map(str::as_bytes));
            assert_eq!(sent.agent(), agent.map(str::as_bytes));
            assert_eq!(sent.lang(), lang.map(str::as_bytes));
        }
    }
}
