extension Duration {
    /// The duration in seconds; sub-microsecond parts may round.
    package var inSeconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) / 1e18
    }
}

extension KeyedDecodingContainer {
    func seconds(forKey key: Key) throws -> Duration? {
        try decodeIfPresent(Double.self, forKey: key).map { .seconds($0) }
    }
}

extension KeyedEncodingContainer {
    mutating func encode(seconds duration: Duration?, forKey key: Key) throws {
        try encodeIfPresent(duration?.inSeconds, forKey: key)
    }
}
