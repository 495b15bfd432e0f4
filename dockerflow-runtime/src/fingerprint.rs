//! A number that identifies a text: two texts with the same number are practically impossible.

/// Returns the number of a text. It depends on `seed`, which must be unknown to anybody who chooses texts.
#[inline]
pub(crate) fn fingerprint(seed: u64, text: &[u8]) -> u64 {
    let (words, rest) = text.as_chunks();
    let mut number = begin(seed, text);
    for word in words {
        number = mix(number, u64::from_le_bytes(*word));
    }
    if rest.is_empty() {
        return number;
    }
    // With the length, these bytes, which may overlap, are the whole text.
    let last = if let Some(word) = text.last_chunk() {
        u64::from_le_bytes(*word)
    } else if let (Some(first), Some(last)) = (rest.first_chunk(), rest.last_chunk()) {
        u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last))
    } else {
        let byte = |place: usize| u64::from(rest[place]);
        byte(0) << 16 | byte(rest.len() / 2) << 8 | byte(rest.len() - 1)
    };
    mix(number, last)
}

/// Seed and length are in different halves, so that a small seed and length cannot be confused with others.
#[inline]
fn begin(seed: u64, text: &[u8]) -> u64 {
    mix(seed.rotate_left(32), text.len() as u64)
}

#[inline]
#[allow(clippy::cast_possible_truncation, reason = "both halves are used")]
fn mix(number: u64, word: u64) -> u64 {
    const FACTOR: u128 = 0x9e37_79b9_7f4a_7c15;
    let wide = u128::from(number ^ word) * FACTOR;
    (wide >> 64) as u64 ^ wide as u64
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_text_has_a_number_of_its_own_and_another_one_by_another_seed() {
        let mut texts = HashSet::from([String::new()]);
        for length in 1..40 {
            for place in 0..length {
                for letter in "abc\u{0}".chars() {
                    let mut text = "a".repeat(length);
                    text.replace_range(place..=place, letter.encode_utf8(&mut [0; 4]));
                    texts.insert(text);
                }
            }
        }
        let numbers: HashSet<_> = (1..=2)
            .flat_map(|seed| {
                texts
                    .iter()
                    .map(move |text| fingerprint(seed, text.as_bytes()))
            })
            .collect();
        assert_eq!(numbers.len(), 2 * texts.len());
    }
}
