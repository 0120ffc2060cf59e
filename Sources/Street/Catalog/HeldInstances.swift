internal import Services

/// An instance that the registry no longer shows, and that is still accepted as present.
struct HeldInstance: Sendable {
    /// The second read without which a service is not left without any instance.
    struct Confirmation: Sendable {
        /// The number of the first full read that confirms the removal; `nil` where a read has confirmed it.
        var read: Int?
        /// An instance that comes and goes must stay away for a settle time. Monotonic.
        var notBefore: Duration
    }

    enum Reason: Sendable {
        /// The settle time is not over. Some of them leave their service without any instance.
        case settling(Confirmation?)
        /// It leaves its service without any instance.
        case unconfirmed(Confirmation)
        /// The loss looks like a failure of the registry.
        /// - since: The hold's own time from which on reads have to agree that the instance is gone.
        /// - isOfFirstLoss: Whether its removal is part of the loss that the hold began with, so that its return is a
        ///   recovery.
        case hold(since: Duration, isOfFirstLoss: Bool)
    }

    var instance: Instance
    /// Orders the held instances by the time of their removal.
    var number: Int
    var reason: Reason
}

/// The held instances of one registry.
struct HeldInstances: Sendable {
    private var tables: [ServiceID: [Endpoint: HeldInstance]] = [:]
    private var addresses: [Endpoint: Set<ServiceID>] = [:]
    private(set) var count = 0
    private var number = 0

    var isEmpty: Bool { count == 0 }
    var services: some Collection<ServiceID> { tables.keys }
    var instances: some Sequence<HeldInstance> { tables.values.lazy.flatMap(\.values) }
    var loss: Loss { Loss(instances: count, addresses: addresses.count) }

    subscript(id: ServiceID) -> [Endpoint: HeldInstance]? { tables[id] }

    /// The services of which this endpoint is held.
    func services(at endpoint: Endpoint) -> Set<ServiceID> { addresses[endpoint] ?? [] }

    mutating func put(_ id: ServiceID, _ instance: Instance, _ reason: HeldInstance.Reason) {
        number += 1
        let entry = HeldInstance(instance: instance, number: number, reason: reason)
        if tables[id, default: [:]].updateValue(entry, forKey: instance.endpoint) == nil {
            count += 1
            addresses[instance.endpoint, default: []].insert(id)
        }
    }

    mutating func set(_ reason: HeldInstance.Reason, of id: ServiceID, _ endpoint: Endpoint) {
        tables[id]?[endpoint]?.reason = reason
    }

    /// - Returns: The entry, if the endpoint was held.
    @discardableResult
    mutating func drop(_ id: ServiceID, _ endpoint: Endpoint) -> HeldInstance? {
        guard let entry = tables[id]?.removeValue(forKey: endpoint) else { return nil }
        count -= 1
        if tables[id]?.isEmpty == true { tables[id] = nil }
        addresses[endpoint]?.remove(id)
        if addresses[endpoint]?.isEmpty == true { addresses[endpoint] = nil }
        return entry
    }

    /// The endpoint of a service that has been missing longest.
    func oldest(of id: ServiceID) -> HeldInstance? { tables[id]?.values.min { $0.number < $1.number } }

    /// The endpoints of a service, in the order of their removal.
    func endpoints(of id: ServiceID) -> [Endpoint] {
        (tables[id] ?? [:]).sorted { $0.value.number < $1.value.number }.map(\.key)
    }
}
