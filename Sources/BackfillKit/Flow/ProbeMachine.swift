/// What one probe has said, and when to ask it again. Pure.
struct ProbeMachine: Sendable {
    /// After a no the time between questions doubles, up to so many times the usual: whoever suffers is left in peace, and publishing goes
    /// on soon after.
    static let longestBackoff = 4

    enum Answer: Hashable, Sendable {
        case yes
        case no(String)
    }

    private let every: Duration
    private(set) var answer: Answer?
    /// How long after an answer to ask again.
    private(set) var nextAfter: Duration

    init(every: Duration) {
        self.every = every
        nextAfter = .zero
    }

    /// Whether publishing may go on as far as this probe is concerned; not before its first answer.
    var allows: Bool { answer == .yes }

    /// - Returns: whether the answer differs from the last one in more than its words.
    mutating func answered(_ answer: Answer) -> Bool {
        let wasYes = self.answer.map { $0 == .yes }
        switch answer {
        case .yes: nextAfter = every
        case .no: nextAfter = wasYes == false ? min(nextAfter * 2, every * Self.longestBackoff) : every
        }
        self.answer = answer
        return wasYes != (answer == .yes)
    }
}
