/// What a table's ledger holds for a bucket.
///
/// A sealed bucket's next ordinal `n` is stored as `-1 - n`, which no open one's can be: a ledger that was made by hand, or by an earlier
/// version, has a column for one number.
struct LedgerEntry: Hashable {
    /// As the ledger's column has it.
    var stored: Int64

    /// Nothing was taken yet.
    static let none = LedgerEntry(stored: 0)

    /// The next ordinal that the table has not durably taken.
    var nextOrdinal: Int64 { stored < 0 ? -1 - stored : stored }

    /// Whether nobody may write the bucket's records any more.
    var isSealed: Bool { stored < 0 }

    /// The same, sealed.
    var sealed: LedgerEntry { LedgerEntry(stored: min(stored, -1 - stored)) }

    /// The next ordinal, for whoever is about to write.
    ///
    /// - Parameter ledger: the name of the ledger's table, as SQL has it.
    /// - Throws: ``SinkError`` when the bucket is sealed.
    func nextOrdinalToWrite(_ key: LedgerKey, _ table: String, _ ledger: String) throws -> Int64 {
        guard isSealed else { return stored }
        throw SinkError(
            """
            The table \(table) takes nothing more for bucket \(key.bucket) as it was planned: a mended spec was about to take its place. \
            Carry the run on with that: backfill resume \(key.run) --spec FILE. To go on as it was after all, open the ledger: \
            UPDATE \(ledger) SET next_ordinal = -1 - next_ordinal WHERE run = '\(key.run)' AND next_ordinal < 0 \
            AND bucket LIKE '\(key.bucket.prefix { $0 != "/" })/%'.
            """
        )
    }
}
