package import Addressing
internal import IstioAPI
package import Services

/// The choices that must not change once they are made: a service's host, its virtual address and the names of its
/// objects. The form of its endpoints changes only with its size.
///
/// After a restart they are read back from the owned objects (`seed`). They are kept until the service's last object
/// goes.
package struct Assignments: Sendable, Hashable {
    package struct Assignment: Sendable, Hashable {
        /// One object for each protocol. An endpoint must not appear on a port that it does not serve, and istiod takes
        /// the service's own number for a port that an endpoint doesn't name. istiod merges the objects of one host.
        package struct Object: Sendable, Hashable {
            package var name: String
            /// Since when no instance serves the protocol; monotonic.
            package var emptySince: Duration?
            package var form = EndpointForm.inline
        }

        package var host: String
        package var address: IPAddress?
        package var objects: [PortProtocol: Object] = [:]
        /// The registries that announced it last.
        package var registries: [String] = []

        fileprivate var isPartlyEmpty: Bool { objects.values.contains { $0.emptySince != nil } }
    }

    private var assignments: [ServiceID: Assignment] = [:]
    private var services: [String: ServiceID] = [:]
    private var holders: [IPAddress: ServiceID] = [:]
    /// The services with a protocol that no instance serves.
    private var partlyEmpty: Set<ServiceID> = []
    /// The block in which a search for an address failed. Cleared when an address becomes free.
    private var exhausted: CIDRBlock?

    package init() {}

    package subscript(id: ServiceID) -> Assignment? { assignments[id] }

    package var count: Int { assignments.count }

    /// The service that has an object of this name.
    package func service(ofObject name: String) -> ServiceID? {
        guard let owner = services[HostNaming.host(ofObject: name)],
            assignments[owner]?.objects.values.contains(where: { $0.name == name }) == true
        else { return nil }
        return owner
    }

    package var serviceIDs: some Collection<ServiceID> { assignments.keys }
}

// MARK: - Making and keeping

extension Assignments {
    /// Takes over what an owned object says of its service. Where it contradicts an object that was seen before, the
    /// earlier one counts. The host comes from the object's name, which nobody can edit.
    package mutating func seed(
        _ id: ServiceID, object name: String, protocol: PortProtocol, address: IPAddress?,
        registries: [String], emptySince: Duration? = nil, form: EndpointForm = .inline
    ) {
        let host = HostNaming.host(ofObject: name)
        if assignments[id] == nil {
            guard services[host] == nil else { return }
            services[host] = id
            assignments[id] = Assignment(host: host)
        }
        guard var assignment = assignments[id], assignment.host == host else { return }
        // A write of one of the objects may have been missed, so the registries that any of them names count.
        assignment.registries += registries.filter { !assignment.registries.contains($0) }
        if assignment.address == nil, let address, holders[address] == nil {
            assignment.address = address
            holders[address] = id
        }
        if assignment.objects[`protocol`] == nil, !assignment.objects.values.contains(where: { $0.name == name }) {
            assignment.objects[`protocol`] = .init(name: name, emptySince: emptySince, form: form)
        } else if let object = assignment.objects[`protocol`], object.name == name, object.emptySince == nil {
            assignment.objects[`protocol`]?.emptySince = emptySince
        }
        keep(assignment, of: id)
    }

    private mutating func keep(_ assignment: Assignment, of id: ServiceID) {
        assignments[id] = assignment
        if assignment.isPartlyEmpty { partlyEmpty.insert(id) } else { partlyEmpty.remove(id) }
    }

    /// Replaces the choices by those of another replica. Only the time since when a protocol has no instance stays.
    package mutating func adopt(_ others: Assignments) {
        var adopted = others
        for (id, assignment) in adopted.assignments {
            for portProtocol in assignment.objects.keys {
                adopted.assignments[id]?.objects[portProtocol]?.emptySince =
                    assignments[id]?.objects[portProtocol]?.emptySince
            }
        }
        adopted.partlyEmpty = Set(adopted.assignments.lazy.filter(\.value.isPartlyEmpty).map(\.key))
        self = adopted
    }

    /// Makes the missing choices and notes which protocols have instances.
    mutating func update(_ service: Service, policy: TranslationPolicy, now: Duration) -> Assignment? {
        let id = service.id
        let served = Set(service.instances.lazy.filter(\.wantsTraffic).map(\.protocol))
        if assignments[id] == nil {
            if served.isEmpty { return nil }
            let host = host(for: id)
            services[host] = id
            assignments[id] = Assignment(host: host)
        }
        guard var assignment = assignments[id] else { return nil }
        updateAddress(of: &assignment, id: id, policy: policy)
        if !service.registries.isEmpty { assignment.registries = service.registries }
        for added in served.sorted() where assignment.objects[added] == nil {
            let isFirst = !assignment.objects.values.contains { $0.name == assignment.host }
            let name =
                isFirst
                ? assignment.host : HostNaming.qualifiedName(host: assignment.host, protocol: added.name)
            assignment.objects[added] = .init(name: name)
        }
        for (present, object) in assignment.objects {
            assignment.objects[present]?.emptySince = served.contains(present) ? nil : object.emptySince ?? now
        }
        keep(assignment, of: id)
        return assignment
    }

    mutating func setForm(_ form: EndpointForm, of id: ServiceID, _ portProtocol: PortProtocol) {
        assignments[id]?.objects[portProtocol]?.form = form
    }

    /// The host that the service has, or would get.
    func host(for id: ServiceID) -> String {
        if let assignment = assignments[id] { return assignment.host }
        var host = HostNaming.host(of: id)
        var attempt = 0
        while services[host] != nil {
            host = HostNaming.qualifiedHost(of: id, attempt: attempt)
            attempt += 1
        }
        return host
    }

    private mutating func updateAddress(of assignment: inout Assignment, id: ServiceID, policy: TranslationPolicy) {
        guard case .block(let block) = policy.addresses else { return }
        if let address = assignment.address {
            if block.contains(address) { return }
            free(address)
        }
        assignment.address = freeAddress(in: block, for: assignment.host)
        if let address = assignment.address { holders[address] = id }
    }

    /// The address at the host's hash, or the next free one after it; `nil` when the block is full.
    private mutating func freeAddress(in block: CIDRBlock, for host: String) -> IPAddress? {
        let count = block.usableCount
        guard count > 0, exhausted != block else { return nil }
        let start = StableHash.value(of: host) % count
        // Held addresses may lie outside the block, so one more than are held is always enough.
        for step in 0..<min(count, UInt64(holders.count) + 1) {
            let address = block.usableAddress((start + step) % count)
            if holders[address] == nil { return address }
        }
        exhausted = block
        return nil
    }

    private mutating func free(_ address: IPAddress) {
        holders[address] = nil
        exhausted = nil
    }
}

// MARK: - Expiry

extension Assignments {
    /// Forgets objects that have been empty for `retention`, and services that have no object left.
    /// - Parameter mayExpire: Whether it is certain that a service has no instances.
    /// - Returns: The names of the objects, sorted.
    package mutating func expire(
        now: Duration, retention: Duration, where mayExpire: (ServiceID) -> Bool = { _ in true }
    ) -> [String] {
        var expired: [String] = []
        for id in partlyEmpty where mayExpire(id) {
            guard var assignment = assignments[id] else { continue }
            let remaining = assignment.objects.filter { _, object in
                object.emptySince.map { now - $0 < retention } ?? true
            }
            if remaining.count == assignment.objects.count { continue }
            let names = Set(remaining.values.map(\.name))
            expired += assignment.objects.values.map(\.name).filter { !names.contains($0) }
            assignment.objects = remaining
            keep(assignment, of: id)
            if remaining.isEmpty { forget(id) }
        }
        return expired.sorted()
    }

    /// Whether some protocol of the service has no instance.
    package func isPartlyEmpty(_ id: ServiceID) -> Bool { partlyEmpty.contains(id) }

    /// Notes which protocols have instances, for a service that is not translated yet.
    package mutating func noteServed(_ service: Service) {
        guard var assignment = assignments[service.id] else { return }
        for instance in service.instances where instance.wantsTraffic {
            assignment.objects[instance.protocol]?.emptySince = nil
        }
        keep(assignment, of: service.id)
    }

    /// The next time at which `expire` has something to do; monotonic.
    package func nextExpiry(retention: Duration) -> Duration? {
        partlyEmpty.lazy.compactMap { assignments[$0] }.flatMap(\.objects.values).compactMap(\.emptySince).min()
            .map { $0 + retention }
    }

    private mutating func forget(_ id: ServiceID) {
        guard let assignment = assignments.removeValue(forKey: id) else { return }
        services[assignment.host] = nil
        partlyEmpty.remove(id)
        if let address = assignment.address { free(address) }
    }
}
