import Foundation

extension SpecReader {
    private static let httpKeys = [
        "url", "method", "headers", "body", "concurrency", "timeout", "idempotency-header", "ca",
    ]

    mutating func httpSink(_ field: SpecField) -> HTTPSinkSpec? {
        guard let mapping = mapping(field, keys: Self.httpKeys) else { return nil }
        let url = required("url", in: mapping, example: "url: https://host/path").flatMap { self.url($0) }
        let method = mapping["method"].map { choice($0, of: HTTPSinkSpec.Method.self) } ?? .post
        let idempotencyHeader =
            mapping["idempotency-header"].map { self.idempotencyHeader($0) } ?? "Idempotency-Key"
        let headers = mapping["headers"].map { self.headers($0, idempotencyHeader: idempotencyHeader) } ?? []
        let body = mapping["body"].map { choice($0, of: HTTPSinkSpec.Body.self) } ?? .record
        let concurrency =
            mapping["concurrency"].map { wholeNumber($0, in: BackfillSpec.Bounds.httpConcurrency) } ?? 16
        let timeout = mapping["timeout"].map { self.timeout($0) } ?? .seconds(30)
        let authority = mapping["ca"].flatMap { text($0, expected: "the path of a PEM file") }
        if let authority, let url, url.secret.lowercased().hasPrefix("http:") {
            note(
                authority.field,
                "has no meaning for http://, which shows no certificate",
                "Write https://, or take it out."
            )
        }
        guard let url, let method, let idempotencyHeader, let headers, let body, let concurrency, let timeout else {
            return nil
        }
        return HTTPSinkSpec(
            url: url,
            method: method,
            headers: headers,
            body: body,
            concurrency: concurrency,
            timeout: timeout,
            idempotencyHeader: idempotencyHeader,
            certificateAuthority: authority.map { files.url($0.value) }
        )
    }

    // MARK: Headers

    private mutating func headers(_ field: SpecField, idempotencyHeader: String?) -> [HTTPSinkSpec.Header]? {
        guard let entries = entries(field, expected: "a mapping of headers to values") else { return nil }
        var headers: [HTTPSinkSpec.Header] = []
        for (key, value) in entries {
            let place = SpecField(key.node, path: field.path)
            let name = headerName(key.name, found: key.name.quoted, at: place)
            if let name, name.lowercased() == idempotencyHeader?.lowercased() {
                note(
                    place,
                    "\(name) carries the correlation id",
                    "Take it out, or set idempotency-header to another name."
                )
            }
            if let name, headers.contains(where: { $0.name.lowercased() == name.lowercased() }) {
                note(place, "the header \(name) is given twice", "Keep one.")
            }
            guard let value = text(value, expected: "a header's value") else { continue }
            // A line feed would begin another header.
            guard value.value.unicodeScalars.allSatisfy({ $0 == "\t" || $0.value >= 0x20 && $0.value != 0x7F }) else {
                note(value.field, "a header's value is one line, without control characters", "Take the line feed out.")
                continue
            }
            guard let name else { continue }
            headers.append(HTTPSinkSpec.Header(name: name, value: SecretText(secret: value.value, redacted: "***")))
        }
        return headers
    }

    private mutating func idempotencyHeader(_ field: SpecField) -> String? {
        guard let text = text(field, expected: "a header's name") else { return nil }
        return headerName(text.value, found: text.found, at: field)
    }

    private mutating func headerName(_ name: String, found: String, at field: SpecField) -> String? {
        let isToken = name.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
        guard !name.isEmpty, isToken else {
            note(field, "\(found) cannot be a header's name", "Use letters, digits and -.")
            return nil
        }
        // What frames a request is the connection's business, and the run names itself.
        let reserved = [
            "connection", "content-length", "expect", "host", "keep-alive", "proxy-connection", "te", "trailer",
            "transfer-encoding", "upgrade", "backfill-run", "backfill-query",
        ]
        if reserved.contains(name.lowercased()) {
            note(field, "the header \(name) is set by the sink itself", "Take it out.")
            return nil
        }
        return name
    }

    // MARK: Time

    private mutating func timeout(_ field: SpecField) -> Duration? {
        guard let text = text(field, expected: "a time"),
            let timeout = quantity(of: text, expected: "a time such as 500ms or 30s", Quantity.duration)
        else { return nil }
        if BackfillSpec.Bounds.httpTimeout.contains(timeout) { return timeout }
        note(field, "\(text.found) is out of bounds", "Write a time from 100ms to 10m.")
        return nil
    }
}
