//! The parts of a request that its summary shows: a copy, because the request is gone if an app fails.

use std::cell::RefCell;

use actix_web::{
    dev::RequestHead,
    http::{header, uri::PathAndQuery},
};

/// How many buffers a thread keeps for later requests.
const KEPT: usize = 64;

/// A buffer that has grown beyond this is not kept.
const LARGE: usize = 4096;

thread_local! {
    static BUFFERS: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// All parts in one buffer, one after the other: sharing the request's own costs more than copying a few bytes.
#[derive(Debug)]
pub(super) struct Sent {
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
    /// Copies the parts of a request, the query only if the summary shows it.
    pub(super) fn of(head: &RequestHead, with_query: bool) -> Self {
        let mut bytes = BUFFERS
            .try_with(|buffers| buffers.borrow_mut().pop())
            .ok()
            .flatten()
            .unwrap_or_default();
        let mut add = |part: &[u8]| {
            bytes.extend_from_slice(part);
            bytes.len()
        };
        let target = head.uri.path_and_query();
        let path = add(target.map_or("", PathAndQuery::path).as_bytes());
        let query = target.and_then(|target| target.query().filter(|_| with_query));
        let query = query.map(|query| add(query.as_bytes()));
        let agent = head.headers.get(header::USER_AGENT);
        let agent = agent.map(|agent| add(agent.as_bytes()));
        let lang = head.headers.get(header::ACCEPT_LANGUAGE);
        let has_lang = lang.map(|lang| add(lang.as_bytes())).is_some();
        Self {
            bytes,
            path,
            query,
            agent,
            has_lang,
        }
    }

    pub(super) fn path(&self) -> &[u8] {
        &self.bytes[..self.path]
    }

    pub(super) fn query(&self) -> Option<&[u8]> {
        Some(&self.bytes[self.path..self.query?])
    }

    pub(super) fn agent(&self) -> Option<&[u8]> {
        Some(&self.bytes[self.query.unwrap_or(self.path)..self.agent?])
    }

    pub(super) fn lang(&self) -> Option<&[u8]> {
        let from = self.agent.or(self.query).unwrap_or(self.path);
        self.has_lang.then(|| &self.bytes[from..])
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        if bytes.capacity() > LARGE {
            return;
        }
        bytes.clear();
        // A thread that ends has no buffers any more.
        let _ = BUFFERS.try_with(|buffers| {
            let mut buffers = buffers.borrow_mut();
            if buffers.len() < KEPT {
                buffers.push(bytes);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn each_part_is_what_was_sent_or_is_not_there() {
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
            let sent = Sent::of(request.to_http_request().head(), wanted);
            assert_eq!(sent.path(), b"/path");
            let query = query.filter(|_| wanted);
            assert_eq!(sent.query(), query.map(str::as_bytes));
            assert_eq!(sent.agent(), agent.map(str::as_bytes));
            assert_eq!(sent.lang(), lang.map(str::as_bytes));
        }
    }
}
