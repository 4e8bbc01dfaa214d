public import Foundation

/// Makes ids that sort by the time they were made at, as text and byte by byte: 10 characters of time, then 6 at random.
///
/// The alphabet is Crockford's base32 in lower case (`0`–`9`, `a`–`z` without `i`, `l`, `o`, `u`): no hyphen, nothing that reads like
/// something else, and ascending in ASCII. Ids of the same millisecond sort by their random part.
public enum SortableID {
    /// Characters of an id.
    public static let length = timeLength + randomLength

    /// 50 bits of milliseconds: enough until the year 37648.
    static let timeLength = 10
    /// 30 bits of randomness.
    static let randomLength = 6

    private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)
    private static let latestMilliseconds = Int64(1) << 50 - 1

    /// - Parameters:
    ///   - milliseconds: since 1970; what lies outside of 1970…37648 counts as the nearest time within.
    ///   - random: the low 30 bits are used.
    public static func make(milliseconds: Int64, random: UInt64) -> String {
        timeText(milliseconds) + text(random, length: randomLength)
    }

    /// A new id.
    public static func make(at time: Date, using generator: inout some RandomNumberGenerator) -> String {
        make(milliseconds: Int64((time.timeIntervalSince1970 * 1000).rounded()), random: generator.next())
    }

    /// A new id from the system's randomness.
    public static func make(at time: Date) -> String {
        var generator = SystemRandomNumberGenerator()
        return make(at: time, using: &generator)
    }

    /// Whether the text has the length and the alphabet of an id.
    public static func isWellFormed(_ text: String) -> Bool {
        text.utf8.count == length && text.utf8.allSatisfy(alphabet.contains)
    }

    /// The part of an id that sorts.
    package static func timeText(_ milliseconds: Int64) -> String {
        text(UInt64(min(max(0, milliseconds), latestMilliseconds)), length: timeLength)
    }

    /// The low `5 * length` bits, most significant character first.
    package static func text(_ bits: UInt64, length: Int) -> String {
        let characters = (0..<length).reversed().map { alphabet[Int(truncatingIfNeeded: bits >> (5 * $0)) & 31] }
        return String(decoding: characters, as: UTF8.self)
    }
}
