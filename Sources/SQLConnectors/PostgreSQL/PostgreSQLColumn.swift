/// A column of a target table, as PostgreSQL's catalogue describes it.
struct PostgreSQLColumn {
    var name: String
    var kind: Kind
    /// NOT NULL, and nothing fills it in.
    var isRequired: Bool
    var isGenerated: Bool
    /// GENERATED ALWAYS AS IDENTITY: it may be inserted, but not updated.
    var isAlwaysIdentity: Bool

    /// What a type would change quietly in a value that comes as text; its input function takes the rest exactly, or refuses it.
    enum Kind: Equatable {
        case integer
        /// Keeps 6 decimal digits.
        case float4
        /// Keeps 15 decimal digits.
        case float8
        /// Rounds to so many digits behind the point; nil keeps all.
        case numeric(scale: Int?)
        /// Cuts blanks off the end that are beyond so many characters.
        case text(limit: Int?)
        case bytes
        /// Drops the time of day.
        case date
        /// Rounds seconds to so many digits behind the point, and without a zone drops an offset.
        case time(digits: Int, hasZone: Bool)
        case other

        /// - Parameters:
        ///   - type: the oid of the type, or of the type below a domain; fixed for built-in types.
        ///   - modifier: what stands in parentheses behind it, encoded by each type in its own way; -1 for none.
        init(type: Int, modifier: Int) {
            switch type {
            case 20, 21, 23, 26: self = .integer
            case 700: self = .float4
            case 701: self = .float8
            // The scale is the lower 11 bits, with a sign since PostgreSQL 15.
            case 1700: self = .numeric(scale: modifier < 4 ? nil : (((modifier - 4) & 0x7FF) ^ 1024) - 1024)
            // bpchar and varchar count characters, plus 4; then "char", name and text.
            case 1042, 1043: self = .text(limit: modifier < 4 ? nil : modifier - 4)
            case 18, 19, 25: self = .text(limit: nil)
            case 17: self = .bytes
            case 1082: self = .date
            // time, timestamp; timetz, timestamptz; interval, whose precision is in the lower 16 bits.
            case 1083, 1114: self = .time(digits: modifier < 0 ? 6 : modifier, hasZone: false)
            case 1266, 1184: self = .time(digits: modifier < 0 ? 6 : modifier, hasZone: true)
            case 1186: self = .time(digits: min(6, modifier < 0 ? 6 : modifier & 0xFFFF), hasZone: true)
            default: self = .other
            }
        }
    }
}
