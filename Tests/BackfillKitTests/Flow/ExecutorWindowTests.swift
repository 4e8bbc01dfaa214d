import TestSupport
import Testing

@testable import BackfillKit

@Suite(
    "Lanes share the executors: none takes the places kept for another that has work, and none lies idle when the others are through"
)
struct ExecutorWindowTests {
    private func takeAll(_ window: ExecutorWindow, _ lane: String?) -> Int {
        var taken = 0
        while window.takeExecutor(inLane: lane) { taken += 1 }
        return taken
    }

    @Test("A heavy lane that comes first leaves the light one its half")
    func kept() {
        let window = ExecutorWindow(executors: 8, lanes: ["heavy": 1], queries: ["heavy", "heavy", "light"])
        #expect(takeAll(window, "heavy") == 4)
        #expect(!window.hasRoomForExecutor(inLane: "heavy") && window.hasRoomForExecutor(inLane: "light"))
        #expect(takeAll(window, "light") == 4)
        window.leaveExecutor(inLane: "light")
        #expect(!window.hasRoomForExecutor(inLane: "heavy"), "it is kept for light, which has work")
        #expect(window.takeExecutor(inLane: "light"))
    }

    @Test("When the light lane is through, the heavy one takes everything")
    func workConserving() {
        let window = ExecutorWindow(executors: 8, lanes: [:], queries: ["heavy", "light", "light"])
        #expect(takeAll(window, "heavy") == 4)
        window.leaveLane("light")
        #expect(!window.hasRoomForExecutor(inLane: "heavy"), "one light query is left")
        window.leaveLane("light")
        #expect(takeAll(window, "heavy") == 4)
    }

    @Test("A single lane has all places; queries without a lane share like a lane")
    func single() {
        #expect(takeAll(ExecutorWindow(executors: 5, lanes: [:], queries: [nil, nil]), nil) == 5)
        let window = ExecutorWindow(executors: 5, lanes: [:], queries: [nil, "light"])
        #expect(takeAll(window, nil) == 3)
        #expect(takeAll(window, "light") == 2)
    }

    @Test("With fewer places than lanes they go to whoever comes, and nobody is locked out")
    func fewPlaces() {
        let window = ExecutorWindow(executors: 1, lanes: [:], queries: ["a", "b", nil])
        for lane in ["a", "b", nil] {
            #expect(window.takeExecutor(inLane: lane))
            #expect(takeAll(window, nil) == 0)
            window.leaveExecutor(inLane: lane)
        }
    }

    @Test(
        "Never more than the limit, and whoever has less than its share always finds a place",
        arguments: 0..<8 as Range<UInt64>
    )
    func randomEvents(block: UInt64) {
        for seed in block * 50..<(block + 1) * 50 {
            var random = SplitMix64(seed: seed)
            let limit = Int.random(in: 1...20, using: &random)
            var unfinished: [String?: Int] = ["a": 2, "b": 3, nil: 1]
            let window = ExecutorWindow(
                executors: limit,
                lanes: [:],
                queries: unfinished.flatMap { Array(repeating: $0.key, count: $0.value) }
            )
            var open: [String?: Int] = [:]
            for _ in 0..<200 {
                let busy = ["a", "b", nil].filter { unfinished[$0, default: 0] > 0 }
                guard let lane = busy.randomElement(using: &random) else { break }
                switch Int.random(in: 0..<20, using: &random) {
                case ..<11:
                    let share = limit / busy.count
                    let isTaken = window.takeExecutor(inLane: lane)
                    // When a lane is through, the others' shares grow, and fill as executors end.
                    if busy.count == 3, open[lane, default: 0] < share { #expect(isTaken, "seed \(seed)") }
                    if isTaken { open[lane, default: 0] += 1 }
                case ..<19:
                    guard open[lane, default: 0] > 0 else { continue }
                    window.leaveExecutor(inLane: lane)
                    open[lane, default: 0] -= 1
                default:
                    // A lane's last query ends when its executors have.
                    if unfinished[lane] == 1 {
                        for _ in 0..<open[lane, default: 0] { window.leaveExecutor(inLane: lane) }
                        open[lane] = 0
                    }
                    window.leaveLane(lane)
                    unfinished[lane, default: 0] -= 1
                }
                let all = open.values.reduce(0, +)
                #expect(all <= limit, "seed \(seed)")
                if busy.count == 1, let only = busy.first, unfinished[only, default: 0] > 0 {
                    #expect(window.hasRoomForExecutor(inLane: only) == (all < limit), "seed \(seed)")
                }
            }
        }
    }

    @Test("A lane's queries wait for each other, others do not")
    func laneLimits() {
        let window = ExecutorWindow(executors: 8, lanes: ["heavy": 1], queries: ["heavy", "heavy", "light", nil])
        #expect(window.takeLane("heavy") && !window.takeLane("heavy") && !window.hasRoom(inLane: "heavy"))
        #expect(window.takeLane("light") && window.takeLane("light") && window.takeLane(nil) && window.takeLane(nil))
        window.leaveLane("heavy")
        #expect(window.hasRoom(inLane: "heavy") && window.takeLane("heavy"))
    }

    @Test("A limit that is changed holds from the next executor on")
    func change() {
        let window = ExecutorWindow(executors: 2, lanes: [:], queries: [nil])
        #expect(takeAll(window, nil) == 2)
        window.change(executors: 5)
        #expect(takeAll(window, nil) == 3)
        window.change(executors: 2)
        for _ in 0..<3 {
            #expect(!window.hasRoomForExecutor(inLane: nil))
            window.leaveExecutor(inLane: nil)
        }
        #expect(!window.hasRoomForExecutor(inLane: nil))
        window.leaveExecutor(inLane: nil)
        #expect(takeAll(window, nil) == 1)
    }

    @Test("It hands over when what is open could no longer end within the limit; the first executor always starts")
    func handover() {
        let window = ExecutorWindow(executors: 8, lanes: [:], queries: [nil])
        #expect(window.takeExecutor(inLane: nil))
        #expect(!window.handsOver(eventsLeft: 1))
        #expect(window.takeExecutor(inLane: nil))
        #expect(!window.handsOver(eventsLeft: 12))
        #expect(!window.isClosing)
        #expect(window.handsOver(eventsLeft: 11) && window.isHandingOver && window.isClosing && !window.isStopping)
        #expect(window.handsOver(eventsLeft: 1_000), "once it cannot, none is started")
        let empty = ExecutorWindow(executors: 8, lanes: [:], queries: [nil])
        #expect(empty.takeExecutor(inLane: nil) && empty.handsOver(eventsLeft: 0))
    }

    @Test("A stop starts nothing more, and is no hand-over")
    func stop() {
        let window = ExecutorWindow(executors: 8, lanes: [:], queries: [nil])
        window.stop()
        #expect(window.isStopping && window.isClosing && !window.isHandingOver)
    }
}
