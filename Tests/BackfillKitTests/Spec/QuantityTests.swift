import Testing

@testable import BackfillKit

@Suite("Times, sizes, per cents and words are read as people write them")
struct QuantityTests {
    @Test(
        "Times",
        arguments: [
            ("500ms", .milliseconds(500)), ("2s", .seconds(2)), ("5m", .seconds(300)), ("1h", .seconds(3_600)),
            ("7 d", .seconds(604_800)),
            (" 0s ", .zero), ("1_000ms", .seconds(1)),
        ] as [(String, Duration)]
    )
    func durations(text: String, duration: Duration) throws {
        #expect(try Quantity.duration(text) == duration)
    }

    @Test(
        "Byte sizes",
        arguments: [
            ("1024", 1_024), ("0", 0), ("64KB", 64_000), ("64 kb", 64_000), ("4 MiB", 4_194_304),
            ("1GiB", 1_073_741_824), ("3B", 3),
            ("2 TiB", 2_199_023_255_552), ("1TB", 1_000_000_000_000),
        ]
    )
    func byteCounts(text: String, byteCount: Int) throws {
        #expect(try Quantity.byteCount(text) == byteCount)
    }

    @Test("The longest time is one that systems can still count in nanoseconds")
    func longest() throws {
        let longest = try Quantity.duration("36500d")
        #expect(Int64(exactly: (longest / .nanoseconds(1)).rounded()) != nil)
    }

    @Test("A pace beyond every machine is told, too")
    func paces() throws {
        #expect(Pace(records: try Pace.recordRate("2000/s")).description == "2000 records/s")
        #expect(Pace(records: 0.5, bytes: 1024).description == "0.5 records/s and 1024 bytes/s")
        let pace = Pace(records: try Pace.recordRate("9223372036854775807/s"))
        #expect(pace.description == "9.223372036854776e+18 records/s")
    }

    @Test(
        "Times that are refused",
        arguments: [
            "", "5", "s", "-5s", "1.5h", "5 weeks", "1h30m", "05s", "_5s", "5_s", "٥s", "99999999999999999999s",
            "9223372036854775807d", "36501d", "9000000000000s",
        ]
    )
    func refusedDurations(text: String) {
        let error = #expect(throws: QuantityError.self) { try Quantity.duration(text) }
        #expect(error?.description.hasPrefix(text.quoted) == true)
    }

    @Test(
        "Byte sizes that are refused",
        arguments: ["", "MiB", "-1", "1.5 GiB", "4 MX", "4 Mi B", "9223372036854775807 KB", "0x10"]
    )
    func refusedByteCounts(text: String) {
        #expect(throws: QuantityError.self) { try Quantity.byteCount(text) }
    }

    @Test(
        "Tolerances decide exactly at their limit",
        arguments: [
            ("0", 0, 1_000), ("20", 20, 1), ("0.1%", 1, 1_000), ("0.1%", 8_000, 8_000_000), ("0.29%", 29, 10_000),
            ("100%", 7, 7),
            ("0.000001%", 1, 100_000_000), ("5 %", 1, 20),
        ] as [(String, Int, Int64)]
    )
    func tolerance(text: String, allowed: Int, records: Int64) throws {
        let tolerance = try Tolerance(parsing: text)
        #expect(tolerance.allows(deadLetters: allowed, of: records))
        #expect(!tolerance.allows(deadLetters: allowed + 1, of: records))
        #expect(tolerance.description == text.replacing(" ", with: ""))
    }

    @Test("No records tolerate no share of dead letters")
    func noRecords() throws {
        #expect(try Tolerance(parsing: "50%").allows(deadLetters: 0, of: 0))
    }

    @Test(
        "Tolerances that are refused",
        arguments: [
            "", "%", "-1", "1.5", "100.1%", "101%", "1.%", ".5%", "0.0000001%", "1.2.3%", "1e1%",
            "99999999999999999999",
        ]
    )
    func refusedTolerances(text: String) {
        #expect(throws: QuantityError.self) { try Tolerance(parsing: text) }
    }

    @Test(
        "Edit distance counts insertions, deletions, replacements and swaps",
        arguments: [
            ("", "", 0), ("", "abc", 3), ("table", "tabel", 1), ("kitten", "sitting", 3), ("lane", "lanes", 1),
            ("ca", "abc", 3),
        ]
    )
    func distance(one: String, other: String, distance: Int) {
        #expect(Nearest.distance(one, other) == distance)
        #expect(Nearest.distance(other, one) == distance)
    }
}
