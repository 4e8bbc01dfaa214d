/// What may happen to a file: it is cut, longer, and some of its bytes are others.
struct Damage {
    /// The file's content with the damages that an input decides.
    static func done(to content: [UInt8], by draw: inout Draw) -> [UInt8] {
        var content = content
        repeat {
            guard !content.isEmpty else { return content }
            let position = Int(draw.byte()) << 8 | Int(draw.byte())
            let place = position % content.count
            switch draw.byte() % 6 {
            case 0: content.removeLast(content.count - place)
            case 1: content[place] ^= 1 << (draw.byte() % 8)
            case 2: content[place] = draw.byte()
            case 3:
                // A block of zeros, as a disk gives it back that lost one.
                for index in place..<min(content.count, place + 512) { content[index] = 0 }
            case 4: content.append(contentsOf: draw.bytes())
            default:
                let other = Int(draw.byte()) << 8 | Int(draw.byte())
                let length = min(Int(draw.byte()), content.count - place, content.count - other % content.count)
                for index in 0..<length { content[place + index] = content[other % content.count + index] }
            }
        } while !draw.isAtEnd
        return content
    }
}
