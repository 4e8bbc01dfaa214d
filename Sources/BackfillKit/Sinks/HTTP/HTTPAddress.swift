import Foundation

/// Where requests go: a URL, and what its user and password become.
struct HTTPAddress: Sendable {
    /// Without user and password.
    let url: String
    /// The value of a header `Authorization`, when the URL names a user.
    let authorization: String?

    /// nil for what is no `http` or `https` URL with a host.
    init?(_ text: SecretText) {
        guard var parts = URLComponents(string: text.secret), ["http", "https"].contains(parts.scheme?.lowercased()),
            parts.host?.isEmpty == false
        else { return nil }
        authorization = parts.user.map { user in
            "Basic \(Data("\(user):\(parts.password ?? "")".utf8).base64EncodedString())"
        }
        parts.user = nil
        parts.password = nil
        parts.fragment = nil
        guard let url = parts.string else { return nil }
        self.url = url
    }
}
