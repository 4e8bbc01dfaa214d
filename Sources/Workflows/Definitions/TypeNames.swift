import Synchronization

/// The names of types, as they stand in the source. They are asked for with every call, and the runtime takes long to make one.
enum TypeNames {
    private static let names = Mutex<[ObjectIdentifier: String]>([:])

    static func name(of type: any Any.Type) -> String {
        names.withLock { names in
            let id = ObjectIdentifier(type)
            if let name = names[id] { return name }
            let name = String(describing: type)
            names[id] = name
            return name
        }
    }
}
