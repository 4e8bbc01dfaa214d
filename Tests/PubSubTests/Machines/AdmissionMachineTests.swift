import Testing

@testable import PubSub

@Suite("A topic holds at most its high watermark, and publishers get room in the order in which they came")
final class AdmissionMachineTests {
    private var machine = AdmissionMachine(
        options: TopicOptions(highWatermarkMessages: 10, highWatermarkBytes: 100)
    )

    private func weight(_ messages: Int, _ bytes: Int = 0) -> AdmissionMachine.Weight {
        AdmissionMachine.Weight(messages: messages, bytes: bytes)
    }

    private func request(_ publish: Int, _ weight: AdmissionMachine.Weight) -> Bool { machine.request(publish, weight) }
    private func release(_ weight: AdmissionMachine.Weight) -> [Int] { machine.release(weight) }
    private func withdraw(_ publish: Int) -> [Int]? { machine.withdraw(publish) }

    @Test("Messages count")
    func messages() {
        #expect(request(1, weight(6)))
        #expect(request(2, weight(4)))
        #expect(!request(3, weight(1)))
        #expect(machine.held == weight(10))
        #expect(release(weight(6)) == [3])
        #expect(machine.held == weight(5))
    }

    @Test("Bytes count")
    func bytes() {
        #expect(request(1, weight(1, 60)))
        #expect(!request(2, weight(1, 41)))
        #expect(release(weight(1, 60)) == [2])
    }

    @Test("A small publish does not overtake a large one that waits")
    func firstComeFirstServed() {
        #expect(request(1, weight(6)))
        #expect(!request(2, weight(8)))
        #expect(!request(3, weight(1)))
        #expect(machine.waiting == [2, 3])
        #expect(release(weight(6)) == [2, 3])
    }

    @Test("What is larger than the watermark gets in alone, and only when the topic is empty")
    func oversized() {
        #expect(request(1, weight(1)))
        #expect(!request(2, weight(1000, 5000)))
        #expect(release(weight(1)) == [2])
        #expect(!request(3, weight(1)))
        #expect(release(weight(1000, 5000)) == [3])
    }

    @Test("Who leaves the queue makes way for those behind")
    func withdrawal() {
        #expect(request(1, weight(6)))
        #expect(!request(2, weight(8)))
        #expect(!request(3, weight(4)))
        #expect(withdraw(1) == nil)
        #expect(withdraw(2) == [3])
        #expect(withdraw(2) == nil)
        #expect(machine.waiting.isEmpty)
    }
}
