public import Foundation

extension BackfillSpec {
    /// Reads a spec file.
    ///
    /// - Parameters:
    ///   - file: absolute, or relative to the current directory. Problems name it the way it is given here.
    ///   - environment: what `${VARIABLES}` mean.
    /// - Throws: ``SpecError`` with all problems.
    public static func load(
        file: String,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(SpecError) -> BackfillSpec {
        let text: String
        do throws(SpecFiles.Failure) {
            text = try SpecFiles.readText(SpecFiles(file: file).file)
        } catch {
            throw SpecError(problems: [
                SpecProblem(file: file, position: nil, message: "the spec file \(error.message)", advice: error.advice)
            ])
        }
        return try parse(text: text, file: file, environment: environment)
    }

    /// Reads a spec from text.
    ///
    /// - Parameters:
    ///   - text: the YAML.
    ///   - file: the path that the text has or had; it is not read, but relative paths in the spec are relative to its folder.
    ///   - environment: what `${VARIABLES}` mean.
    ///   - frozenSQL: SQL by the name of its query or hook, where it is known from when a run began: the `.sql` file is not read then,
    ///     since it may have changed or gone.
    /// - Throws: ``SpecError`` with all problems.
    public static func parse(
        text: String,
        file: String,
        environment: [String: String],
        frozenSQL: [String: String] = [:]
    ) throws(SpecError) -> BackfillSpec {
        // A byte order mark would count as the first line's first column.
        let source = SpecSource(
            file: file,
            text: text.hasPrefix("\u{FEFF}") ? String(text.unicodeScalars.dropFirst()) : text
        )
        let root = try source.compose()
        var reader = SpecReader(source: source, files: SpecFiles(file: file), environment: environment)
        if let spec = reader.spec(SpecField(root, path: ""), frozenSQL: frozenSQL) { return spec }
        throw SpecError(problems: reader.problems.sorted { ($0.position ?? .start) < ($1.position ?? .start) })
    }
}

extension SpecPosition {
    fileprivate static let start = SpecPosition(line: 1, column: 1)
}
