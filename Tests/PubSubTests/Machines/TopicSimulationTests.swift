import Testing

@testable import PubSub

@Suite("No message is lost or settled twice, and order and bounds hold, whatever subscribers, publishers and time do")
struct TopicSimulationTests {
    @Test("Random histories", arguments: 0..<8 as Range<UInt64>)
    func randomHistories(block: UInt64) throws {
        for seed in block * 25..<(block + 1) * 25 {
            var simulation = try TopicSimulation(seed: seed)
            try simulation.run(publishes: 60)
            #expect(simulation.complaints.isEmpty, "seed \(seed)")
        }
    }

    @Test("The histories hold every kind of ending")
    func coverage() throws {
        var endings: [String: Int] = [:]
        for seed in 0..<20 as Range<UInt64> {
            var simulation = try TopicSimulation(seed: seed)
            try simulation.run(publishes: 60)
            endings.merge(simulation.endings, uniquingKeysWith: +)
        }
        for ending in ["success", "failure", "cancellation"] { #expect(endings[ending, default: 0] > 50, "\(endings)") }
    }
}
