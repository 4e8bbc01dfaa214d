import CLibPQ
import Foundation

/// A thin hold of one libpq connection, for what the connectors need. Every call blocks.
///
/// Not sendable: whoever owns it uses it on one thread; only ``Canceller`` may leave that thread.
package final class PostgreSQLConnection {
    /// Never nil between `init` and `deinit`; libpq owns what it points to.
    private let handle: OpaquePointer

    /// Opens a session in which values have one exact text: ISO dates, UTC, floats with all their digits, UTF-8.
    init(_ server: PostgreSQLServer, settings: [(name: String, value: String)] = []) throws {
        let parameters = server.parameters
        // libpq reads the arrays during the call only; each is ended by NULL.
        let keywords = parameters.map { strdup($0.keyword) }
        let values = parameters.map { strdup($0.value) }
        defer { for pointer in keywords + values { free(pointer) } }
        let opened = PQconnectdbParams(
            keywords.map { UnsafePointer($0) } + [nil],
            values.map { UnsafePointer($0) } + [nil],
            1
        )
        guard let opened else { throw PostgreSQLFailure(message: "out of memory") }
        handle = opened
        guard PQstatus(handle) == CONNECTION_OK else { throw lostConnection() }
        // Notices would go to standard error, into the middle of the progress bar.
        PQsetNoticeReceiver(handle, { _, _ in }, nil)
        let common = [
            ("client_encoding", "'UTF8'"), ("datestyle", "'ISO, YMD'"), ("intervalstyle", "'iso_8601'"),
            ("timezone", "'UTC'"), ("extra_float_digits", "3"), ("bytea_output", "'hex'"), ("lc_monetary", "'C'"),
            ("xmlbinary", "'base64'"), ("standard_conforming_strings", "on"),
            // A machine that vanished without a word holds its locks no longer than half a minute.
            ("tcp_keepalives_idle", "15"), ("tcp_keepalives_interval", "5"), ("tcp_keepalives_count", "3"),
        ]
        try execute((common + settings).map { "SET \($0.0) = \($0.1)" }.joined(separator: ";"))
    }

    deinit { PQfinish(handle) }

    /// The connection's own failure: libpq has no SQLSTATE for it.
    private func lostConnection() -> PostgreSQLFailure {
        PostgreSQLFailure(message: PQerrorMessage(handle).map { Self.trimmed(String(cString: $0)) } ?? "no connection")
    }

    private static func trimmed(_ text: String) -> String { text.trimmingCharacters(in: .whitespacesAndNewlines) }

    /// Whether the connection can still be used, as far as libpq knows.
    var isAlive: Bool { PQstatus(handle) == CONNECTION_OK }

    /// Whether no transaction is open.
    var isIdle: Bool { PQtransactionStatus(handle) == PQTRANS_IDLE }

    /// Whether a transaction is open that has not failed.
    var isInTransaction: Bool { PQtransactionStatus(handle) == PQTRANS_INTRANS }

    // MARK: Statements

    /// Runs statements, one or many; returns the rows of the last.
    @discardableResult
    package func execute(_ sql: String) throws -> Rows { try checked(PQexec(handle, sql)) }

    /// Runs one statement with its parameters bound as text; nil is NULL.
    @discardableResult
    package func execute(_ sql: String, _ parameters: [String?]) throws -> Rows {
        let values = parameters.map { $0.flatMap { strdup($0) } }
        defer { for value in values { free(value) } }
        return try checked(
            PQexecParams(handle, sql, Int32(values.count), nil, values.map { UnsafePointer($0) }, nil, nil, 0)
        )
    }

    /// Runs one statement with its parameters bound as text, and bytes as the last of them.
    func execute(_ sql: String, _ parameters: [String], _ bytes: Data) throws {
        let texts = parameters.map { strdup($0) }
        defer { for text in texts { free(text) } }
        // libpq reads the values during the call only. Lengths count for binary values alone.
        try bytes.withUnsafeBytes { bytes in
            // An empty buffer may have no address, and NULL would be another value.
            let start = bytes.baseAddress?.assumingMemoryBound(to: CChar.self) ?? texts[0].map { UnsafePointer($0) }
            _ = try checked(
                PQexecParams(
                    handle,
                    sql,
                    Int32(parameters.count + 1),
                    nil,
                    texts.map { UnsafePointer($0) } + [start],
                    parameters.map { _ in 0 } + [Int32(bytes.count)],
                    parameters.map { _ in 0 } + [1],
                    0
                )
            )
        }
    }

    /// The bytes of the only column in the first row; nil when there is no row.
    func bytes(_ sql: String, _ parameters: [String]) throws -> Data? {
        let texts = parameters.map { strdup($0) }
        defer { for text in texts { free(text) } }
        let rows = try checked(
            PQexecParams(handle, sql, Int32(texts.count), nil, texts.map { UnsafePointer($0) }, nil, nil, 1)
        )
        guard rows.count > 0, let start = PQgetvalue(rows.result, 0, 0) else { return nil }
        return Data(bytes: start, count: Int(PQgetlength(rows.result, 0, 0)))
    }

    /// Parses one statement on the server and tells its parameters and columns, without running it.
    func describe(_ sql: String) throws -> Description {
        try checked(PQprepare(handle, "", sql, 0, nil))
        let result = try checked(PQdescribePrepared(handle, ""))
        return Description(result)
    }

    /// What the server knows of a prepared statement.
    struct Description {
        struct Column {
            var name: String
            var type: Oid
            var modifier: Int32
        }

        var parameterTypes: [Oid]
        var columns: [Column]

        fileprivate init(_ rows: Rows) {
            parameterTypes = (0..<PQnparams(rows.result)).map { PQparamtype(rows.result, $0) }
            columns = (0..<PQnfields(rows.result)).map { index in
                Column(
                    name: PQfname(rows.result, index).map { String(cString: $0) } ?? "",
                    type: PQftype(rows.result, index),
                    modifier: PQfmod(rows.result, index)
                )
            }
        }
    }

    // MARK: COPY

    /// Begins `COPY … TO STDOUT`.
    ///
    /// - Parameter whileWaiting: called before each wait, which takes half a second at most; a server says nothing before its buffer is
    ///   full of rows, and may sort for minutes before the first one.
    func beginCopyOut(_ sql: String, whileWaiting: () throws -> Void) throws {
        guard PQsendQuery(handle, sql) == 1 else { throw lostConnection() }
        while PQisBusy(handle) == 1 { try waitForInput(whileWaiting) }
        let result = PQgetResult(handle)
        guard PQresultStatus(result) == PGRES_COPY_OUT else {
            try checked(result)
            throw PostgreSQLFailure(message: "the server gave no rows to copy")
        }
        PQclear(result)
    }

    /// Takes the next message of a copy; nil at its end. The bytes are good for the time of the call.
    ///
    /// - Parameter whileWaiting: called before each wait, which takes half a second at most.
    func nextCopyData<Result>(
        whileWaiting: () throws -> Void,
        _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result? {
        var start: UnsafeMutablePointer<CChar>?
        while true {
            let count = PQgetCopyData(handle, &start, 1)
            if count > 0 {
                defer { PQfreemem(start) }
                return try body(UnsafeRawBufferPointer(start: start, count: Int(count)))
            }
            switch count {
            case 0: try waitForInput(whileWaiting)
            case -1:
                try finishStatement()
                return nil
            default: throw lostConnection()
            }
        }
    }

    private func waitForInput(_ whileWaiting: () throws -> Void) throws {
        try whileWaiting()
        var socket = pollfd(fd: PQsocket(handle), events: Int16(POLLIN), revents: 0)
        if poll(&socket, 1, 500) != 0, PQconsumeInput(handle) != 1 { throw lostConnection() }
    }

    /// Sends rows by `COPY … FROM STDIN`.
    ///
    /// - Parameter write: called until it says that nothing is left; appends rows to the buffer, which is handed over after each call.
    func copyIn(_ sql: String, buffer: LineBuffer, write: (LineBuffer) throws -> Bool) throws {
        let result = PQexec(handle, sql)
        guard PQresultStatus(result) == PGRES_COPY_IN else {
            try checked(result)
            throw PostgreSQLFailure(message: "the server takes no rows to copy")
        }
        PQclear(result)
        do {
            var isMore = true
            while isMore {
                buffer.cut(to: 0)
                isMore = try write(buffer)
                let sent = buffer.withBytes { bytes in
                    PQputCopyData(handle, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(bytes.count))
                }
                guard sent == 1 else { throw lostConnection() }
            }
        } catch {
            // The server is told to forget the rows; what it says to that is no news.
            if PQputCopyEnd(handle, "the rows could not be written") == 1 { try? finishStatement() }
            throw error
        }
        guard PQputCopyEnd(handle, nil) == 1 else { throw lostConnection() }
        try finishStatement()
    }

    /// Reads the results of what was sent up to their end, and throws the first failure.
    private func finishStatement() throws {
        var failure: PostgreSQLFailure?
        while let result = PQgetResult(handle) {
            do { try checked(result) } catch let error as PostgreSQLFailure { failure = failure ?? error }
            guard PQstatus(handle) == CONNECTION_OK else { break }
        }
        if let failure { throw failure }
        guard isAlive else { throw lostConnection() }
    }

    // MARK: Results

    /// Rows of a statement, as text.
    package final class Rows {
        fileprivate let result: OpaquePointer

        fileprivate init(_ result: OpaquePointer) { self.result = result }
        deinit { PQclear(result) }

        package var count: Int { Int(PQntuples(result)) }
        /// How many rows the statement changed.
        package var changes: Int { PQcmdTuples(result).flatMap { Int(String(cString: $0)) } ?? 0 }

        /// Names and types (by the oids of `pg_type.dat`) of the columns.
        package var columns: [(name: String, type: UInt32)] {
            (0..<PQnfields(result)).map { index in
                (PQfname(result, index).map { String(cString: $0) } ?? "", PQftype(result, index))
            }
        }

        package subscript(row: Int, column: Int) -> String? {
            guard PQgetisnull(result, Int32(row), Int32(column)) == 0 else { return nil }
            return PQgetvalue(result, Int32(row), Int32(column)).map { String(cString: $0) }
        }
    }

    @discardableResult
    private func checked(_ result: OpaquePointer?) throws -> Rows {
        guard let result else { throw lostConnection() }
        let rows = Rows(result)
        switch PQresultStatus(result) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: return rows
        default: break
        }
        func field(_ code: Character) -> String? {
            PQresultErrorField(result, Int32(code.asciiValue ?? 0)).map { String(cString: $0) }
        }
        // The field codes are those of https://www.postgresql.org/docs/15/protocol-error-fields.html
        throw PostgreSQLFailure(
            state: field("C"),
            message: field("M") ?? Self.trimmed(String(cString: PQresultErrorMessage(result))),
            hint: field("H"),
            position: field("P").flatMap(Int.init),
            context: field("W"),
            column: field("c")
        )
    }

    // MARK: Cancelling

    /// Asks the server to end what the connection is doing; may be used from any thread, also while the connection is at work.
    ///
    /// Sendable though the compiler cannot see it: a PGcancel is a copy of where the server is, which libpq documents as made for use from
    /// other threads; PQcancel only reads it, and it is freed with the last reference.
    struct Canceller: @unchecked Sendable {
        private let holder: Holder

        private final class Holder {
            let handle: OpaquePointer?
            init(_ connection: OpaquePointer) { handle = PQgetCancel(connection) }
            deinit { PQfreeCancel(handle) }
        }

        fileprivate init(_ connection: OpaquePointer) { holder = Holder(connection) }

        /// Blocks until the server has taken the request. A failure means that there is nothing left to cancel.
        func cancel() {
            var text = [CChar](repeating: 0, count: 256)
            _ = PQcancel(holder.handle, &text, Int32(text.count))
        }
    }

    var canceller: Canceller { Canceller(handle) }
}
