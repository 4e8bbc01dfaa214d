import Foundation
import SQLConnectors

/// What is on the disk of a file sink, and what follows from it. Pure: the facts are looked up elsewhere.
struct FileStanding {
    /// What a ledger says of its file.
    struct Ledger: Equatable {
        var run: String
        var format: String
        /// The header line's bytes; empty for a format that has none.
        var header: [UInt8]
        /// Bytes of the partial file that are durable and belong to it.
        var committedBytes: Int64
        /// The partial file is whole and about to be renamed, or has been.
        var isFinishing: Bool
    }

    enum Action: Equatable {
        /// Nothing was begun.
        case begin
        /// Cut the partial file to the ledger's length and go on.
        case carryOn(Ledger)
        /// The file has its final name; only the ledger is left to remove.
        case removeLedger
        /// The file has its final name and no ledger.
        case finished
    }

    var target: FileTarget
    var ledger: Ledger?
    /// Bytes; nil when there is no such file.
    var partialBytes: Int64?
    var finalBytes: Int64?

    /// - Throws: ``SinkError``, when what is there belongs to another run or is damaged.
    func action(for run: String) throws -> Action {
        guard let ledger else { return finalBytes != nil && partialBytes == nil ? .finished : try beginning() }
        try checkOwner(of: ledger, run: run)
        if ledger.isFinishing, partialBytes == nil, let finalBytes {
            guard finalBytes == ledger.committedBytes else {
                throw SinkError(
                    "\(target.file.path) has \(finalBytes) bytes, but this run wrote \(ledger.committedBytes): it was changed. \(Self.restart(target))"
                )
            }
            return .removeLedger
        }
        try refuseFinal()
        guard let partialBytes else {
            throw SinkError(
                "\(target.partial.path) is gone, though the ledger beside it counts \(ledger.committedBytes) bytes. \(Self.restart(target))"
            )
        }
        guard partialBytes >= ledger.committedBytes else {
            throw SinkError(
                "\(target.partial.path) is damaged: it has \(partialBytes) bytes, and its ledger counts \(ledger.committedBytes). \(Self.restart(target))"
            )
        }
        return .carryOn(ledger)
    }

    private func beginning() throws -> Action {
        try refuseFinal()
        return .begin
    }

    private func checkOwner(of ledger: Ledger, run: String) throws {
        guard ledger.run == run else {
            throw SinkError(
                """
                \(target.file.path) is being written by another run, \(ledger.run), which is not finished. \
                Finish that one (backfill resume \(ledger.run)), or delete \(target.partial.path) and \(target.ledger.path) to give it up, \
                or name another file.
                """
            )
        }
        guard ledger.format == target.format.rawValue else {
            throw SinkError(
                "\(target.partial.path) was begun as \(ledger.format), and the spec now says \(target.format.rawValue): set the format back."
            )
        }
    }

    func refuseFinal() throws {
        guard finalBytes != nil else { return }
        throw SinkError(
            "\(target.file.path) is there already and is not overwritten: move it away, or name another file."
        )
    }

    private static func restart(_ target: FileTarget) -> String {
        "Records that the run counts as published are lost: delete \(target.partial.path) and \(target.ledger.path), and start a new run."
    }
}
