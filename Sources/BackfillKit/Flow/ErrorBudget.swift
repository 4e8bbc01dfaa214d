/// How many dead letters stop a run, before a wrong spec turns all of its records into dead letters. Pure.
struct ErrorBudget: Sendable {
    /// What dead letters are held against.
    struct Account: Sendable {
        var deadLetters: Int
        /// Records that are staged.
        var records: Int64
        /// Whether all results are staged; before that a share of the records may still shrink.
        var isWhole: Bool
    }

    /// Where a spec says nothing: 1 % of the records, but not before a hundred dead letters.
    static let standard = Tolerance.perCent(1)
    static let standardFloor = 100
    /// While results are still being staged, a share is judged from so many dead letters on.
    private static let floorWhileStaging = 100

    /// `error-budget`; nil when the spec says nothing.
    var given: Tolerance?
    /// What a complete run may have: never stopped for.
    var tolerated: Tolerance

    /// Whether there are more dead letters than that.
    func isExceeded(by account: Account) -> Bool {
        func allows(_ tolerance: Tolerance) -> Bool {
            tolerance.allows(deadLetters: account.deadLetters, of: account.records)
        }
        guard let given else {
            return account.deadLetters > Self.standardFloor && !allows(Self.standard) && !allows(tolerated)
        }
        if allows(given) { return false }
        return account.isWhole || !given.isShare || account.deadLetters > Self.floorWhileStaging
    }

    /// Such as `0.1%`, or `1%, and at least 100`.
    var text: String { given.map { "\($0)" } ?? "\(Self.standard), and at least \(Self.standardFloor)" }
}

/// A run has more dead letters than its error budget allows. It stops, and can be carried on.
struct BudgetExhausted: Error, CustomStringConvertible {
    var description: String
}
