import Foundation
import TestSupport
import Testing

@testable import SQLConnectors

/// What is read directly, beside what staging the same query gives.
enum ReadingDirectly {
    /// Everything of the ranges of a cut, one after the other, in batches of a random size; now and then a reading is given up, and a new one
    /// goes on behind the last record.
    static func all(
        _ source: any DirectSource,
        _ query: SourceQuery,
        parts: Int,
        using random: inout SplitMix64
    ) async throws -> (records: [[Value]], sizes: [Int]) {
        let cut = try await source.cut(query, into: { min(parts, Int($0)) }, progress: { _ in })
        var records: [[Value]] = []
        var sizes: [Int] = []
        for part in 0...cut.starts.count {
            var range = KeyRange(
                from: part == 0 ? .beginning : .at(cut.starts[part - 1]),
                before: part < cut.starts.count ? cut.starts[part] : nil
            )
            var reading = try source.read(query, range)
            var count = 0
            while true {
                let limit = BatchLimit(records: Int.random(in: 1...20, using: &random), bytes: .max)
                let batch = try await reading.next(from: Int64(count + 1), limit: limit)
                if batch.count == 0 { break }
                #expect(batch.firstOrdinal == Int64(count + 1) && batch.count <= limit.records)
                count += batch.count
                records += values(batch)
                // As it is stored and read back.
                let key = try JSONDecoder().decode(
                    RecordKey.self,
                    from: try JSONEncoder().encode(try batch.exactKey(at: batch.count - 1))
                )
                range = range.behind(key)
                if Int.random(in: 0..<4, using: &random) == 0 { reading = try source.read(query, range) }
            }
            sizes.append(count)
        }
        return (records, sizes)
    }

    static func values(_ batch: RecordBatch) -> [[Value]] {
        (0..<batch.count).map { row in batch.schema.columns.indices.map { batch[row, $0] } }
    }

    /// Compares with what is staged of the same query in the order of the key.
    static func expectAll(
        _ source: any DirectSource,
        _ query: SourceQuery,
        ordered: String,
        in folder: ScratchFolder,
        using random: inout SplitMix64,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        var sorted = query
        sorted.sql = ordered
        let staged = try await source.stage(sorted, as: "\(UUID()).sqlite", in: folder.url)
        let whole = try await folder.reader(of: staged).read(
            from: 1,
            to: staged.recordCount + 1,
            limit: BatchLimit(records: .max, bytes: .max)
        )
        let parts = Int.random(in: 1...9, using: &random)
        let read = try await all(source, query, parts: parts, using: &random)
        let isSame = read.records == values(whole)
        #expect(isSame, "\(query.sql) in \(parts) parts", sourceLocation: sourceLocation)
        #expect(
            (read.sizes.max() ?? 0) - (read.sizes.min() ?? 0) <= 1 && read.sizes == read.sizes.sorted(by: >),
            "\(query.sql): \(read.sizes)",
            sourceLocation: sourceLocation
        )
    }
}
