import Foundation
import Logging
import Synchronization
import Testing

@testable import BackfillKit

@Suite("A log line is one line, readable by people or by any JSON reader, with all that was said of it")
struct LogLineTests {
    private static let time = Date(timeIntervalSince1970: 1_700_000_000.25)

    private func object(_ line: String) throws -> [String: String] {
        try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String])
    }

    @Test("Every character survives JSON, and none of them ends the line")
    func escaping() throws {
        let all = String(String.UnicodeScalarView((0...0x2100).compactMap(Unicode.Scalar.init))) + "👩‍👩‍👧 \"\\"
        let line = LogLine(time: Self.time, level: .info, message: all, metadata: ["k\"\n": "\(all)"]).text(as: .json)
        #expect(!line.contains { $0.isNewline })
        let object = try object(line)
        #expect(object["message"].map { Array($0.unicodeScalars) } == Array(all.unicodeScalars))
        #expect(object["k\"\n"].map { Array($0.unicodeScalars) } == Array(all.unicodeScalars))
    }

    @Test("Time to the millisecond in UTC, level by name, metadata as members")
    func members() throws {
        let metadata: Logger.Metadata = [
            "run": "r-1", "time": "theirs", "list": ["a", "b"], "nested": ["deep": ["er": "x"]],
            "number": .stringConvertible(7),
        ]
        let line = LogLine(time: Self.time, level: .warning, message: "m", metadata: metadata).text(as: .json)
        #expect(
            try object(line) == [
                "time": "2023-11-14T22:13:20.250Z", "level": "warning", "message": "m", "run": "r-1",
                "metadata.time": "theirs", "list.0": "a", "list.1": "b", "nested.deep.er": "x", "number": "7",
            ]
        )
    }

    @Test("For people: time, level, message, then key=value in order, quoted where it has to be")
    func text() {
        let metadata: Logger.Metadata = ["run": "r-1", "error": "two\nlines", "empty": "", "a": "x=y"]
        let line = LogLine(time: Self.time, level: .error, message: "it\nbroke", metadata: metadata).text(as: .text)
        #expect(
            line == #"2023-11-14T22:13:20.250Z error it broke a="x=y" empty="" error="two\nlines" run=r-1"#
        )
    }
}

@Suite("The log handler logs what its level lets through, and builds nothing of the rest")
struct LineLogHandlerTests {
    /// Lines as they come.
    private final class Lines: Sendable {
        private let lines = Mutex<[String]>([])
        var all: [String] { lines.withLock { $0 } }
        func add(_ line: String) { lines.withLock { $0.append(line) } }
    }

    private func logger(_ level: Logger.Level, _ lines: Lines) -> Logger {
        let handler = LineLogHandler(
            .text,
            level: level,
            now: { Date(timeIntervalSince1970: 0) },
            write: { lines.add($0) }
        )
        return Logger(label: "test") { _ in handler }
    }

    @Test("Levels", arguments: Logger.Level.allCases)
    func levels(_ level: Logger.Level) {
        let lines = Lines()
        let logger = logger(level, lines)
        for each in Logger.Level.allCases { logger.log(level: each, "\(each.rawValue)") }
        let expected = Logger.Level.allCases.filter { $0 >= level }
        #expect(lines.all == expected.map { "1970-01-01T00:00:00.000Z \($0.rawValue) \($0.rawValue)" })
    }

    @Test("What is below the level is not even put together")
    func lazy() {
        let lines = Lines()
        let logger = logger(.info, lines)
        func expensive() -> String {
            Issue.record("built for nobody")
            return ""
        }
        logger.debug("\(expensive())", metadata: ["k": "\(expensive())"])
        #expect(lines.all.isEmpty)
    }

    @Test("The event's metadata wins over the logger's, and a copy's does not reach the original")
    func metadata() {
        let lines = Lines()
        var logger = logger(.info, lines)
        logger[metadataKey: "run"] = "outer"
        var copy = logger
        copy[metadataKey: "query"] = "q"
        copy.info("a", metadata: ["run": "inner"])
        logger.info("b")
        #expect(
            lines.all.map { $0.dropFirst("1970-01-01T00:00:00.000Z info ".count) } == [
                "a query=q run=inner", "b run=outer",
            ]
        )
    }
}
