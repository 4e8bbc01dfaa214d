#if Temporal
import NIOCore
import NIOEmbedded
import TestSupport
import Testing

@testable import TemporalEngine

@Suite("A server's pings are answered before anybody counts them, and nothing else is touched")
struct PingAnswererTests {
    private static func frame(_ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 1, _ payload: [UInt8]) -> [UInt8] {
        let length = payload.count
        let stream = (0..<4).map { UInt8(truncatingIfNeeded: stream >> (24 - 8 * $0)) }
        return [UInt8(length >> 16), UInt8(length >> 8 & 255), UInt8(length & 255), type, flags] + stream + payload
    }

    @Test("However the bytes come", arguments: (0..<200).map { UInt64($0) })
    func pieces(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var input: [UInt8] = []
        var others: [UInt8] = []
        var answers: [UInt8] = []
        for _ in 0..<Int.random(in: 1...20, using: &random) {
            let payload = (0..<8).map { _ in UInt8.random(in: 0...255, using: &random) }
            switch Int.random(in: 0...3, using: &random) {
            case 0:
                input += Self.frame(6, stream: 0, payload)
                answers += Self.frame(6, flags: 1, stream: 0, payload)
            case 1:
                let answer = Self.frame(6, flags: 1, stream: 0, payload)
                input += answer
                others += answer
            default:
                let count = Int.random(in: 0...70_000, using: &random)
                let data = Self.frame(
                    UInt8.random(in: 0...5, using: &random),
                    Array(repeating: payload[0], count: count)
                )
                input += data
                others += data
            }
        }
        let channel = EmbeddedChannel(handler: PingAnswerer())
        var rest = input[...]
        while !rest.isEmpty {
            let most = Bool.random(using: &random) ? 12 : 20_000
            let count = min(rest.count, Int.random(in: 1...most, using: &random))
            try channel.writeInbound(ByteBuffer(bytes: rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        var passed = ByteBuffer()
        while var buffer = try channel.readInbound(as: ByteBuffer.self) { passed.writeBuffer(&buffer) }
        var sent = ByteBuffer()
        while var buffer = try channel.readOutbound(as: ByteBuffer.self) { sent.writeBuffer(&buffer) }
        #expect(Array(passed.readableBytesView) == others)
        #expect(Array(sent.readableBytesView) == answers)
    }
}
#endif
