/// The sides of a view, by the service that they name.
struct DeclaredSides: Sendable {
    private var services: [String: [String: DeclaredSide]] = [:]
    private var all: [String: DeclaredSide] = [:]

    var isEmpty: Bool { all.isEmpty }
    var count: Int { all.count }

    subscript(key: String) -> DeclaredSide? { all[key] }

    /// - Returns: The one that stood at the key.
    mutating func set(_ side: DeclaredSide, at key: String) -> DeclaredSide? {
        let old = remove(key)
        all[key] = side
        services[side.service, default: [:]][key] = side
        return old
    }

    mutating func remove(_ key: String) -> DeclaredSide? {
        guard let side = all.removeValue(forKey: key) else { return nil }
        services[side.service]?[key] = nil
        if services[side.service]?.isEmpty == true { services[side.service] = nil }
        return side
    }

    /// Those that are about an instance, in the order of their keys.
    func concerning(_ instance: DeclaredInstance) -> [DeclaredSide] {
        let candidates = Set(["", instance.captures["service"] ?? ""]).compactMap { services[$0] }.flatMap { $0 }
        return candidates.filter { $0.value.concerns(instance) }.sorted { $0.key < $1.key }.map(\.value)
    }
}

extension DeclaredSide {
    /// Empty where it names none.
    fileprivate var service: String { captures["service"] ?? "" }
}
