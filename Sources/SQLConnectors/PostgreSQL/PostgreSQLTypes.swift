import CLibPQ

/// How a column's values travel from PostgreSQL into a staged result.
///
/// Integers, floats, text and bytes come in the binary form of COPY, which needs no escapes; every other type comes as the text that its
/// own output function writes under the session's settings, from which the type's input function reads the same value again.
enum PostgreSQLWireType {
    case boolean
    case int16
    case int32
    case int64
    /// An unsigned 32-bit number.
    case oid
    case float32
    case float64
    case text
    case bytes
    /// Cast to text by the server.
    case castToText

    /// By the type's oid, which is fixed for built-in types: https://github.com/postgres/postgres/blob/REL_15_STABLE/src/include/catalog/pg_type.dat
    init(_ type: Oid) {
        switch type {
        case 16: self = .boolean
        case 17: self = .bytes
        case 20: self = .int64
        case 21: self = .int16
        case 23: self = .int32
        case 26: self = .oid
        case 700: self = .float32
        case 701: self = .float64
        // name, text, json, bpchar, varchar
        case 19, 25, 114, 1042, 1043: self = .text
        default: self = .castToText
        }
    }
}

extension PostgreSQLWireType {
    /// What a value counts for in batch limits, as ``Cell/byteCount`` says; nil where that is the length of its field.
    var byteCount: Int? {
        switch self {
        case .text, .bytes, .castToText: nil
        case .boolean, .int16, .int32, .int64, .oid, .float32, .float64: 8
        }
    }
}
