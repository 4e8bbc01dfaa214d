import Foundation

@testable import BackfillKit

extension Property {
    /// Any text is a spec, or has problems that say where.
    static let spec = Property(name: "spec") { input in
        let text = String(decoding: input, as: UTF8.self)
        guard let spec = try SpecText.parse(text) else { return }
        try require(spec.digest.count == 16, "digest \(spec.digest)")
        try require(try SpecText.parse(text) == spec, "the same text is another spec")
        var described = spec
        // The text as written holds what its author wrote into it.
        described.sourceText = ""
        try require(!String(describing: described).contains(SpecText.secret), "a spec shows a secret")
        _ = (spec.pace.description, spec.tolerate.description, spec.windows.map(\.description), spec.source.description)
    }

    /// Any text is a connection string or a problem, and a password that is written out is never shown.
    static let connection = Property(name: "connection") { input in
        var draw = Draw(input)
        let form = draw.byte()
        let text = draw.restText()
        let password = "z9" + text + "9z"
        switch form % 4 {
        case 0:
            _ = try SpecText.parse(SpecText.complete(["source": SpecText.quoted(text)]))
        case 1: try checkHidden(password, in: "postgresql://me:\(password)@host/db")
        case 2:
            let encoded = password.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
            try checkHidden(encoded, in: "postgresql://me@host/db?sslmode=require&password=\(encoded)&port=5432")
        default:
            let escaped = password.replacing("\\", with: "\\\\").replacing("'", with: "\\'")
            try checkHidden(escaped, in: "postgresql:host=h password = '\(escaped)' user=me")
        }
    }

    private static func checkHidden(_ password: String, in connection: String) throws {
        // What a variable holds is hidden in another way.
        if password.contains("${") { return }
        // Either end is enough to know that something of it is shown.
        func shows(_ text: String) -> Bool { text.contains("z9") || text.contains("9z") }
        try require(!shows(Redaction.redact(connection)), "shown: \(Redaction.redact(connection).debugDescription)")
        let text = SpecText.complete(["source": SpecText.quoted(connection)])
        let found: Result<BackfillSpec, SpecError>
        do throws(SpecError) {
            found = .success(try BackfillSpec.parse(text: text, file: "/nowhere/spec.yaml", environment: [:]))
        } catch {
            found = .failure(error)
        }
        switch found {
        case .success(let spec):
            try require(!shows(spec.source.description), "shown: \(spec.source)")
            try require(!shows("\(spec.source.place)"), "shown: \(spec.source.place)")
        case .failure(let error): try require(!shows(error.description), "a problem shows a password: \(error)")
        }
    }

    /// Numbers with units are read or refused with advice, and what is read can be told and lies within its bounds.
    static let quantity = Property(name: "quantity") { input in
        let text = String(decoding: input, as: UTF8.self)
        if let duration = try read(text, Quantity.duration) {
            try require(duration >= .zero, "\(text.debugDescription) is \(duration)")
        }
        if let bytes = try read(text, Quantity.byteCount) {
            try require(bytes >= 0, "\(text.debugDescription) is \(bytes) bytes")
        }
        if let rate = try read(text, Pace.recordRate) {
            try require(rate > 0 && rate.isFinite, "\(text.debugDescription) is \(rate)/s")
            _ = Pace(records: rate).description
        }
        if let rate = try read(text, Pace.byteRate) {
            try require(rate > 0 && rate.isFinite, "\(text.debugDescription) is \(rate) bytes/s")
            _ = Pace(bytes: rate).description
        }
        if let tolerance = try read(text, Tolerance.init(parsing:)) {
            let again = try read(tolerance.description, Tolerance.init(parsing:))
            try require(again == tolerance, "\(text.debugDescription) reads back from \(tolerance) as another")
            try require(tolerance.allows(deadLetters: 0, of: 0), "\(tolerance) does not allow nothing")
            _ = tolerance.allows(deadLetters: .max, of: .max)
        }
        if let number = WholeNumber.parse(text) { try require(number >= 0, "\(text.debugDescription) is \(number)") }
        let keys = ["buckets", "batch", "executors", "history-limit", "tolerate", "error-budget", "pace"]
        _ = try SpecText.parse(SpecText.complete([keys[input.count % keys.count]: SpecText.quoted(text)]))
    }

    private static func read<Value>(_ text: String, _ parse: (String) throws(QuantityError) -> Value) throws -> Value? {
        do throws(QuantityError) {
            return try parse(text)
        } catch {
            try require(!error.message.isEmpty && !error.advice.isEmpty, "no advice about \(text.debugDescription)")
            return nil
        }
    }

    /// A window that is read is open until a later moment, or closed until one at which it is open.
    static let window = Property(name: "window") { input in
        var draw = Draw(input)
        let seconds = draw.word()
        let days = draw.byte()
        let zone = draw.choice(of: [
            "UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia", "Australia/Lord_Howe", "",
        ])
        let parts = draw.restText().split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
        let named = zoneName(zone, parts.count == 2 ? String(parts[1]) : "UTC")
        let names = TimeWindow.Day.allCases.enumerated().filter { days >> $0.offset & 1 == 1 }.map(\.element.rawValue)
        let between = SpecText.quoted(String(parts[0]))
        let listed = names.isEmpty ? "" : ", days: [\(names.joined(separator: ", "))]"
        let text = "{between: \(between), zone: \(SpecText.quoted(named))\(listed)}"
        guard let spec = try SpecText.parse(SpecText.complete(["window": text])) else { return }
        // Any second from 1901 to 2500.
        let now = Date(timeIntervalSince1970: Double(Int64(seconds % 18_900_000_000) - 2_177_000_000))
        switch TimeWindow.standing(of: spec.windows, at: now) {
        case .open(let until):
            let end = try require(until, "\(text) never closes")
            try require(end > now, "\(text) at \(now) is open until \(end)")
        case .closed(let until):
            try require(until > now, "\(text) at \(now) is closed until \(until)")
            guard case .open = TimeWindow.standing(of: spec.windows, at: until) else {
                throw Violation(description: "\(text) at \(now) opens at \(until), and is closed then")
            }
        }
    }

    private static func zoneName(_ known: String, _ given: String) -> String { known.isEmpty ? given : known }

    /// Variables are replaced or at fault; texts without one stay as they are.
    static let variable = Property(name: "variable") { input in
        let text = String(decoding: input, as: UTF8.self)
        let variables = Variables(in: text, environment: SpecText.environment)
        try require(!variables.shown.contains(SpecText.secret), "the secret is shown")
        if !text.contains("$") {
            try require(
                variables.value == text && variables.count == 0,
                "changed into \(variables.value.debugDescription)"
            )
        }
        _ = Nearest.advice(for: text, among: ["sqlite", "postgresql", "records", "bytes"])
    }
}
