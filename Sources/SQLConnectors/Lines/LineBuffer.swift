/// Bytes on their way to a file or a server; grows, and keeps its storage when emptied.
///
/// An array would check uniqueness, bounds and capacity for every byte. Here a caller reserves once for the most that it may append
/// and then appends without checks: every `append` below that does not reserve says what must have been reserved.
package final class LineBuffer {
    // Allocated and freed only here; the pointer never leaves the object except for the time of a closure.
    //
    // Unchecked: no access below lasts over a call of anything that could come back to this object, so none can overlap another, and the check
    // of each byte's access took a quarter of the time of writing a file.
    @usableFromInline @exclusivity(unchecked) var storage: UnsafeMutablePointer<UInt8>
    @usableFromInline @exclusivity(unchecked) var capacity: Int
    /// Bytes held.
    @usableFromInline @exclusivity(unchecked) package var count = 0

    package init(capacity: Int = 1 << 16) {
        self.capacity = max(64, capacity)
        storage = .allocate(capacity: self.capacity)
    }

    deinit { storage.deallocate() }

    /// Makes room for so many bytes behind the last.
    @inlinable @inline(__always)
    package func reserve(_ additional: Int) {
        if capacity - count < additional { grow(additional) }
    }

    @inline(never)
    @usableFromInline
    func grow(_ additional: Int) {
        let wanted = max(capacity * 2, count + additional)
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: wanted)
        // Both hold at least `count` bytes, and a fresh allocation overlaps nothing.
        larger.update(from: storage, count: count)
        storage.deallocate()
        storage = larger
        capacity = wanted
    }

    /// Drops all bytes from a former end on.
    package func cut(to end: Int) {
        precondition(end <= count, "a buffer is only cut shorter")
        count = end
    }

    /// Appends one byte, for which the caller has reserved.
    @inlinable @inline(__always)
    package func append(_ byte: UInt8) {
        assert(count < capacity)
        storage[count] = byte
        count += 1
    }

    /// Appends eight bytes, the lowest first, for which the caller has reserved.
    @inlinable @inline(__always)
    package func append(eight word: UInt64) {
        assert(count + 8 <= capacity)
        // Within the reserved bytes; an unaligned store is allowed for trivial types.
        UnsafeMutableRawPointer(storage + count).storeBytes(of: word.littleEndian, as: UInt64.self)
        count += 8
    }

    /// Appends bytes, and reserves for them.
    @inlinable @inline(__always)
    package func append(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard let start = bytes.baseAddress else { return }
        reserve(bytes.count)
        (storage + count).update(from: start, count: bytes.count)
        count += bytes.count
    }

    /// Gives the bytes for the time of the call.
    package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try body(UnsafeRawBufferPointer(start: storage, count: count))
    }

    /// A copy of the bytes.
    package var array: [UInt8] { withBytes { Array($0) } }

    /// Moves the end over bytes that `body` has written behind it.
    ///
    /// - Parameters:
    ///   - most: reserved for `body`, which writes no more and returns how many it wrote.
    @inlinable @inline(__always)
    package func append(atMost most: Int, _ body: (UnsafeMutablePointer<UInt8>) -> Int) {
        reserve(most)
        let written = body(storage + count)
        count += written
        assert(count <= capacity)
    }
}
