import NIOCore
import Testing

@testable import BackfillKit

@Suite("A status says who is to blame: a record, the server, the spec, or nobody")
struct HTTPVerdictTests {
    private func verdict(_ status: Int, retryAfter: Duration? = nil) -> HTTPVerdict {
        HTTPVerdict(status: status, retryAfter: retryAfter)
    }

    @Test("Every status there is has one verdict")
    func all() {
        let misdirected = Set([401, 405, 406, 407, 415, 421, 426])
        for status in 200..<300 { #expect(verdict(status) == .taken) }
        for status in Array(100..<200) + Array(300..<400) + Array(600..<1000) + misdirected {
            guard case .misdirected = verdict(status) else {
                Issue.record("\(status): \(verdict(status))")
                continue
            }
        }
        for status in 400..<500 where ![408, 425, 429].contains(status) && !misdirected.contains(status) {
            #expect(verdict(status, retryAfter: .seconds(1)) == .refused, "\(status)")
        }
        for status in [408, 425] + Array(500..<600) { #expect(verdict(status) == .failed) }
    }

    @Test("A server that asks to be left alone is left alone")
    func busy() {
        #expect(verdict(429) == .busy(nil))
        #expect(verdict(429, retryAfter: .seconds(7)) == .busy(.seconds(7)))
        #expect(verdict(503, retryAfter: .seconds(7)) == .busy(.seconds(7)))
        #expect(verdict(500, retryAfter: .seconds(7)) == .failed)
    }

    @Test("Of an answer's body only a short text that is named as one is shown, on one line")
    func words() {
        let examples: [(String, String?)] = [
            (#"{"error": "email is invalid"}"#, "email is invalid"),
            (#"{"status": 400, "message": "no\r\nsuch \u001b[2Jcountry"}"#, "no  such  [2Jcountry"),
            (#"{"error": {"code": 7, "message": "too young"}}"#, "too young"), (#"{"title": "Bad"}"#, "Bad"),
            (#"{"detail": "Zoë O'Brien"}"#, nil), (#"["error"]"#, nil), ("<html>error</html>", nil), ("", nil),
            (#"{"error": "\#(String(repeating: "x", count: 201))"}"#, nil), (#"{"error": ""}"#, nil),
            (String(repeating: "[", count: 60_000), nil),
        ]
        for (body, words) in examples {
            #expect(HTTPAnswer.words(in: ByteBuffer(string: body)) == words, "\(body.prefix(80))")
        }
    }

    @Test("Unknown statuses are shown as numbers", arguments: [(200, "200 OK"), (404, "404 Not Found"), (599, "599")])
    func statusLine(status: Int, line: String) {
        #expect(HTTPAnswer(status: status).statusLine == line)
    }

    @Test("A user in a URL becomes an authorization; the rest of the URL stays as it is")
    func addresses() {
        func address(_ url: String) -> HTTPAddress? { HTTPAddress(SecretText(secret: url, redacted: "")) }
        #expect(address("https://h/p?a=b%20c#d")?.url == "https://h/p?a=b%20c")
        #expect(address("https://h/p")?.authorization == nil)
        #expect(address("https://me:p%40ss@h:8080/p")?.url == "https://h:8080/p")
        #expect(address("https://me:p%40ss@h/p")?.authorization == "Basic bWU6cEBzcw==")
        #expect(address("http://[::1]:80/")?.url == "http://[::1]:80/")
        for url in ["ftp://h/p", "h/p", "http:///p", ""] { #expect(address(url) == nil, "\(url)") }
    }
}
