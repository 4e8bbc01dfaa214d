import Testing

@testable import SQLConnectors

@Suite("The straight way of an upsert is taken where keys are new, and rarely tried where they are not")
struct UpsertShortcutTests {
    /// Plays groups; `isFull` says of each whether a key of it is there already.
    private func tries(_ groups: Int, _ isFull: (Int) -> Bool) -> [Int] {
        var shortcut = UpsertShortcut()
        var tried: [Int] = []
        for group in 0..<groups {
            if shortcut.isWorthATry() {
                tried.append(group)
                if isFull(group) {
                    let wasTry = shortcut.failed()
                    #expect(wasTry)
                    // The same group again, through the staging table.
                    let isTried = shortcut.isWorthATry()
                    #expect(!isTried)
                }
            }
            shortcut.succeeded()
        }
        return tried
    }

    @Test("An empty table: always") func empty() { #expect(tries(100) { _ in false }.count == 100) }

    @Test("A full table: ever more rarely")
    func full() {
        let tried = tries(5000) { _ in true }
        #expect(tried.first == 0 && tried.count < 40)
    }

    @Test("A table that is full up to somewhere: again soon after it ends")
    func partly() {
        let tried = tries(2000) { $0 < 1000 }
        #expect(tried.filter { $0 >= 1000 }.count > 700)
    }
}
