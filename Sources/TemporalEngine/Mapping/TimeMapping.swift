#if Temporal
import Foundation
import SwiftProtobuf
import Workflows

extension Google_Protobuf_Duration {
    init(duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self.init(seconds: seconds, nanos: Int32(attoseconds / 1_000_000_000))
    }

    var duration: Duration { .seconds(seconds) + .nanoseconds(Int64(nanos)) }
}

extension Google_Protobuf_Timestamp {
    /// In whole milliseconds, as all times of histories.
    var wholeMilliseconds: Date {
        Date(timeIntervalSince1970: Double(seconds * 1000 + Int64(nanos) / 1_000_000) / 1000)
    }
}
#endif
