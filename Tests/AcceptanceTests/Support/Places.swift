/// So many tests at the same time, and no more.
actor Places {
    /// For tests with workers of their own: were a small machine to have more of them, it would take live ones for dead.
    static let onCluster = Places(4)

    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(_ count: Int) { free = count }

    /// Calls as soon as there is room.
    nonisolated func hold(_ body: () async throws -> Void) async throws {
        await take()
        do { try await body() } catch {
            await giveBack()
            throw error
        }
        await giveBack()
    }

    private func take() async {
        guard free == 0 else {
            free -= 1
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    private func giveBack() {
        if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
    }
}
