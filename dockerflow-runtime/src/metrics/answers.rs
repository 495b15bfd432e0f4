//! The lines and series of requests that were answered alike, which each worker finds at little cost.

use hashbrown::{HashTable, hash_table::Entry};

/// The properties by which requests are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer<'a> {
    pub(super) method: &'static str,
    pub(super) route: &'a str,
    pub(super) status: &'static str,
}

/// What all requests with the same [`Answer`] share: the end of their line of statsd, and their series.
#[derive(Debug)]
pub(super) struct Recorded {
    method: &'static str,
    route: Box<str>,
    status: &'static str,
    /// The rest of a line of statsd, after the time.
    pub(super) tail: Box<[u8]>,
    #[cfg(feature = "prometheus")]
    pub(super) series: Option<std::sync::Arc<super::prometheus::SeriesValue>>,
}

/// Those that a worker knows: as many as its app has routes, times methods and classes of status.
#[derive(Debug, Default)]
pub(super) struct Answers(HashTable<Recorded>);

impl Answers {
    /// Returns the record of these requests, which `new` makes for the first of them.
    pub(super) fn of(&mut self, answer: &Answer<'_>, new: impl FnOnce() -> Recorded) -> &Recorded {
        let same = |known: &Recorded| known.answer() == *answer;
        let hash = |known: &Recorded| known.answer().hash();
        match self.0.entry(answer.hash(), same, hash) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(new()).into_mut(),
        }
    }
}

impl Recorded {
    pub(super) fn new(answer: &Answer<'_>, tail: Vec<u8>) -> Self {
        Self {
            method: answer.method,
            route: answer.route.into(),
            status: answer.status,
            tail: tail.into(),
            #[cfg(feature = "prometheus")]
            series: None,
        }
    }

    fn answer(&self) -> Answer<'_> {
        Answer {
            method: self.method,
            route: &self.route,
            status: self.status,
        }
    }
}

impl Answer<'_> {
    /// Returns a quick hash. Clients choose none of its input, so that nobody can cause collisions.
    fn hash(&self) -> u64 {
        let mix =
            |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let bytes = |bytes: &[u8]| {
            let more = |word, byte: &u8| word << 8 | u64::from(*byte);
            bytes.iter().fold(0, more)
        };
        let letters = |text: &str| u64::from(text.as_bytes().first().copied().unwrap_or_default());
        let start =
            letters(self.method) << 16 | (self.method.len() as u64) << 8 | letters(self.status);
        let (words, rest) = self.route.as_bytes().as_chunks::<8>();
        let hash = words
            .iter()
            .fold(start, |hash, word| mix(hash, u64::from_le_bytes(*word)));
        let hash = mix(hash, bytes(rest));
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
                    ("GET", "2xx"),
                    ("GET", "4xx"),
                    ("POST", "2xx"),
                    ("PUT", "2xx"),
                ] {
                    let answer = Answer {
                        method,
                        route,
                        status,
                    };
                    let tail = format!("{method} {route} {status}").into_bytes();
                    let expected = tail.clone();
                    let found = answers.of(&answer, || {
                        assert_eq!(round, 0, "{answer:?} is known");
                        Recorded::new(&answer, tail)
                    });
                    assert_eq!(*found.tail, expected);
                }
            }
        }
    }
}
