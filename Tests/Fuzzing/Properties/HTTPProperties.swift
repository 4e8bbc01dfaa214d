import Foundation

@testable import BackfillKit

extension Property {
    /// Any header asks for a time from nothing to a year, or for none.
    static let retryAfter = Property(name: "retry-after") { input in
        let lines = String(decoding: input, as: UTF8.self).split(
            separator: "\n",
            maxSplits: 1,
            omittingEmptySubsequences: false
        )
        let date = lines.count > 1 ? String(lines[1]) : nil
        let now = Date(timeIntervalSince1970: 784_111_777)
        if let wait = RetryAfter.parse(String(lines[0]), serverDate: date, now: now) {
            try require(wait >= .zero && wait <= RetryAfter.longest, "\(lines) is \(wait)")
        }
        if let seconds = HTTPDate.seconds(of: lines[0]) {
            // From 1900 to the end of the year 9999.
            try require((-2_208_988_800...253_402_300_800).contains(seconds), "\(lines[0]) is \(seconds)")
        }
    }

    /// Whatever URL is given, an address is one without its user and password.
    static let address = Property(name: "address") { input in
        let text = String(decoding: input, as: UTF8.self)
        if let address = HTTPAddress(SecretText(secret: text, redacted: "")) {
            try require(address.url.lowercased().hasPrefix("http"), "\(text.debugDescription) is \(address.url)")
            let user = URLComponents(string: address.url)
            try require(user?.user == nil && user?.password == nil, "\(address.url) has a user")
        }
        _ = try SpecText.parse(SpecText.complete(["sinks": "[{http: {url: \(SpecText.quoted(text))}}]"]))
    }
}
