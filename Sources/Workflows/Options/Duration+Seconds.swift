extension Duration {
    /// The duration in seconds; sub-microsecond parts may round.
    package var inSeconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) / 1e18
    }

    /// Takes seconds as they were stored; nil for what no duration holds. A duration made of such a number would end the process.
    package init?(storedSeconds seconds: Double) {
        // Some 30,000 years, and far from where sums of durations overflow.
        guard seconds.magnitude <= 1e12 else { return nil }
        self = .seconds(seconds)
    }
}

extension KeyedDecodingContainer {
    func seconds(forKey key: Key) throws -> Duration? {
        guard let seconds = try decodeIfPresent(Double.self, forKey: key) else { return nil }
        guard let duration = Duration(storedSeconds: seconds) else {
            throw DecodingError.dataCorruptedError(
                forKey: key,
                in: self,
                debugDescription: "\(seconds) s is no duration."
            )
        }
        return duration
    }
}

extension KeyedEncodingContainer {
    mutating func encode(seconds duration: Duration?, forKey key: Key) throws {
        try encodeIfPresent(duration?.inSeconds, forKey: key)
    }
}
