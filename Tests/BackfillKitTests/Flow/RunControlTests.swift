import Testing
import Workflows

@testable import BackfillKit

@Suite("What people ask of a run adds up")
struct RunControlTests {
    private let anna = RunControl.Request(by: "anna@host", at: 1)
    private let ben = RunControl.Request(by: "ben@host", at: 2)

    private func control(_ verbs: ControlCommand.Verb...) -> RunControl {
        var control = RunControl()
        for verb in verbs { control.apply(ControlCommand(verb, anna)) }
        return control
    }

    @Test("Who paused first is named, until it goes on")
    func pause() {
        var control = RunControl()
        control.apply(ControlCommand(.pause, anna))
        control.apply(ControlCommand(.pause, ben))
        #expect(control.paused == anna)
        control.apply(ControlCommand(.resume, ben))
        #expect(control == RunControl())
    }

    @Test("A run is cancelled once, and nothing takes that back")
    func cancel() {
        var control = control(.pause)
        control.apply(ControlCommand(.cancel, anna))
        control.apply(ControlCommand(.cancel, ben))
        control.apply(ControlCommand(.resume, ben))
        #expect(control.cancelled == anna && control.paused == nil)
    }

    @Test("A throttle changes what it names; a reset goes back to the spec first")
    func throttle() {
        let first = Throttle(records: 200, concurrency: 2)
        let second = Throttle(bytes: 1_000, batch: 50)
        var control = control(.throttle(first), .throttle(second))
        #expect(control.records == 200 && control.bytes == 1_000 && control.concurrency == 2 && control.batch == 50)
        control.apply(ControlCommand(.throttle(Throttle(isReset: true, batch: 10)), anna))
        #expect(control.records == nil && control.bytes == nil && control.concurrency == nil && control.batch == 10)
    }

    @Test("The limits that hold are the spec's where nobody asked for others")
    func settings() throws {
        let spec = try SpecText.parse(
            SpecText.complete(
                """
                pace: {records: 500/s, bytes: 1000/s}
                lanes: {heavy: {queries: 1, pace: 100/s}}
                executors: 4
                """
            )
        )
        let plain = RunControl().settings(for: spec)
        #expect(plain.pace == Pace(records: 500, bytes: 1_000) && plain.concurrency == nil)
        #expect(plain.lanes == ["heavy": Pace(records: 100)])
        #expect(RunControl().executors(for: spec) == 4)

        let slower = control(.throttle(Throttle(records: 20, concurrency: 2)))
        #expect(slower.settings(for: spec).pace == Pace(records: 20, bytes: 1_000))
        #expect(slower.settings(for: spec).concurrency == 2)
        #expect(slower.executors(for: spec) == 4, "fewer publish; who has begun is not sent away")

        let faster = control(.throttle(Throttle(records: 0, concurrency: 12)))
        #expect(faster.settings(for: spec).pace == Pace(bytes: 1_000), "0 takes the limit off")
        #expect(faster.executors(for: spec) == 12)
    }

    @Test("It says what it does in words")
    func words() {
        let throttle = Throttle(isReset: true, records: 200, bytes: 0, concurrency: 2, batch: 50)
        #expect(
            "\(ControlCommand.Verb.throttle(throttle))"
                == "back to the spec's limits, 200 records/s, no limit of bytes/s, concurrency 2, batch 50"
        )
        #expect("\(ControlCommand.Verb.pause)" == "paused" && "\(ControlCommand.Verb.cancel)" == "cancelled")
    }
}

@Suite("Commands to an orchestrator are carried out one after the other, and none is forgotten")
struct ControlInboxTests {
    @Test("It is done when the last one is carried out, not when it was taken")
    func order() {
        let inbox = ControlInbox()
        #expect(inbox.isDone && inbox.take() == nil && inbox.isDone)
        let request = RunControl.Request(by: "anna@host", at: 1)
        inbox.put(ControlCommand(.pause, request))
        inbox.put(ControlCommand(.resume, request))
        #expect(inbox.hasCommand && !inbox.isDone)
        #expect(inbox.take()?.verb.description == "paused")
        inbox.finish()
        #expect(!inbox.isDone)
        #expect(inbox.take()?.verb.description == "going on")
        #expect(!inbox.hasCommand && !inbox.isDone)
        inbox.finish()
        #expect(inbox.isDone)
    }
}
