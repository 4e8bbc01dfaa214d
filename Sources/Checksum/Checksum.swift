package import Foundation

/// XXH64 (seed 0) over a stream of bytes, as its specification gives it: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md
///
/// It finds damage, it does not stop an attacker; it was chosen because it reads a gigabyte in well under a second.
package struct Checksum {
    private static let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
    private static let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
    private static let prime3: UInt64 = 0x1656_67B1_9E37_79F9
    private static let prime4: UInt64 = 0x85EB_CA77_C2B2_AE63
    private static let prime5: UInt64 = 0x27D4_EB2F_1656_67C5

    private var lanes: (UInt64, UInt64, UInt64, UInt64)
    private var total: UInt64 = 0
    private var rest: [UInt8] = []

    package init() {
        lanes = (Self.prime1 &+ Self.prime2, Self.prime2, 0, 0 &- Self.prime1)
    }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        total &+= UInt64(bytes.count)
        var start = 0
        if !rest.isEmpty {
            start = min(32 - rest.count, bytes.count)
            rest.append(contentsOf: bytes[..<start])
            guard rest.count == 32 else { return }
            let stripe = rest
            stripe.withUnsafeBytes { consume($0, at: 0) }
            rest.removeAll(keepingCapacity: true)
        }
        while start + 32 <= bytes.count {
            consume(bytes, at: start)
            start += 32
        }
        rest.append(contentsOf: bytes[start...])
    }

    package func finish() -> UInt64 {
        var hash: UInt64
        if total >= 32 {
            hash =
                Self.rotate(lanes.0, 1) &+ Self.rotate(lanes.1, 7) &+ Self.rotate(lanes.2, 12)
                &+ Self.rotate(lanes.3, 18)
            for lane in [lanes.0, lanes.1, lanes.2, lanes.3] {
                hash = (hash ^ Self.round(0, lane)) &* Self.prime1 &+ Self.prime4
            }
        } else {
            hash = Self.prime5
        }
        hash &+= total
        return rest.withUnsafeBytes { rest in
            var position = 0
            while position + 8 <= rest.count {
                let word = UInt64(littleEndian: rest.loadUnaligned(fromByteOffset: position, as: UInt64.self))
                hash = Self.rotate(hash ^ Self.round(0, word), 27) &* Self.prime1 &+ Self.prime4
                position += 8
            }
            if position + 4 <= rest.count {
                let word = UInt32(littleEndian: rest.loadUnaligned(fromByteOffset: position, as: UInt32.self))
                hash = Self.rotate(hash ^ (UInt64(word) &* Self.prime1), 23) &* Self.prime2 &+ Self.prime3
                position += 4
            }
            for byte in rest[position...] {
                hash = Self.rotate(hash ^ (UInt64(byte) &* Self.prime5), 11) &* Self.prime1
            }
            hash = (hash ^ (hash >> 33)) &* Self.prime2
            hash = (hash ^ (hash >> 29)) &* Self.prime3
            return hash ^ (hash >> 32)
        }
    }

    private mutating func consume(_ bytes: UnsafeRawBufferPointer, at start: Int) {
        func word(_ index: Int) -> UInt64 {
            UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: start + index * 8, as: UInt64.self))
        }
        lanes.0 = Self.round(lanes.0, word(0))
        lanes.1 = Self.round(lanes.1, word(1))
        lanes.2 = Self.round(lanes.2, word(2))
        lanes.3 = Self.round(lanes.3, word(3))
    }

    private static func round(_ lane: UInt64, _ word: UInt64) -> UInt64 { rotate(lane &+ word &* prime2, 31) &* prime1 }

    private static func rotate(_ value: UInt64, _ count: UInt64) -> UInt64 {
        (value << count) | (value >> (64 - count))
    }

    /// The checksum of a file's content, as 16 hexadecimal digits.
    ///
    /// Blocking: call it on a thread of its own.
    ///
    /// - Parameter isCancelled: asked for every megabyte; `CancellationError` is thrown when it says so.
    package static func ofFile(at url: URL, isCancelled: () -> Bool = { false }) throws -> String {
        let file = try FileHandle(forReadingFrom: url)
        defer { try? file.close() }
        var checksum = Checksum()
        while let block = try file.read(upToCount: 1 << 20), !block.isEmpty {
            if isCancelled() { throw CancellationError() }
            block.withUnsafeBytes { checksum.update($0) }
        }
        let digits = String(checksum.finish(), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
