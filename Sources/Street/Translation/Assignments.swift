package import Addressing
internal import IstioAPI
package import Services

/// The choices that must not change once they are made: which of two services has a host, a service's virtual address,
/// and its port where the protocol has none. The form of its endpoints changes only with its size.
///
/// After a restart they are read back from the owned objects (`Translator.seed`). They are kept until the service's
/// object goes.
package struct Assignments: Sendable, Hashable {
    package struct Assignment: Sendable, Hashable {
        /// The name of the service's object: its host without the domain.
        package let objectName: String
        package var address: IPAddress?
        /// The number of the service's port; `nil` where the protocol says it.
        package var port: UInt16?
        package var resolution = Resolution.static
        /// Since when the service has no instance; monotonic.
        package var emptySince: Duration?
        package var form = EndpointForm.inline
        /// The registries that announced it last.
        package var registries: [String] = []

        package init(objectName: String) {
            self.objectName = objectName
        }
    }

    private var assignments: [ServiceID: Assignment] = [:]
    private var hosts = HostClaims()
    private var holders: [IPAddress: ServiceID] = [:]
    /// The services without an instance.
    private var empty: Set<ServiceID> = []
    /// The services with an instance whose name is resolved, or with one an hour ago.
    private var resolved: Set<ServiceID> = []
    /// The block in which a search for an address failed. Cleared when an address becomes free.
    private var exhausted: CIDRBlock?

    package init() {}

    package subscript(id: ServiceID) -> Assignment? { assignments[id] }

    package var count: Int { assignments.count }

    /// The service that has an object of this name.
    package func service(ofObject name: String) -> ServiceID? { hosts.holder(of: name) }

    package var serviceIDs: some Collection<ServiceID> { assignments.keys }
}

// MARK: - Making and keeping

extension Assignments {
    /// Takes over what was chosen for a service before the start. Where it contradicts what is known, that counts.
    mutating func seed(_ id: ServiceID, _ earlier: Assignment) {
        guard hosts.claim(earlier.objectName, id) else { return }
        var assignment = assignments[id] ?? Assignment(objectName: earlier.objectName)
        if assignments[id] == nil {
            (assignment.form, assignment.port) = (earlier.form, earlier.port)
            assignment.resolution = earlier.resolution
        }
        assignment.registries += earlier.registries.filter { !assignment.registries.contains($0) }
        if assignment.address == nil, let address = earlier.address, holders[address] == nil {
            assignment.address = address
            holders[address] = id
        }
        assignment.emptySince = assignment.emptySince ?? earlier.emptySince
        keep(assignment, of: id)
    }

    private mutating func keep(_ assignment: Assignment, of id: ServiceID) {
        assignments[id] = assignment
        if assignment.emptySince == nil { empty.remove(id) } else { empty.insert(id) }
        if assignment.resolution == .static { resolved.remove(id) } else { resolved.insert(id) }
    }

    /// Replaces the choices by those of another replica. Only the time since when a service has no instance stays.
    package mutating func adopt(_ others: Assignments) {
        var adopted = others
        for (id, var assignment) in others.assignments {
            assignment.emptySince = assignments[id]?.emptySince
            adopted.keep(assignment, of: id)
        }
        self = adopted
    }

    /// Makes the missing choices, and notes whether the service has instances.
    /// - Returns: `nil` for a service without instances that is not known, and for one whose host another service has.
    mutating func update(
        _ service: Service, named name: String, policy: TranslationPolicy, now: Duration
    ) -> Assignment? {
        let id = service.id
        let served = service.instances.lazy.filter(\.wantsTraffic)
        var assignment: Assignment
        if let known = assignments[id] {
            assignment = known
        } else {
            guard !served.isEmpty else {
                hosts.withdraw(name, id)
                return nil
            }
            guard hosts.claim(name, id) else { return nil }
            assignment = Assignment(objectName: name)
        }
        updateAddress(of: &assignment, id: id, policy: policy)
        if !service.registries.isEmpty { assignment.registries = service.registries }
        assignment.emptySince = served.isEmpty ? assignment.emptySince ?? now : nil
        assignment.resolution.note(
            hasInstances: !served.isEmpty, hasNames: served.contains(where: \.host.isName), now: now)
        keep(assignment, of: id)
        return assignment
    }

    mutating func setForm(_ form: EndpointForm, of id: ServiceID) {
        assignments[id]?.form = form
    }

    /// - Returns: The port of the service, which is the one that was chosen first.
    mutating func choosePort(of id: ServiceID, _ port: () -> UInt16?) -> UInt16? {
        if assignments[id]?.port == nil { assignments[id]?.port = port() }
        return assignments[id]?.port
    }

    private mutating func updateAddress(of assignment: inout Assignment, id: ServiceID, policy: TranslationPolicy) {
        guard case .block(let block) = policy.addresses else { return }
        if let address = assignment.address {
            if block.contains(address) { return }
            free(address)
        }
        assignment.address = freeAddress(in: block, for: assignment.objectName)
        if let address = assignment.address { holders[address] = id }
    }

    /// The address at the name's hash, or the next free one after it; `nil` when the block is full.
    private mutating func freeAddress(in block: CIDRBlock, for name: String) -> IPAddress? {
        let count = block.usableCount
        guard count > 0, exhausted != block else { return nil }
        let start = StableHash.value(of: name) % count
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
    /// Forgets services that have been empty for `retention`, or at once where another service waits for the host.
    /// - Parameter mayExpire: Whether it is certain that a service has no instances.
    /// - Returns: The names of their objects, sorted.
    package mutating func expire(
        now: Duration, retention: Duration, where mayExpire: (ServiceID) -> Bool = { _ in true }
    ) -> [String] {
        var expired: [String] = []
        for id in empty {
            guard let assignment = assignments[id], let time = expiry(assignment, retention), time <= now, mayExpire(id)
            else { continue }
            assignments[id] = nil
            empty.remove(id)
            resolved.remove(id)
            hosts.release(assignment.objectName)
            if let address = assignment.address { free(address) }
            expired.append(assignment.objectName)
        }
        return expired.sorted()
    }

    private func expiry(_ assignment: Assignment, _ retention: Duration) -> Duration? {
        assignment.emptySince.map { hosts.isContested(assignment.objectName) ? $0 : $0 + retention }
    }

    /// The next time at which a service expires or its names are gone for long enough; monotonic.
    package func nextExpiry(retention: Duration) -> Duration? {
        let expiries = empty.lazy.compactMap { assignments[$0].flatMap { expiry($0, retention) } }
        let ends = resolved.lazy.compactMap { assignments[$0]?.resolution.end }
        return [expiries.min(), ends.min()].compactMap(\.self).min()
    }

    /// The services that istiod resolves names for.
    package var resolvedServices: Set<ServiceID> { resolved }

    /// The services whose names are gone for so long that their addresses can stand alone again.
    package func dueForAddresses(now: Duration) -> Set<ServiceID> {
        resolved.filter { assignments[$0]?.resolution.end.map { $0 <= now } ?? false }
    }

    /// Whether the service has no instance.
    package func isEmpty(_ id: ServiceID) -> Bool { empty.contains(id) }

    /// Whether the service has no instance, and another one waits for its host.
    package func isInTheWay(_ id: ServiceID) -> Bool {
        isEmpty(id) && assignments[id].map { hosts.isContested($0.objectName) } ?? false
    }

    /// Notes whether a service has instances that is not translated yet.
    package mutating func noteServed(_ service: Service) {
        guard var assignment = assignments[service.id], service.instances.contains(where: \.wantsTraffic) else {
            return
        }
        assignment.emptySince = nil
        keep(assignment, of: service.id)
    }
}
