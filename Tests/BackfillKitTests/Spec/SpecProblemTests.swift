import Testing

@testable import BackfillKit

@Suite("A problem of a spec says what is wrong, where, and what to do")
struct SpecProblemTests {
    @Test("Keys, lists and what is missing", arguments: SpecProblemExample.structure)
    func structure(example: SpecProblemExample) { check(example) }

    @Test("Numbers, sizes and limits", arguments: SpecProblemExample.numbers)
    func numbers(example: SpecProblemExample) { check(example) }

    @Test("What cannot be meant", arguments: SpecProblemExample.meaning)
    func meaning(example: SpecProblemExample) { check(example) }

    @Test("HTTP sinks", arguments: SpecProblemExample.http)
    func http(example: SpecProblemExample) { check(example) }

    @Test("Retries", arguments: SpecProblemExample.retries)
    func retries(example: SpecProblemExample) { check(example) }

    @Test("Paces", arguments: SpecProblemExample.paces)
    func paces(example: SpecProblemExample) { check(example) }

    @Test("Batches that find their size", arguments: SpecProblemExample.batches)
    func batches(example: SpecProblemExample) { check(example) }

    @Test("Time windows", arguments: SpecProblemExample.windows)
    func windows(example: SpecProblemExample) { check(example) }

    @Test("Probes", arguments: SpecProblemExample.probes)
    func probes(example: SpecProblemExample) { check(example) }

    @Test("Error budgets, and retries of steps", arguments: SpecProblemExample.budgets)
    func budgets(example: SpecProblemExample) { check(example) }

    private func check(_ example: SpecProblemExample) {
        let found = SpecText.problems(SpecText.complete(example.lines))
        #expect(found == example.problems)
    }
}
