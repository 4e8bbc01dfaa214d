/// The dead letters of a run and what they are held against.
struct ErrorBooks: Hashable, Sendable {
    /// Of each query of the spec.
    struct Query: Hashable, Sendable {
        var name: String
        var deadLetters: Int
        var records: Int64?
    }

    var queries: [QueryID: Query]

    /// What the reason says when a budget stopped the run.
    static let exceeded = "dead letters, where the error budget is"

    /// Which budget is exceeded, in one line; nil when none is.
    func exceeded(_ spec: BackfillSpec) -> String? {
        let whole = ErrorBudget.Account(
            deadLetters: queries.values.reduce(0) { $0 + $1.deadLetters },
            records: queries.values.reduce(0) { $0 + ($1.records ?? 0) },
            isWhole: queries.values.allSatisfy { $0.records != nil }
        )
        let budget = ErrorBudget(given: spec.errorBudget, tolerated: spec.tolerate)
        if budget.isExceeded(by: whole) {
            return
                "\(whole.deadLetters) of \(whole.records) records would be \(Self.exceeded) \(budget.text)"
        }
        for query in queries.values.sorted(by: { $0.name < $1.name }) {
            guard let budget = spec.queries.first(where: { $0.name == query.name })?.errorBudget else { continue }
            let account = ErrorBudget.Account(
                deadLetters: query.deadLetters,
                records: query.records ?? 0,
                isWhole: query.records != nil
            )
            if ErrorBudget(given: budget, tolerated: .none).isExceeded(by: account) {
                return "query \(query.name): \(query.deadLetters) of \(account.records) records would be "
                    + "\(Self.exceeded) \(budget)"
            }
        }
        return nil
    }
}
