import Checksum
import Foundation
import Testing

@testable import SQLConnectors
import TestSupport

@Suite("The checksum is XXH64, however the bytes arrive")
struct ChecksumTests {
    /// The reference implementation's sanity buffer with its sums for seed 0, and sums of texts as published with its bindings.
    @Test("Known sums", arguments: knownSums)
    func known(bytes: [UInt8], sum: UInt64) {
        #expect(checksum(of: bytes, pieces: [bytes.count]) == sum)
    }

    @Test("Pieces of any size give the same sum", arguments: [11, 12, 13] as [UInt64])
    func pieces(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let bytes = (0..<5000).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        let whole = checksum(of: bytes, pieces: [bytes.count])
        for _ in 0..<50 {
            let pieces = (0..<200).map { _ in Int.random(in: 0...70, using: &random) }
            #expect(checksum(of: bytes, pieces: pieces) == whole, "seed \(seed)")
        }
    }

    /// Feeds pieces of these sizes, then the rest.
    private func checksum(of bytes: [UInt8], pieces: [Int]) -> UInt64 {
        var checksum = Checksum()
        var rest = bytes[...]
        for size in pieces + [bytes.count] {
            rest.prefix(size).withUnsafeBytes { checksum.update($0) }
            rest = rest.dropFirst(size)
        }
        return checksum.finish()
    }
}

/// The bytes that xxHash's own sanity check runs over.
private let sanityBuffer: [UInt8] = {
    var generator: UInt64 = 2_654_435_761
    return (0..<222).map { _ in
        defer { generator &*= 11_400_714_785_074_694_797 }
        return UInt8(generator >> 56)
    }
}()

private let knownSums: [([UInt8], UInt64)] = [
    ([], 0xEF46_DB37_51D8_E999),
    (Array(sanityBuffer.prefix(1)), 0xE934_A84A_DB05_2768),
    (Array(sanityBuffer.prefix(4)), 0x9136_A0DC_A574_57EE),
    (Array(sanityBuffer.prefix(14)), 0x8282_DCC4_994E_35C8),
    (sanityBuffer, 0xB641_AE8C_B691_C174),
    (Array("a".utf8), 0xD24E_C4F1_A98C_6E5B),
    (Array("abc".utf8), 0x44BC_2CF5_AD77_0999),
    (Array("xxhash".utf8), 0x32DD_3895_2C4B_C720),
    (Array("Nobody inspects the spammish repetition".utf8), 0xFBCE_A83C_8A37_8BF1),
]
