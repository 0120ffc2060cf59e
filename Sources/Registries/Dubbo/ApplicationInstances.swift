internal import Addressing
package import Services

/// The instances that register by application, and which of them no provider URL announces.
///
/// Addresses are kept as hashes: a large registry has a million provider URLs, and a collision hides one instance from
/// a count.
package struct ApplicationInstances: Sendable {
    /// `HOST:PORT`, by application.
    private var ids: [String: Set<String>] = [:]
    /// The instances at each address.
    private var instances: [UInt32: Set<String>] = [:]
    /// The addresses of provider URLs, by interface.
    private var announced: [String: [UInt32]] = [:]
    private var announcements: [UInt32: Int] = [:]
    /// The instances that no provider URL announces, such as `shop/10.0.0.9:20880`.
    package private(set) var unannounced: Set<String> = []

    package init() {}

    package var isEmpty: Bool { instances.isEmpty }

    // MARK: Instances

    /// The instances of an application, as they registered.
    package func ids(of application: String) -> [String] { ids[application].map { Array($0) } ?? [] }

    /// Takes over all instances of all applications but the others.
    package mutating func replace(_ applications: [String: [String]], keeping others: Set<String>) {
        for application in ids.keys where applications[application] == nil && !others.contains(application) {
            replace([], of: application)
        }
        for (application, ids) in applications { replace(ids, of: application) }
    }

    /// Takes over all instances of an application.
    package mutating func replace(_ ids: [String], of application: String) {
        let wanted = Set(ids)
        for id in self.ids[application] ?? [] where !wanted.contains(id) { remove(id, of: application) }
        for id in ids { add(id, of: application) }
    }

    /// - Parameter id: `HOST:PORT`, as registered.
    package mutating func add(_ id: String, of application: String) {
        guard let address = Self.address(id) else { return }
        let name = "\(application)/\(id)"
        guard ids[application, default: []].insert(id).inserted else { return }
        instances[address, default: []].insert(name)
        if announcements[address] == nil { unannounced.insert(name) }
    }

    package mutating func remove(_ id: String, of application: String) {
        guard let address = Self.address(id) else { return }
        let name = "\(application)/\(id)"
        guard ids[application]?.remove(id) != nil else { return }
        if ids[application]?.isEmpty == true { ids[application] = nil }
        instances[address]?.remove(name)
        if instances[address]?.isEmpty == true { instances[address] = nil }
        unannounced.remove(name)
    }

    private static func address(_ id: String) -> UInt32? {
        guard let colon = id.lastIndex(of: ":"), let port = UInt16(id[id.index(after: colon)...]) else { return nil }
        let host = String(id[..<colon].drop { $0 == "[" }.prefix { $0 != "]" })
        return address(IPAddress(host).map { .address($0) } ?? .name(host.lowercased()), port)
    }

    private static func address(_ host: InstanceHost, _ port: UInt16) -> UInt32 {
        var hasher = Hasher()
        hasher.combine(host)
        hasher.combine(port)
        return UInt32(truncatingIfNeeded: hasher.finalize())
    }

    // MARK: Provider URLs

    /// Takes over all provider URLs of an interface.
    package mutating func announce(_ endpoints: some Sequence<Endpoint>, of interface: String) {
        let former = announced.removeValue(forKey: interface) ?? []
        let addresses = endpoints.map { Self.address($0.host, $0.port) }
        for address in addresses { increment(address) }
        for address in former { decrement(address) }
        announced[interface] = addresses.isEmpty ? nil : addresses
    }

    /// All other interfaces are gone.
    package mutating func withdraw(interfacesExcept interfaces: Set<String>) {
        for interface in announced.keys where !interfaces.contains(interface) {
            announce([Endpoint](), of: interface)
        }
    }

    package mutating func announce(_ endpoint: Endpoint, of interface: String) {
        let address = Self.address(endpoint.host, endpoint.port)
        announced[interface, default: []].append(address)
        increment(address)
    }

    package mutating func withdraw(_ endpoint: Endpoint, of interface: String) {
        let address = Self.address(endpoint.host, endpoint.port)
        guard var addresses = announced.removeValue(forKey: interface) else { return }
        if let index = addresses.lastIndex(of: address) {
            addresses.swapAt(index, addresses.count - 1)
            addresses.removeLast()
            decrement(address)
        }
        if !addresses.isEmpty { announced[interface] = addresses }
    }

    private mutating func increment(_ address: UInt32) {
        announcements[address, default: 0] += 1
        if announcements[address] == 1 { unannounced.subtract(instances[address] ?? []) }
    }

    private mutating func decrement(_ address: UInt32) {
        announcements[address, default: 1] -= 1
        guard announcements[address] == 0 else { return }
        announcements[address] = nil
        unannounced.formUnion(instances[address] ?? [])
    }
}
