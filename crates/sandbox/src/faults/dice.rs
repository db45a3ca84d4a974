//! Chance that can be repeated: each draw is a hash of the seed, the number of the call and what the draw is for.
//!
//! No generator is handed around, so a draw that one fault makes or leaves out changes no other fault's draws.

/// What a draw is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    Fresh,
    Lag,
    Storm,
    /// The rule with this index among `calls`.
    Rule(usize),
    /// How long the Tagging API still lists the thing with this index.
    Ghost(usize),
}

/// 0 to 1, without 1.
pub(super) fn draw(seed: u64, number: u64, purpose: Purpose) -> f64 {
    let purpose = match purpose {
        Purpose::Fresh => 1,
        Purpose::Lag => 2,
        Purpose::Storm => 3,
        Purpose::Rule(index) => 1_000 + index as u64,
        Purpose::Ghost(index) => 1_000_000 + index as u64,
    };
    let hash = mix(mix(mix(seed).wrapping_add(number)).wrapping_add(purpose));
    // 53 bits are what a float between 0 and 1 can tell apart.
    (hash >> 11) as f64 / (1_u64 << 53) as f64
}

/// SplitMix64's finisher (Steele, Lea, Flood 2014): every bit of the input reaches every bit of the output.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::{Purpose, draw};

    #[test]
    fn draws_are_even_and_the_same_again() {
        let draws = |seed| (0..10_000).map(|number| draw(seed, number, Purpose::Lag)).collect::<Vec<f64>>();
        assert_eq!(draws(7), draws(7));
        assert_ne!(draws(7), draws(8));
        let below = |limit: f64| draws(7).iter().filter(|draw| **draw < limit).count();
        assert!((900..1100).contains(&below(0.1)), "{}", below(0.1));
        assert!((8900..9100).contains(&below(0.9)), "{}", below(0.9));
    }
}
