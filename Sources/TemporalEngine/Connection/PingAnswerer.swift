#if Temporal
import NIOCore

/// Answers the server's pings itself, and lets everything else pass.
///
/// A Temporal server measures the connection with a ping behind nearly every answer. NIOHTTP2 takes more than 200 pings in 30 seconds for an
/// attack, ends the connection, and offers no way to allow more: whatever is under way would be lost every few seconds. Pings that carry an
/// acknowledgement are answers to our own, and pass.
///
/// Stands where HTTP/2 frames are in clear text: each has nine bytes of header (length, 3 bytes; type; flags; stream, 4 bytes) and then as many
/// bytes as its length says (RFC 9113, section 4.1). A ping is of type 6 and has eight (section 6.7).
final class PingAnswerer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let headerLength = 9
    private static let pingLength = 8
    private static let pingType: UInt8 = 6
    private static let acknowledgement: UInt8 = 1

    /// What came of a frame's header, or of a ping, and is not complete.
    private var begun = ByteBuffer()
    /// How much of a frame that passes is still to come.
    private var left = 0

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var input = unwrapInboundIn(data)
        if begun.readableBytes > 0 {
            begun.writeBuffer(&input)
            input = begun
            begun = ByteBuffer()
        }
        var output = context.channel.allocator.buffer(capacity: input.readableBytes)
        var answers = ByteBuffer()
        while input.readableBytes > 0 {
            if left > 0 {
                let count = min(left, input.readableBytes)
                output.writeImmutableBuffer(input.readSlice(length: count) ?? ByteBuffer())
                left -= count
                continue
            }
            guard let frame = Frame(input) else { break }
            if frame.type == Self.pingType, frame.flags & Self.acknowledgement == 0, frame.length == Self.pingLength {
                guard let ping = input.readSlice(length: Self.headerLength + Self.pingLength) else { break }
                let answer = answers.writerIndex
                answers.writeImmutableBuffer(ping)
                answers.setInteger(Self.acknowledgement, at: answer + 4)
            } else {
                left = Self.headerLength + frame.length
            }
        }
        begun = input
        if answers.readableBytes > 0 { context.writeAndFlush(wrapOutboundOut(answers), promise: nil) }
        if output.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(output)) }
    }

    /// The header of a frame.
    private struct Frame {
        var length: Int
        var type: UInt8
        var flags: UInt8

        /// Nil when it has not come whole.
        init?(_ buffer: ByteBuffer) {
            let start = buffer.readerIndex
            guard buffer.readableBytes >= PingAnswerer.headerLength,
                let high: UInt8 = buffer.getInteger(at: start), let low: UInt16 = buffer.getInteger(at: start + 1),
                let type: UInt8 = buffer.getInteger(at: start + 3), let flags: UInt8 = buffer.getInteger(at: start + 4)
            else { return nil }
            length = Int(high) << 16 | Int(low)
            (self.type, self.flags) = (type, flags)
        }
    }
}
#endif
