/// Finds what somebody most likely meant to type.
enum Nearest {
    /// What to do about an unknown word.
    static func advice(for word: String, among known: [String]) -> String {
        if let near = find(word, among: known) { return "Did you mean \(near.quoted)?" }
        return "Known are \(known.listed)."
    }

    /// The known word at the smallest edit distance, if that is small for the word's length; the first of several.
    static func find(_ word: String, among known: [String]) -> String? {
        let limit = max(1, word.count / 3)
        return known.map { (word: $0, distance: distance(word.lowercased(), $0.lowercased())) }
            .filter { $0.distance <= limit }
            .min { $0.distance < $1.distance }?
            .word
    }

    /// How many characters must be put in, taken out, replaced or swapped with their neighbour to turn one word into the other.
    static func distance(_ one: String, _ other: String) -> Int {
        let (one, other) = (Array(one.prefix(longest)), Array(other.prefix(longest)))
        var beforeLast: [Int] = []
        var last = Array(0...other.count)
        for (row, character) in one.enumerated() {
            var present = [row + 1]
            for (column, candidate) in other.enumerated() {
                var best = min(
                    last[column + 1] + 1,
                    present[column] + 1,
                    last[column] + (character == candidate ? 0 : 1)
                )
                if row > 0, column > 0, character == other[column - 1], one[row - 1] == candidate {
                    best = min(best, beforeLast[column - 1] + 1)
                }
                present.append(best)
            }
            (beforeLast, last) = (last, present)
        }
        return last[other.count]
    }

    /// Keys of a spec are short; beyond this nothing is near, and the table would only grow.
    private static let longest = 64
}

extension [String] {
    /// `a, b and c`
    var listed: String { joined(lastBy: " and ") }

    /// `a, b or c`
    var alternatives: String { joined(lastBy: " or ") }

    private func joined(lastBy conjunction: String) -> String {
        guard count > 1, let last else { return first ?? "" }
        return dropLast().joined(separator: ", ") + conjunction + last
    }
}
