//! Decompresses the beginning of an object: zlib (RFC 1950) and deflate (RFC 1951).

/// Returns at least the first `enough` bytes that `zlib` was compressed from, or all if they are fewer. The checksum is not
/// compared: whoever can change the file can change that, too.
#[must_use]
pub fn inflate(zlib: &[u8], enough: usize) -> Option<Vec<u8>> {
    let mut bits = Bits {
        bytes: zlib.get(2..)?,
        position: 0,
    };
    let mut output = Vec::new();
    loop {
        let is_last = bits.take(1)? == 1;
        match bits.take(2)? {
            0 => stored(&mut bits, &mut output)?,
            1 => {
                let lengths: Vec<u8> = [(8, 144), (9, 112), (7, 24), (8, 8)]
                    .iter()
                    .flat_map(|(length, count)| vec![*length; *count])
                    .collect();
                compressed(
                    &mut bits,
                    &Codes::new(&lengths),
                    &Codes::new(&[5; 30]),
                    enough,
                    &mut output,
                )?;
            }
            2 => {
                let (literals, distances) = dynamic(&mut bits)?;
                compressed(&mut bits, &literals, &distances, enough, &mut output)?;
            }
            _ => return None,
        }
        if is_last || output.len() >= enough {
            return Some(output);
        }
    }
}

fn stored(bits: &mut Bits<'_>, output: &mut Vec<u8>) -> Option<()> {
    bits.position = bits.position.next_multiple_of(8);
    let length = bits.take(16)?;
    bits.take(16)?; // the same, inverted
    for _ in 0..length {
        output.push(u8::try_from(bits.take(8)?).ok()?);
    }
    Some(())
}

/// Decompresses a block with codes, up to its end or until there are enough bytes.
fn compressed(
    bits: &mut Bits<'_>,
    literals: &Codes,
    distances: &Codes,
    enough: usize,
    output: &mut Vec<u8>,
) -> Option<()> {
    while output.len() < enough {
        let symbol = literals.next(bits)?;
        if let Ok(byte) = u8::try_from(symbol) {
            output.push(byte);
            continue;
        }
        let Some(step) = symbol.checked_sub(257) else {
            return Some(());
        };
        let length = match step {
            28 => 258,
            29.. => return None,
            _ => 3 + span(bits, step, 4)?,
        };
        let step = distances.next(bits)?;
        let distance = 1 + span(bits, step, 2)?;
        for _ in 0..length {
            output.push(*output.get(output.len().checked_sub(distance)?)?);
        }
    }
    Some(())
}

/// Reads a length or a distance: the beginning of its step, and the bits that follow. Steps come in ranges, of four for lengths and of two
/// for distances; those of each range are twice as wide as those of the range before.
fn span(bits: &mut Bits<'_>, step: usize, in_range: usize) -> Option<usize> {
    let extra = (step / in_range).saturating_sub(1);
    let start = if step < 2 * in_range {
        step
    } else {
        (in_range + step % in_range) << extra
    };
    Some(start + bits.take(extra)?)
}

/// Reads the codes at the beginning of a block that has its own.
fn dynamic(bits: &mut Bits<'_>) -> Option<(Codes, Codes)> {
    const ORDER: [usize; 19] = [
        16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
    ];
    let literals = 257 + bits.take(5)?;
    let distances = 1 + bits.take(5)?;
    let count = 4 + bits.take(4)?;
    let mut lengths = [0; 19];
    for place in ORDER.iter().take(count) {
        lengths[*place] = u8::try_from(bits.take(3)?).ok()?;
    }
    let codes = Codes::new(&lengths);
    let mut lengths: Vec<u8> = Vec::new();
    while lengths.len() < literals + distances {
        let (length, times) = match codes.next(bits)? {
            16 => (*lengths.last()?, 3 + bits.take(2)?),
            17 => (0, 3 + bits.take(3)?),
            18 => (0, 11 + bits.take(7)?),
            length => (u8::try_from(length).ok()?, 1),
        };
        lengths.resize(lengths.len() + times, length);
    }
    let (literals, distances) = lengths.split_at(literals);
    Some((Codes::new(literals), Codes::new(distances)))
}

/// A Huffman code: how many codes have each length, and the symbols in the order of their codes.
struct Codes {
    counts: [usize; 16],
    symbols: Vec<usize>,
}

impl Codes {
    fn new(lengths: &[u8]) -> Self {
        let mut counts = [0; 16];
        let mut symbols: Vec<usize> = (0..lengths.len())
            .filter(|symbol| lengths[*symbol] != 0)
            .collect();
        symbols.sort_by_key(|symbol| lengths[*symbol]); // stable: by symbol within a length
        for symbol in &symbols {
            counts[usize::from(lengths[*symbol])] += 1;
        }
        Self { counts, symbols }
    }

    /// Reads the next symbol.
    fn next(&self, bits: &mut Bits<'_>) -> Option<usize> {
        let (mut code, mut first, mut index) = (0, 0, 0);
        for count in &self.counts[1..] {
            code |= bits.take(1)?;
            if code < first + count {
                return self.symbols.get(index + code - first).copied();
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        None
    }
}

/// Bits, the lowest of each byte first.
struct Bits<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Option<usize> {
        let mut value = 0;
        for bit in 0..count {
            let byte = self.bytes.get(self.position / 8)?;
            value |= usize::from(byte >> (self.position % 8) & 1) << bit;
            self.position += 1;
        }
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text as zlib compresses it: stored, with the fixed codes, and with codes of its own.
    const SHORT: &[u8] = b"aaaaaaaaaa";
    const STORED: &[u8] = b"x\x01\x01\x0a\x00\xf5\xffaaaaaaaaaa\x14\xe1\x03\xcb";
    const FIXED: &[u8] = b"x\xdaKL\x84\x01\x00\x14\xe1\x03\xcb";
    const TAG: &[u8] =
        b"object 5f1e2d3c4b5a69788796a5b4c3d2e1f001234567\ntype commit\ntag v1.3.0\n\
          tagger Author <author@example.org> 1700000000 +0000\n\n\
          The release of the year, and the commit of the tag of the release.\n";
    const DYNAMIC: &[u8] = b"x\xda5MK\x0e\xc2 \x14\xdcs\x8a\xb7\xd7\x10(P\xda\xc4\x18\xbd\x83\x17x\xc0k\xabi\xa5A4\xf6\xf6J\xad\
          \xb3\x98O&\x93\x89\xeeF>\x83\xe9$UAy\xed\x0c\xd6\xadm\x1a\xdb\xd6h\x9c\xf6*T$;!d\xa5\xb4\xa9-\xcb\
          \xcbL\xe0\xe34]3\xcb\xd8\xc3Kr\xc5E\xb1=%8?\xf3\x10\x13\x1cp\xd5\x13\xbdq\x9aG\xe21\xf5G\x90Vl\x80]a\
          \xc6.\x03A\xa2\x91\xf0A\x10;\xc8\xdf\xb8\x10\xa6=\xe0=\xac\xe9\xf7\xf3\xef\xca\xddf\xb7\x15g\x1f\xb5\
          !;^";

    #[test]
    fn each_kind_of_block_is_read_and_no_more_than_asked_for() {
        assert_eq!(inflate(STORED, 256).expect("a stored block"), SHORT);
        assert_eq!(inflate(FIXED, 256).expect("a block of fixed codes"), SHORT);
        assert_eq!(
            inflate(DYNAMIC, 256).expect("a block of its own codes"),
            TAG
        );
        let start = inflate(DYNAMIC, 60).expect("its start");
        assert!((60..TAG.len()).contains(&start.len()) && TAG.starts_with(&start));
    }

    #[test]
    fn broken_data_is_refused_and_never_a_panic() {
        const CHECKSUM: usize = 4;
        for data in [STORED, FIXED, DYNAMIC] {
            for end in 0..data.len() - CHECKSUM {
                assert_eq!(inflate(&data[..end], 256), None, "cut at {end}");
            }
            for (place, byte) in
                (0..data.len()).flat_map(|place| [0, 0x55, 0xff].map(|byte| (place, byte)))
            {
                let mut broken = data.to_vec();
                broken[place] = byte;
                let _ = inflate(&broken, 4096); // whatever it says, it ends
            }
        }
    }
}
