package import JSON

/// An object of Istio's as an operator published it. Isthmus owns the object, and decides on nothing in its `spec`.
package struct Manifest: Hashable, Sendable {
    package var key: ResourceKey
    package var labels: [String: String]
    package var annotations: [String: String]
    package var spec: JSONValue

    package init(
        key: ResourceKey, labels: [String: String] = [:], annotations: [String: String] = [:], spec: JSONValue
    ) {
        self.key = key
        self.labels = labels
        self.annotations = annotations
        self.spec = spec
    }

    /// The hosts whose traffic the object decides on.
    package var hosts: [String] {
        switch key.kind {
        case .serviceEntry, .virtualService: spec["hosts"]?.texts ?? []
        case .destinationRule: spec["host"]?.string.map { [$0] } ?? []
        case .workloadEntry, .sidecar, .envoyFilter: []
        }
    }

    /// The gateways at which the object decides on traffic, beside the sidecars (`mesh`).
    package var gateways: [String] {
        guard key.kind == .virtualService else { return [] }
        let http = spec["http"]?.array ?? []
        let matches = (http + (spec["tcp"]?.array ?? []) + (spec["tls"]?.array ?? [])).flatMap { route in
            (route["match"]?.array ?? []).flatMap { $0["gateways"]?.texts ?? [] }
        }
        return ((spec["gateways"]?.texts ?? []) + matches).filter { $0 != "mesh" }
    }
}

// MARK: - Validation

extension Manifest {
    /// What istiod or the API server would certainly refuse. They know more rules than these.
    package var violations: [Violation] {
        var found = metadataViolations(key, labels, annotations)
        func check(_ holds: Bool, _ field: String, _ reason: @autoclosure () -> String) {
            if !holds { found.append(Violation(field: field, reason: reason())) }
        }
        check(spec.object != nil, "spec", "it is missing")
        switch key.kind {
        case .serviceEntry:
            check(!hosts.isEmpty, "spec.hosts", "at least one host is needed")
            let ports = spec["ports"]?.array ?? []
            check(
                ports.allSatisfy { $0["number"]?.portNumber != nil }, "spec.ports", "a port has no number up to 65535")
            let names = ports.compactMap { $0["name"]?.string }
            check(Set(names).count == ports.count, "spec.ports", "each port needs a name of its own")
        case .virtualService:
            check(!hosts.isEmpty, "spec.hosts", "at least one host is needed")
            let routes = ["http", "tcp", "tls"].flatMap { spec[$0]?.array ?? [] }
            check(!routes.isEmpty, "spec", "at least one of http, tcp and tls needs a route")
        case .destinationRule:
            check(spec["host"]?.string?.isEmpty == false, "spec.host", "a host is needed")
            let subsets = spec["subsets"]?.array ?? []
            let names = Set(subsets.compactMap { $0["name"]?.string })
            check(names.count == subsets.count, "spec.subsets", "each subset needs a name of its own")
        case .sidecar:
            let hosts = (spec["egress"]?.array ?? []).flatMap { $0["hosts"]?.texts ?? [] }
            check(hosts.allSatisfy { $0.contains("/") }, "spec.egress", "a host is not of the form NAMESPACE/HOST")
        case .envoyFilter:
            check(spec["configPatches"]?.array?.isEmpty == false, "spec.configPatches", "at least one is needed")
        case .workloadEntry:
            check(spec["address"]?.string?.isEmpty == false, "spec.address", "an address is needed")
        }
        if key.kind != .sidecar { found += exportViolations(spec["exportTo"]?.texts ?? [], of: key) }
        return found
    }
}
