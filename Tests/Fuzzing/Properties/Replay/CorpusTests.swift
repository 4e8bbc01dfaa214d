import Foundation
import TestSupport
import Testing

@Suite("What the fuzzer found, and what leads it to new inputs, keeps every promise")
struct CorpusTests {
    private static let corpus = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().appending(path: "Corpus")

    @Test("The corpus", arguments: Property.all.map(\.name))
    func corpus(name: String) async throws {
        let property = try #require(Property.all.first { $0.name == name })
        let folder = Self.corpus.appending(path: name)
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        #expect(!files.isEmpty)
        for file in files {
            let input = Array(try Data(contentsOf: folder.appending(path: file)))
            await #expect(throws: Never.self, "Tests/fuzz.sh \(name) --input Tests/Fuzzing/Corpus/\(name)/\(file)") {
                try await property.check(input)
            }
        }
    }

    @Test("Inputs that are made up out of the corpus", arguments: Property.all.map(\.name))
    func variations(name: String) async throws {
        let property = try #require(Property.all.first { $0.name == name })
        let folder = Self.corpus.appending(path: name)
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        let inputs = try files.map { Array(try Data(contentsOf: folder.appending(path: $0))) }
        var random = SplitMix64(seed: 1)
        for number in 1...60 {
            let input = Self.variation(of: inputs, using: &random)
            await #expect(throws: Never.self, "variation \(number): \(Data(input).base64EncodedString())") {
                try await property.check(input)
            }
        }
    }

    /// The beginning of one input and the end of another, with a few bytes changed, left out or put in.
    private static func variation(of inputs: [[UInt8]], using random: inout SplitMix64) -> [UInt8] {
        let (one, other) = (inputs.randomElement(using: &random) ?? [], inputs.randomElement(using: &random) ?? [])
        var input = Array(one.prefix(Int.random(in: 0...one.count, using: &random)))
        input += other.suffix(Int.random(in: 0...other.count, using: &random))
        for _ in 0..<Int.random(in: 0...4, using: &random) where !input.isEmpty {
            let place = Int.random(in: input.indices, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: input[place] = UInt8.random(in: 0...255, using: &random)
            case 1: input.remove(at: place)
            default: input.insert(contentsOf: input[place...].prefix(8), at: place)
            }
        }
        return input
    }

    @Test("Nothing at all, and a single byte, are inputs too", arguments: Property.all.map(\.name))
    func smallest(name: String) async throws {
        let property = try #require(Property.all.first { $0.name == name })
        try await property.check([])
        for byte in [0, 1, 2, 0x7F, 0xFF] as [UInt8] { try await property.check([byte]) }
    }

    @Test("Each folder of the corpus belongs to a property")
    func folders() throws {
        let folders = try FileManager.default.contentsOfDirectory(atPath: Self.corpus.path)
        #expect(Set(folders) == Set(Property.all.map(\.name)))
    }
}
