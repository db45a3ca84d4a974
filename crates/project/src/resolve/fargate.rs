//! Fargate's sizes: which memory goes with which cpu.
//!
//! Source: Amazon ECS Developer Guide, "Task CPU and memory".

/// Smallest, largest and step of the memory (MiB) for each cpu.
const SIZES: [(u32, u32, u32, u32); 7] = [
    (256, 512, 2048, 1024),
    (512, 1024, 4096, 1024),
    (1024, 2048, 8192, 1024),
    (2048, 4096, 16_384, 1024),
    (4096, 8192, 30_720, 1024),
    (8192, 16_384, 61_440, 4096),
    (16_384, 32_768, 122_880, 8192),
];

/// Every valid pair of cpu and memory, small ones first.
pub(super) fn pairs() -> impl Iterator<Item = (u32, u32)> {
    SIZES.into_iter().flat_map(|(cpu, least, most, step)| {
        // 256 has 512 MiB besides whole GiB.
        let whole = (least.next_multiple_of(step)..=most).step_by(step as usize);
        let odd = (least % step != 0).then_some(least);
        odd.into_iter().chain(whole).map(move |memory| (cpu, memory))
    })
}

pub(super) fn is_valid(cpu: u32, memory: u32) -> bool {
    pairs().any(|pair| pair == (cpu, memory))
}

/// The valid pair that changes least, as people see it: in ratios, the larger one when in doubt.
pub(super) fn nearest(cpu: u32, memory: u32) -> (u32, u32) {
    let far = |from: u32, to: u32| (f64::from(to.max(1)) / f64::from(from.max(1))).log2().abs();
    let distance = |pair: (u32, u32)| far(cpu, pair.0) + far(memory, pair.1);
    pairs()
        .map(|pair| (distance(pair), pair))
        .min_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)))
        .map_or((256, 512), |(_, pair)| pair)
}

/// For a message: `1024, 2048, …` of one cpu.
pub(super) fn memories(cpu: u32) -> Option<String> {
    let (_, least, most, step) = SIZES.into_iter().find(|size| size.0 == cpu)?;
    if cpu == 256 {
        return Some("512, 1024 or 2048".to_owned());
    }
    Some(format!("{least} to {most} in steps of {step}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_the_table() {
        assert_eq!(pairs().filter(|(cpu, _)| *cpu == 256).collect::<Vec<_>>(), [(256, 512), (256, 1024), (256, 2048)]);
        assert_eq!(pairs().count(), 3 + 4 + 7 + 13 + 23 + 12 + 12);
        assert!(is_valid(512, 1024) && is_valid(8192, 20_480) && is_valid(16_384, 122_880));
        assert!(!is_valid(256, 3072) && !is_valid(512, 512) && !is_valid(300, 1024) && !is_valid(8192, 17_408));
        assert_eq!(nearest(512, 512), (512, 1024));
        assert_eq!(nearest(256, 3072), (256, 2048));
        assert_eq!(nearest(300, 1024), (256, 1024));
    }
}
