import PubSub

/// Messages of 100 bytes, side by side in storage that slices share.
struct Messages: MessageBatch {
    static let size = 100

    private let bytes: ArraySlice<UInt8>

    init(count: Int) { bytes = ArraySlice(repeating: 7, count: count * Self.size) }

    private init(_ bytes: ArraySlice<UInt8>) { self.bytes = bytes }

    var messageCount: Int { bytes.count / Self.size }
    var byteCount: Int { bytes.count }

    func slice(_ range: Range<Int>) -> Messages {
        let start = bytes.startIndex
        return Messages(bytes[start + range.lowerBound * Self.size..<start + range.upperBound * Self.size])
    }

    /// Copies all bytes to the place of whoever takes them.
    func copy(to place: inout [UInt8]) {
        place.withUnsafeMutableBytes { place in bytes.withUnsafeBytes { place.copyMemory(from: $0) } }
    }
}
