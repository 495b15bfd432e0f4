//! A cache for each worker: from method, route and class of status to the line of statsd and the series of Prometheus.

use actix_web::http::{Method, StatusCode};
use hashbrown::HashTable;

/// The properties by which requests are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer<'a> {
    pub(super) kind: Kind,
    pub(super) route: &'a str,
}

/// A method and a class of status: their places in `METHODS` and `CLASSES`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    method: u8,
    class: u8,
}

/// The methods that have series of their own. Any other is counted as `other`, because a client may invent methods.
const METHODS: [&str; 10] = [
    "other", "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE",
];

const CLASSES: [&str; 6] = ["other", "1xx", "2xx", "3xx", "4xx", "5xx"];

impl Kind {
    #[inline]
    pub(super) fn of(method: &Method, status: StatusCode) -> Self {
        let method = match *method {
            Method::GET => 1,
            Method::HEAD => 2,
            Method::POST => 3,
            Method::PUT => 4,
            Method::DELETE => 5,
            Method::PATCH => 6,
            Method::OPTIONS => 7,
            Method::CONNECT => 8,
            Method::TRACE => 9,
            _ => 0,
        };
        let class = match status.as_u16() {
            100..200 => 1,
            200..300 => 2,
            300..400 => 3,
            400..500 => 4,
            500..600 => 5,
            _ => 0,
        };
        Self { method, class }
    }

    pub(super) fn method(self) -> &'static str {
        METHODS[usize::from(self.method)]
    }

    pub(super) fn status(self) -> &'static str {
        CLASSES[usize::from(self.class)]
    }
}

/// What all requests with the same [`Answer`] share: what stands before and after the time in their line of statsd, and their
/// series.
#[derive(Debug)]
pub(super) struct Recorded {
    /// The line up to the time.
    pub(super) head: Box<[u8]>,
    /// The line after the time.
    pub(super) tail: Box<[u8]>,
    #[cfg(feature = "prometheus")]
    pub(super) series: Option<std::sync::Arc<super::prometheus::SeriesValue>>,
}

/// Those that a worker knows: as many as its app has routes, times methods and classes of status.
#[derive(Debug, Default)]
pub(super) struct Answers(HashTable<Known>);

#[derive(Debug)]
struct Known {
    kind: Kind,
    route: Box<str>,
    /// `None` if such requests are not counted.
    recorded: Option<Recorded>,
}

impl Answers {
    /// Returns the record of these requests, which `new` makes for the first of them.
    pub(super) fn of(
        &mut self,
        answer: &Answer<'_>,
        new: impl FnOnce() -> Option<Recorded>,
    ) -> Option<&Recorded> {
        let known = match self
            .0
            .find_entry(answer.hash(), |known| known.answer() == *answer)
        {
            Ok(known) => known.into_mut(),
            Err(absent) => {
                let known = Known {
                    kind: answer.kind,
                    route: answer.route.into(),
                    recorded: new(),
                };
                let hash = |known: &Known| known.answer().hash();
                let table = absent.into_table();
                table.insert_unique(answer.hash(), known, hash).into_mut()
            }
        };
        known.recorded.as_ref()
    }
}

impl Known {
    fn answer(&self) -> Answer<'_> {
        Answer {
            kind: self.kind,
            route: &self.route,
        }
    }
}

impl Answer<'_> {
    /// Returns a quick hash. Clients choose none of its input, so that nobody can cause collisions.
    fn hash(&self) -> u64 {
        let mix =
            |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mix_word = |hash, word: &[u8; 8]| mix(hash, u64::from_le_bytes(*word));
        let start = u64::from(self.kind.method) << 8 | u64::from(self.kind.class);
        let route = self.route.as_bytes();
        let hash = if let Some(last) = route.last_chunk::<8>() {
            // The last eight bytes may overlap the word before them, so that none is left over.
            let (words, _) = route.as_chunks::<8>();
            mix_word(words.iter().fold(start, mix_word), last)
        } else {
            let more = |word, byte: &u8| word << 8 | u64::from(*byte);
            mix(start, route.iter().fold(0, more))
        };
        hash ^ hash >> 32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_method_route_and_status_is_made_once_and_found_again() {
        let mut answers = Answers::default();
        let routes: Vec<_> = (0..500)
            .map(|number| format!("/route{number}/{{id}}"))
            .collect();
        for round in 0..2 {
            for route in &routes {
                for (method, status) in [
                    (Method::GET, StatusCode::OK),
                    (Method::GET, StatusCode::NOT_FOUND),
                    (Method::POST, StatusCode::OK),
                    (Method::PUT, StatusCode::OK),
                ] {
                    let kind = Kind::of(&method, status);
                    let answer = Answer { kind, route };
                    let tail = format!("{method} {route} {status}").into_bytes();
                    let expected = tail.clone();
                    let found = answers.of(&answer, || {
                        assert_eq!(round, 0, "{answer:?} is known");
                        Some(Recorded {
                            head: Box::default(),
                            tail: tail.into(),
                            #[cfg(feature = "prometheus")]
                            series: None,
                        })
                    });
                    assert_eq!(*found.expect("it was made").tail, expected);
                }
            }
        }
    }

    #[test]
    fn a_method_or_status_that_is_not_known_is_another() {
        let kind = |method: &str, status: u16| {
            let method = method.parse().expect("a token");
            let kind = Kind::of(&method, status.try_into().expect("a status"));
            (kind.method(), kind.status())
        };
        for method in [
            "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE",
        ] {
            assert_eq!(kind(method, 204), (method, "2xx"));
        }
        assert_eq!(kind("BREW", 100), ("other", "1xx"));
        assert_eq!(kind("get", 308), ("other", "3xx"));
        assert_eq!(kind("GET", 499), ("GET", "4xx"));
        assert_eq!(kind("GET", 599), ("GET", "5xx"));
        assert_eq!(kind("GET", 999), ("GET", "other"));
    }
}
