/// What an answer means for the records that were sent.
enum HTTPVerdict: Equatable {
    /// They have arrived.
    case taken
    /// The server will not have them as they are: the record is to blame, or one of the batch.
    case refused
    /// The server wants to be left alone: for as long as it says, if it does. Nobody is to blame.
    case busy(Duration?)
    /// The server failed; a repetition may succeed.
    case failed
    /// Not this URL, method, kind of body or authorization: no record is to blame, and no repetition mends it. What to do.
    case misdirected(advice: String)

    init(status: Int, retryAfter: Duration?) {
        switch status {
        case 200..<300: self = .taken
        case 300..<400:
            self = .misdirected(advice: "Redirects are not followed: write the final URL into the sink's `url`.")
        case 401, 407: self = .misdirected(advice: "Check the authorization in the sink's `headers`.")
        case 405, 421, 426: self = .misdirected(advice: "Check the sink's `url` and `method`.")
        case 406, 415:
            self = .misdirected(advice: "Check the sink's `body`, and set Content-Type or Accept in its `headers`.")
        case 429: self = .busy(retryAfter)
        case 503 where retryAfter != nil: self = .busy(retryAfter)
        case 408, 425, 500..<600: self = .failed
        case 400..<500: self = .refused
        default: self = .misdirected(advice: "That is no HTTP status: check that the sink's `url` is a web server's.")
        }
    }
}
