//! How repeated lines are limited: `LOG_REPEAT_LIMIT` a second from one place in the source.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::Mutex,
    time::{Duration, Instant},
};

use super::origin::RecordOrigin;
use crate::lock::lock;

const SECOND: Duration = Duration::from_secs(1);

/// How many places are counted at once at most.
const MOST: usize = 4096;

/// The lines of each place in this second.
#[derive(Debug)]
pub(super) struct Repeats {
    limit: NonZeroU32,
    places: Mutex<Places>,
}

#[derive(Debug)]
struct Places {
    since: Instant,
    counts: HashMap<(String, u32), Count>,
}

/// A place whose second has ended, and how many of its lines were left out.
#[derive(Debug)]
pub(super) struct LeftOut {
    pub(super) target: String,
    pub(super) place: String,
    pub(super) line: u32,
    pub(super) lines: u64,
}

#[derive(Debug)]
struct Count {
    target: String,
    lines: u32,
    left_out: u64,
}

impl Repeats {
    pub(super) fn new(limit: NonZeroU32) -> Self {
        Self {
            limit,
            places: Mutex::new(Places {
                since: Instant::now(),
                counts: HashMap::new(),
            }),
        }
    }

    /// Returns whether another line of this place is logged, and, if a new second begins, how many were left out in the last one.
    pub(super) fn admit(&self, origin: &RecordOrigin<'_>) -> (bool, Vec<LeftOut>) {
        let mut ended = Vec::new();
        let admitted = {
            let mut places = lock(&self.places);
            if places.since.elapsed() >= SECOND || places.counts.len() >= MOST {
                places.since = Instant::now();
                ended.extend(places.counts.drain());
            }
            let place = origin.file.unwrap_or(origin.target);
            let count = places
                .counts
                .entry((place.to_owned(), origin.line))
                .or_insert_with(|| Count {
                    target: origin.target.to_owned(),
                    lines: 0,
                    left_out: 0,
                });
            let admitted = count.lines < self.limit.get();
            if admitted {
                count.lines += 1;
            } else {
                count.left_out += 1;
            }
            admitted
        };
        (admitted, left_out(ended))
    }

    /// Returns how many lines have been left out so far.
    pub(super) fn end(&self) -> Vec<LeftOut> {
        left_out(lock(&self.places).counts.drain().collect())
    }
}

fn left_out(ended: Vec<((String, u32), Count)>) -> Vec<LeftOut> {
    let ended = ended.into_iter().filter(|(_, count)| count.left_out > 0);
    ended
        .map(|((place, line), count)| LeftOut {
            target: count.target,
            place,
            line,
            lines: count.left_out,
        })
        .collect()
}
