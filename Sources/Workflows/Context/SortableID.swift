public import Foundation

/// Ids that sort by time: 16 characters of lowercase Crockford base32, 10 for the milliseconds since 1970 and 6 at random.
public enum SortableID {
    private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

    /// A new id. Ids of the same millisecond differ by 30 random bits.
    public static func make(at time: Date, using generator: inout some RandomNumberGenerator) -> String {
        var milliseconds = UInt64(max(0, (time.timeIntervalSince1970 * 1000).rounded()))
        var random = generator.next() & 0x3FFF_FFFF
        var characters = [UInt8](repeating: 0, count: 16)
        for index in (0..<10).reversed() {
            characters[index] = alphabet[Int(milliseconds & 31)]
            milliseconds >>= 5
        }
        for index in (10..<16).reversed() {
            characters[index] = alphabet[Int(random & 31)]
            random >>= 5
        }
        return String(decoding: characters, as: UTF8.self)
    }

    /// A new id from the system's randomness.
    public static func make(at time: Date) -> String {
        var generator = SystemRandomNumberGenerator()
        return make(at: time, using: &generator)
    }
}
