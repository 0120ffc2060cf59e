internal import IstioAPI

/// Which objects of somebody else have a host of ours. A pure state machine: it is told of lists, changes and failures
/// of several views.
///
/// A failure is never "nobody has it": what is known stays known, and of a view that was never read nothing is known
/// until the API server refuses it, or fails for too long.
struct ForeignHosts: Sendable {
    enum Answer: Sendable, Hashable {
        case free
        /// Not every view was read.
        case unknown
        /// The objects that have it.
        case taken([ForeignObject])
    }

    private enum Knowledge: Sendable, Hashable {
        /// The first list is awaited. The time is that of its first failure; monotonic.
        case awaited(failingSince: Duration?)
        case known
        /// It can't be read.
        case blind
    }

    private struct View: Sendable {
        var knowledge = Knowledge.awaited(failingSince: nil)
        var hosts: [ForeignObject.Name: [String]] = [:]
        var staged: [(object: ForeignObject, hosts: [String])]?
        var isFull = false
    }

    private struct Claim: Sendable {
        var view: ForeignView
        var object: ForeignObject
    }

    /// The objects of a view whose hosts are kept.
    static let limit = 100_000
    /// How long a first list may fail before creations don't wait for it any more.
    static let patience = Duration.seconds(30)

    let scope: HostScope
    private var views: [ForeignView: View]
    private var claims: [String: [Claim]] = [:]

    init(_ scope: HostScope, views: [ForeignView]) {
        self.scope = scope
        self.views = Dictionary(views.map { ($0, View()) }, uniquingKeysWith: { first, _ in first })
    }

    /// Whether nothing more is to be waited for.
    var isSettled: Bool {
        views.values.allSatisfy { view in
            if case .awaited = view.knowledge { false } else { true }
        }
    }

    /// Whether the domain of the hosts is a namespace of the cluster.
    var isDomainTaken: Bool { claims[scope.domain] != nil && !scope.domain.isEmpty }

    /// Whether a view has more objects than are kept.
    func isFull(_ view: ForeignView) -> Bool { views[view]?.isFull ?? false }

    /// Who else has the host of a ServiceEntry of ours.
    func owners(ofHostOf key: ResourceKey) -> Answer {
        let host = scope.host(of: key)
        var owners = scope.domain.isEmpty ? [] : (claims[scope.domain] ?? []).map(\.object)
        if let others = claims[host] {
            let ours = scope.service(key, created: "")
            owners += others.lazy.map(\.object).filter { object in
                // An object of the very name is a conflict of names.
                let isNamesake = object.name.namespace == key.namespace && object.name.name == key.name
                return !isNamesake && object.service(host).meets(ours, in: scope.mesh)
            }
        }
        if owners.isEmpty { return isSettled ? .free : .unknown }
        return .taken(Set(owners).sorted { $0.name < $1.name })
    }
}

// MARK: - Lists and watches

extension ForeignHosts {
    mutating func listBegins(_ view: ForeignView) {
        views[view]?.staged = []
        views[view]?.isFull = false
    }

    mutating func listed(_ view: ForeignView, _ object: ForeignObject, hosts: [String]) {
        if hosts.isEmpty { return }
        guard (views[view]?.staged?.count ?? 0) < Self.limit else {
            views[view]?.isFull = true
            return
        }
        views[view]?.staged?.append((object, hosts))
    }

    /// The list replaces all that was known of the view.
    /// - Returns: The hosts that others have now or had before.
    mutating func listComplete(_ view: ForeignView) -> Set<String> {
        guard let staged = views[view]?.staged.take() else { return [] }
        var changed: Set<String> = []
        for name in Array((views[view]?.hosts ?? [:]).keys) { changed.formUnion(remove(name, from: view)) }
        for (object, hosts) in staged { changed.formUnion(add(object, hosts, to: view)) }
        views[view]?.knowledge = .known
        return changed
    }

    /// - Returns: The hosts of which something changed.
    mutating func changed(_ view: ForeignView, _ object: ForeignObject, hosts: [String]) -> Set<String> {
        let before = views[view]?.hosts[object.name] ?? []
        let isSame =
            before == hosts
            && hosts.allSatisfy { host in
                claims[host]?.contains { $0.view == view && $0.object == object } ?? false
            }
        if isSame { return [] }
        return remove(object.name, from: view).union(add(object, hosts, to: view))
    }

    mutating func deleted(_ view: ForeignView, _ name: ForeignObject.Name) -> Set<String> {
        remove(name, from: view)
    }

    /// - Parameter isRefusal: Whether the server doesn't let us see the objects, or doesn't know them.
    mutating func interrupted(_ view: ForeignView, isRefusal: Bool, now: Duration) {
        guard case .awaited(let failingSince)? = views[view]?.knowledge else { return }
        let since = failingSince ?? now
        views[view]?.knowledge = isRefusal || now - since >= Self.patience ? .blind : .awaited(failingSince: since)
    }

    private mutating func add(_ object: ForeignObject, _ hosts: [String], to view: ForeignView) -> Set<String> {
        guard !hosts.isEmpty else { return [] }
        guard (views[view]?.hosts.count ?? 0) < Self.limit else {
            views[view]?.isFull = true
            return []
        }
        views[view]?.hosts[object.name] = hosts
        for host in hosts { claims[host, default: []].append(Claim(view: view, object: object)) }
        return Set(hosts)
    }

    private mutating func remove(_ name: ForeignObject.Name, from view: ForeignView) -> Set<String> {
        guard let hosts = views[view]?.hosts.removeValue(forKey: name) else { return [] }
        for host in hosts {
            claims[host]?.removeAll { $0.view == view && $0.object.name == name }
            if claims[host]?.isEmpty == true { claims[host] = nil }
        }
        return Set(hosts)
    }
}
