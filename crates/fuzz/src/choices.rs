//! Bytes as a row of choices. When they run out, every choice is the first, the plainest one.

use arbitrary::Unstructured;

pub struct Choices<'a>(Unstructured<'a>);

impl<'a> Choices<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(Unstructured::new(bytes))
    }

    /// From 0, less than `limit`; 0 when there is no other.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0.int_in_range(0..=limit.saturating_sub(1)).unwrap_or(0)
    }

    pub fn number(&mut self) -> u64 {
        // Mostly small or at an edge: there the mistakes are.
        match self.below(4) {
            0 => self.below(4) as u64,
            1 => u64::MAX - self.below(2) as u64,
            2 => 1 << self.below(64),
            _ => self.0.arbitrary().unwrap_or(0),
        }
    }

    pub fn one_in(&mut self, many: usize) -> bool {
        self.below(many) + 1 == many
    }

    pub fn pick<'t, T: ?Sized>(&mut self, of: &[&'t T]) -> &'t T {
        of[self.below(of.len())]
    }

    pub fn byte(&mut self) -> u8 {
        self.0.arbitrary().unwrap_or(0)
    }

    /// At most `most` bytes, as they come.
    pub fn bytes(&mut self, most: usize) -> Vec<u8> {
        let length = self.below(most + 1).min(self.0.len());
        self.0.bytes(length).map(<[u8]>::to_vec).unwrap_or_default()
    }

    /// A text with what is hard to write down: quotes, line ends, other scripts, nothing at all.
    pub fn text(&mut self) -> String {
        const HARD: [&str; 16] = [
            "",
            "a",
            "vpc-1",
            "\"",
            "\\",
            "\n",
            "\r\n",
            "\0",
            "\u{2028}",
            "\u{feff}",
            "ä",
            "🚀",
            "e\u{301}",
            "{\"a\":1}",
            "\u{7f}",
            " ",
        ];
        (0..self.below(4)).map(|_| self.pick(&HARD)).collect()
    }
}
