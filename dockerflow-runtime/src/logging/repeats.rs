//! How lines that repeat are limited: `LOG_REPEAT_LIMIT` a second from one place in the source.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::Mutex,
    time::{Duration, Instant},
};

use slog::Level;

use super::{
    line::Value,
    sink::{Logging, Origin},
};
use crate::lock::lock;

const SECOND: Duration = Duration::from_secs(1);

/// No more places than these are counted at once.
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

    /// Whether one more line of this place is logged. Reports what was left out in the second before, if this one is new.
    pub(super) fn admit(&self, logging: &Logging, origin: &Origin<'_>) -> bool {
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
        report(logging, ended);
        admitted
    }

    /// Reports what was left out by now.
    pub(super) fn report_all(&self, logging: &Logging) {
        let ended = lock(&self.places).counts.drain().collect();
        report(logging, ended);
    }
}

fn report(logging: &Logging, ended: Vec<((String, u32), Count)>) {
    for ((place, line), count) in ended {
        if count.left_out > 0 && logging.filter().allows(Level::Warning, "dockerflow.log") {
            let text =
                "lines were left out: more than LOG_REPEAT_LIMIT a second came from one place";
            let message = Some(Value::Text(text));
            logging.write(Level::Warning, "dockerflow.log", message, |fields| {
                fields.outer("left_out", Value::Unsigned(count.left_out));
                fields.outer("target", Value::Text(&count.target));
                if line > 0 {
                    fields.outer("place", Value::Format(format_args!("{place}:{line}")));
                }
            });
        }
    }
}
