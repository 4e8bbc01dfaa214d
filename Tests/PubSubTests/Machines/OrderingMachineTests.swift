import Testing

@testable import PubSub

@Suite("Of each ordering key one publish goes at a time, in the order in which they came")
final class OrderingMachineTests {
    private var machine = OrderingMachine()

    private func join(_ publish: Int, _ key: OrderingKey) -> Bool { machine.join(publish, key: key) }
    private func leave(_ publish: Int, _ key: OrderingKey) -> Int? { machine.leave(publish, key: key) }

    @Test("The next comes forward when the first leaves; other keys do not wait")
    func order() {
        #expect(join(1, "a"))
        #expect(!join(2, "a"))
        #expect(!join(3, "a"))
        #expect(join(4, "b"))
        #expect(leave(1, "a") == 2)
        #expect(leave(2, "a") == 3)
        #expect(leave(3, "a") == nil)
        #expect(join(5, "a"), "an empty line is forgotten")
    }

    @Test("Who leaves from the middle of the line changes nothing for the first")
    func middle() {
        #expect(join(1, "a"))
        #expect(!join(2, "a"))
        #expect(!join(3, "a"))
        #expect(leave(2, "a") == nil)
        #expect(leave(1, "a") == 3)
    }

    @Test("Those behind the first can be dismissed")
    func dismissal() {
        #expect(join(1, "a"))
        #expect(!join(2, "a"))
        #expect(!join(3, "a"))
        let dismissed = machine.dismissBehindFirst(key: "a")
        #expect(Array(dismissed) == [2, 3])
        #expect(leave(1, "a") == nil)
    }
}
