import Foundation
import Testing

@testable import BackfillKit
import TestSupport

@Suite("Files of a spec are found beside it, and named when they cannot be used")
struct SpecFilesTests {
    private let text = SpecText.complete("queries: [{name: all, sql: ../queries/all.sql, key: id}]")

    @Test("SQL files are relative to the spec, their origin to how the spec was named")
    func sqlFile() throws {
        try SpecText.withFolder(["specs/s.yaml": text, "queries/all.sql": "SELECT 1 -- ${NOT_A_VARIABLE}\n"]) {
            folder in
            let spec = try BackfillSpec.load(file: folder.path + "/specs/s.yaml", environment: [:])
            #expect(spec.queries[0].sql.text == "SELECT 1 -- ${NOT_A_VARIABLE}\n")
            #expect(spec.queries[0].sql.origin == folder.path + "/specs/../queries/all.sql")
            #expect(spec.source.place == .sqlite(file: folder.appending(path: "specs/customers.sqlite")))
        }
    }

    @Test("SQL that was frozen is taken instead of the file, and gives the same digest")
    func frozenSQL() throws {
        try SpecText.withFolder(["specs/s.yaml": text, "queries/all.sql": "SELECT 1"]) { folder in
            let file = folder.path + "/specs/s.yaml"
            let spec = try BackfillSpec.load(file: file, environment: [:])
            try FileManager.default.removeItem(at: folder.appending(path: "queries/all.sql"))
            let again = try BackfillSpec.parse(
                text: spec.sourceText,
                file: file,
                environment: [:],
                frozenSQL: ["all": "SELECT 1"]
            )
            #expect(again == spec && again.digest == spec.digest)
            #expect(throws: SpecError.self) {
                try BackfillSpec.parse(text: spec.sourceText, file: file, environment: [:])
            }
        }
    }

    @Test(
        "SQL files that cannot be used",
        arguments: [
            ("", "is empty. Write SQL into it."),
            ("SELECT 1\u{0} WHERE 0", "holds a NUL character. Take it out, or name a text file."),
            (" \n\t", "is empty. Write SQL into it."),
            ("\u{0}FOLDER", "is a folder. Name a text file."),
            ("\u{0}LATIN", "is not UTF-8 text. Save it as UTF-8, or name a text file."),
        ]
    )
    func unusable(content: String, problem: String) throws {
        try SpecText.withFolder(["s.yaml": SpecText.complete("queries: [{name: all, sql: all.sql, key: id}]")]) {
            folder in
            let sql = folder.appending(path: "all.sql")
            switch content {
            case "\u{0}FOLDER": try FileManager.default.createDirectory(at: sql, withIntermediateDirectories: false)
            case "\u{0}LATIN": try Data([0x53, 0xE9]).write(to: sql)
            default: try Data(content.utf8).write(to: sql)
            }
            let error = #expect(throws: SpecError.self) {
                try BackfillSpec.load(file: folder.path + "/s.yaml", environment: [:])
            }
            #expect(
                error?.description
                    == "\(folder.path)/s.yaml:1:28: queries.sql: the SQL file \(sql.path.quoted) \(problem)"
            )
        }
    }

    @Test("A spec file that is missing, a folder, empty or a list")
    func specFile() throws {
        try SpecText.withFolder([
            "empty.yaml": "", "comment.yaml": "# nothing\n", "list.yaml": "- a\n", "bom.yaml": "\u{FEFF}nam: x\n",
        ]) { folder in
            func problem(_ name: String) -> String? {
                let error = #expect(throws: SpecError.self) {
                    try BackfillSpec.load(file: folder.path + "/" + name, environment: [:])
                }
                return error?.problems.first?.description.replacing(folder.path + "/", with: "")
            }
            #expect(
                problem("no.yaml")
                    == "no.yaml: the spec file does not exist. Check the path; in a spec, paths begin at the spec file's folder."
            )
            #expect(problem("") == ": the spec file is a folder. Name a text file.")
            #expect(problem("empty.yaml") == "empty.yaml: is empty. Write at least name, source, queries and sinks.")
            #expect(
                problem("comment.yaml") == "comment.yaml: is empty. Write at least name, source, queries and sinks."
            )
            #expect(
                problem("list.yaml")?.hasPrefix("list.yaml:1:1: expected a mapping with name, engine, source") == true
            )
            #expect(problem("bom.yaml") == "bom.yaml:1:1: unknown key \"nam\". Did you mean \"name\"?")
        }
    }

    @Test(
        "What is no YAML is named with the parser's position",
        arguments: [
            ("name: [a", "2:1: not YAML: while parsing a flow sequence"),
            ("name: a\n\tsource: b", "2:1: not YAML: while scanning"),
            ("name: a\nname: b\n", "1:1: the key \"name\" is given more than once"),
            ("a: 1\n---\nb: 2\n", "2:1: not YAML: expected a single document"),
            ("a: *b", "1:4: not YAML: found undefined alias"),
            ("a: \u{1}", "1:4: not YAML: control characters are not allowed"),
            ("sinks: [{file: {path: ${OUT}}}]", "1:"),
        ]
    )
    func notYAML(text: String, beginning: String) throws {
        let problems = SpecText.problems(text)
        #expect(problems.count == 1 && problems[0].hasPrefix(beginning), "\(problems)")
    }

    @Test("All problems are reported at once, in the order of the file")
    func allAtOnce() throws {
        let problems = SpecText.problems(
            "executors: 0\nbuckets: few\nsinks: [{file: {path: a}}, {fil: {}}]\nname: a b\ncolour: red\n"
        )
        #expect(
            problems.map { $0.prefix(5) } == ["1:1: ", "1:1: ", "1:12:", "2:10:", "3:23:", "3:29:", "4:7: ", "5:1: "]
        )
        let error = SpecError(problems: [
            SpecProblem(file: "s.yaml", position: nil, message: "a", advice: "B."),
            SpecProblem(file: "s.yaml", position: SpecPosition(line: 2, column: 3), message: "c", advice: "D."),
        ])
        #expect(error.description == "The spec has 2 problems:\n  s.yaml: a. B.\n  s.yaml:2:3: c. D.")
    }

    @Test("Spoiled specs never crash the reader", arguments: 1...6 as ClosedRange<UInt64>)
    func fuzzing(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let whole = SpecText.complete(
            """
            lanes: {light: 8}
            buckets: {size: 64 MiB, by: bytes}
            retry: {rules: [{cause: "a|b", action: never}]}
            batch: 1000
            tolerate: 0.1%
            """
        )
        let pieces = [
            "${", "}", "$${A}", "{", "[", ": ", "- ", "\n", "\n  ", "\"", "'", "*a", "&a ", "~", "9", "é", "\u{0}",
            "\t", "|", "<<", "!!int ",
        ]
        var refused = 0
        for _ in 0..<200 {
            var text = Array(whole.unicodeScalars)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let at = Int.random(in: 0..<text.count, using: &random)
                let piece = pieces[Int.random(in: 0..<pieces.count, using: &random)].unicodeScalars
                text.replaceSubrange(at..<min(text.count, at + Int.random(in: 0...6, using: &random)), with: piece)
            }
            let problems = SpecText.problems(String(String.UnicodeScalarView(text)))
            if !problems.isEmpty { refused += 1 }
            #expect(problems.allSatisfy { !$0.isEmpty }, "seed \(seed)")
        }
        #expect(refused > 50, "seed \(seed): most spoiled specs are refused")
    }
}
