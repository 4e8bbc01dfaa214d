import Testing

@testable import BackfillKit
import TestSupport

@Suite("Formatting and parsing a correlation id are exact inverses for every key")
struct CorrelationIDTests {
    private let query = QueryID(rawValue: "01m7dqwy00aaaaaa")
    private let execution = "01m7dqwy01bbbbbb"

    @Test(
        "Keys are written as they are when that is printable ASCII",
        arguments: [
            ("4711", "4711"), ("", ""), ("a-b-c", "a-b-c"), ("-", "-"), ("100%", "100%"), ("50%off", "50%off"),
            ("%", "%"),
            ("%%", "%%"), ("%4", "%4"), ("%c3", "%c3"), ("%41", "%2541"), ("%25", "%2525"), ("%%41", "%%2541"),
            ("a b", "a%20b"),
            ("é", "%C3%A9"), ("%é", "%%C3%A9"), ("%2\n", "%2%0A"), ("\u{0}\u{7F}", "%00%7F"), ("😀", "%F0%9F%98%80"),
            ("~!", "~!"),
        ]
    )
    func writtenForm(key: String, written: String) throws {
        let id = CorrelationID(queryID: query, executionID: execution, recordID: key)
        #expect(id.description == "etl-01m7dqwy00aaaaaa-01m7dqwy01bbbbbb-\(written)")
        let parsed = try #require(CorrelationID.parse(id.description))
        #expect(parsed == id)
        #expect(Array(parsed.recordID.utf8) == Array(key.utf8))
        #expect(parsed.queryID == query && parsed.executionID == execution)
    }

    @Test("Texts with one written form each: composed and decomposed letters stay apart")
    func canonicalEquivalence() {
        let composed = CorrelationID(queryID: query, executionID: execution, recordID: "\u{E9}")
        let decomposed = CorrelationID(queryID: query, executionID: execution, recordID: "e\u{301}")
        #expect(composed != decomposed)
    }

    @Test("Bytes that are not UTF-8 survive, and read as replacement characters")
    func notUTF8() throws {
        let bytes: [UInt8] = [0xFF, 0x41, 0xC3]
        let id = CorrelationID(queryID: query, executionID: execution, recordBytes: bytes)
        #expect(id.writtenRecordID == "%FFA%C3")
        #expect(try #require(CorrelationID.parse(id.description)).recordBytes == bytes)
        #expect(id.recordID == "\u{FFFD}A\u{FFFD}")
    }

    @Test(
        "What formatting does not yield is refused",
        arguments: [
            "", "etl", "etl-", "etl-a-b", "etl--b-1", "etl-a--1", "xtl-a-b-1", "ETL-a-b-1", "etl-a_-b-1", "etl-a-b c-1",
            "etl-a-b-1 2",
            "etl-a-b-%41", "etl-a-b-%C3%A9\n", "etl-a-b-é", "etl-é-b-1", "etl-a-b-%25", "etl-a-b-%7E", " etl-a-b-1",
        ]
    )
    func refused(text: String) {
        #expect(CorrelationID.parse(text) == nil)
    }

    @Test("Random keys come back byte for byte", arguments: 1...8 as ClosedRange<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var written: [String: [UInt8]] = [:]
        for _ in 0..<2_000 {
            let bytes = Self.awkwardBytes(using: &random)
            let id = CorrelationID(queryID: query, executionID: execution, recordBytes: bytes)
            let parsed = try #require(CorrelationID.parse(id.description), "seed \(seed): \(bytes)")
            #expect(parsed.recordBytes == bytes && parsed == id, "seed \(seed): \(bytes)")
            #expect(id.description.utf8.allSatisfy { (0x21...0x7E).contains($0) }, "seed \(seed): \(bytes)")
            #expect(written.updateValue(bytes, forKey: id.description) ?? bytes == bytes, "seed \(seed): \(bytes)")
        }
    }

    @Test("Random texts never crash, and what is accepted formats to itself", arguments: 1...8 as ClosedRange<UInt64>)
    func fuzzing(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var accepted = 0
        for _ in 0..<4_000 {
            var bytes = Self.awkwardBytes(using: &random)
            if Bool.random(using: &random) { bytes = Array("etl-a1-b2-".utf8) + bytes }
            let text = String(decoding: bytes, as: UTF8.self)
            _ = TraceTarget.parse(text)
            if let id = CorrelationID.parse(text) {
                accepted += 1
                #expect(Array(id.description.utf8) == Array(text.utf8), "seed \(seed): \(text.debugDescription)")
            }
        }
        #expect(accepted > 100, "seed \(seed): the generator must reach accepted texts")
    }

    /// Mostly bytes that the coding treats differently.
    private static func awkwardBytes(using random: inout SplitMix64) -> [UInt8] {
        let awkward = Array("%%%%%2540AFafG-- ~!\n\u{7F}éz".utf8) + [0xFF, 0x00]
        return (0..<Int.random(in: 0...12, using: &random)).map { _ in
            Int.random(in: 0..<4, using: &random) == 0
                ? UInt8.random(in: 0...255, using: &random) : awkward[Int.random(in: 0..<awkward.count, using: &random)]
        }
    }
}
