internal import Dubbo
internal import Services
internal import Sources

/// The providers of one interface, as a read of its list shows them.
struct ProviderList {
    struct Unusable {
        var node: String
        var reason: String
    }

    private struct Place: Hashable {
        var service: ServiceID
        var endpoint: Endpoint
    }

    private var services: SourceEvent.Instances = [:]
    private(set) var unusable: [Unusable] = []
    /// Whether each of them is known to be none that was carried before.
    private var areUnderstood = true
    /// What is left out, by znode.
    private(set) var leftOut: [InstanceKey: Set<UnreadRegistrations.Sort>] = [:]
    private var places: Set<Place> = []
    /// The places that several znodes announce.
    private var repeated: Set<Place> = []
    private var unusableEndpoints: [Endpoint] = []

    mutating func add(_ node: String, _ outcome: ProviderDecoder.Outcome) {
        let key = InstanceKey(node)
        switch outcome {
        case .provider(let provider):
            for service in provider.services {
                services[service, default: [:]][key] = provider.instance
                let place = Place(service: service, endpoint: provider.instance.endpoint)
                if !places.insert(place).inserted { repeated.insert(place) }
            }
            if !provider.otherProtocols.isEmpty { leftOut[key] = provider.leftOut }
        case .ignored:
            break
        case .unusable(let provider):
            unusable.append(Unusable(node: node, reason: provider.reason))
            if !provider.isUnderstood { areUnderstood = false }
            leftOut[key] = provider.leftOut
            if let endpoint = provider.endpoint { unusableEndpoints.append(endpoint) }
        }
    }

    /// Providers of other protocols, or at addresses that lead nowhere, are no providers. Where one can't be understood
    /// at all, it may be any of those that were there before.
    var content: Reading.Content {
        services.isEmpty && !areUnderstood
            ? .unusable(reason: Self.reason(unusable)) : .services(services)
    }

    private static func reason(_ unusable: [Unusable]) -> String {
        let reason = unusable.first.map { $0.reason } ?? ""
        return unusable.count == 1
            ? "its only provider can't be used: \(reason)"
            : "none of its \(unusable.count) providers can be used; the first: \(reason)"
    }

    /// Where the providers serve, each once.
    var endpoints: Set<Endpoint> {
        var endpoints = Set(places.lazy.map(\.endpoint))
        endpoints.formUnion(unusableEndpoints)
        return endpoints
    }

    // MARK: Order

    var hasRepetitions: Bool { !repeated.isEmpty }

    /// Whether another znode announces an endpoint of this provider too.
    func isRepeated(_ provider: Provider) -> Bool {
        provider.services.contains {
            repeated.contains(Place(service: $0, endpoint: provider.instance.endpoint))
        }
    }

    /// Orders the registrations of each endpoint by their creation.
    /// - Parameter created: The transaction that created the znode, of each that is repeated and still there.
    mutating func order(created: [InstanceKey: Int64]) {
        for place in repeated {
            let keys = (services[place.service] ?? [:]).filter { $0.value.endpoint == place.endpoint }.keys
            let ordered = keys.sorted { (created[$0] ?? 0, $0) < (created[$1] ?? 0, $1) }
            for (index, key) in ordered.enumerated() {
                services[place.service]?[key]?.succession = UInt16(clamping: index)
            }
        }
    }
}
