/// SplitMix64: small, fast, and the same sequence on every platform.
package struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    /// Seeds from a text's bytes (FNV-1a), since Swift's own hashes differ between processes.
    package init(seed text: String) {
        state = text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// A workflow's randomness: seeded from the execution, so a replay sees the same numbers. Copies share one sequence.
public struct WorkflowRandom: RandomNumberGenerator, Sendable {
    let instance: WorkflowInstance

    /// The next 64 bits of the execution's sequence.
    public func next() -> UInt64 { instance.nextRandom() }
}
