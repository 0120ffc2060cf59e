internal import Services

/// Which service has a host, and which other ones wait for it. Services that differ in case only have one host.
///
/// A host is named like its object.
struct HostClaims: Sendable, Hashable {
    private var holders: [String: ServiceID] = [:]
    private var waiting: [String: Set<ServiceID>] = [:]

    func holder(of name: String) -> ServiceID? { holders[name] }

    /// Whether a service waits for the host of another.
    func isContested(_ name: String) -> Bool { waiting[name] != nil }

    /// Gives the host to the service, or lets it wait.
    /// - Returns: Whether the service has the host.
    mutating func claim(_ name: String, _ id: ServiceID) -> Bool {
        if let holder = holders[name], holder != id {
            waiting[name, default: []].insert(id)
            return false
        }
        holders[name] = id
        withdraw(name, id)
        return true
    }

    /// The service doesn't wait for the host any more.
    mutating func withdraw(_ name: String, _ id: ServiceID) {
        waiting[name]?.remove(id)
        if waiting[name]?.isEmpty == true { waiting[name] = nil }
    }

    /// The service that has the host gives it up.
    mutating func release(_ name: String) {
        holders[name] = nil
    }
}
