package import JSON

/// What istiod sends to the sidecars because of a change of one object.
///
/// The rules are those of istiod 1.31; `Tests/Fixtures/istiod/pushes.json` is what a real one sent. They hold for
/// ambient too, where ztunnels get the changed addresses beside that, and nothing else.
package enum IstiodPush: Hashable, Sendable, CustomStringConvertible {
    case nothing
    /// The endpoints of the object's hosts (EDS).
    case endpointsOnly
    /// Clusters, listeners, routes and names of all proxies.
    case full([Reason])

    package enum Reason: Hashable, Sendable, CustomStringConvertible {
        case appears
        case disappears
        /// istiod makes another service of it.
        case changed(ServiceTraits.Field)
        /// The endpoints of a DNS service are part of its clusters.
        case resolvedEndpoints
        /// Clusters carry the names which their endpoints may have.
        case serviceAccounts
        /// istiod hasn't seen an endpoint of the host before.
        case firstEndpoints
        /// A DestinationRule.
        case rule
        /// A VirtualService, a Sidecar or an EnvoyFilter.
        case configuration

        package var description: String {
            switch self {
            case .appears: "the service is new"
            case .disappears: "the service goes"
            case .changed(.labels): "metadata.labels change"
            case .changed(let field): "\(field.rawValue) changes"
            case .resolvedEndpoints: "endpoints of a DNS service change"
            case .serviceAccounts: "the set of service accounts changes"
            case .firstEndpoints: "the service gets its first endpoint"
            case .rule: "a DestinationRule changes"
            case .configuration: "the configuration of proxies changes"
            }
        }
    }

    package var description: String {
        switch self {
        case .nothing: "no push"
        case .endpointsOnly: "endpoints only"
        case .full(let reasons): "full push, because \(reasons.map(\.description).joined(separator: " and "))"
        }
    }

    package var isFull: Bool {
        if case .full = self { true } else { false }
    }
}

// MARK: - What is sent

extension IstiodPush {
    package enum Content: String, Hashable, Sendable, CaseIterable {
        case clusters = "Cluster"
        case endpoints = "ClusterLoadAssignment"
        case listeners = "Listener"
        case names = "NameTable"
    }

    /// The types of resources that every sidecar gets. Routes go with the listeners.
    package var contents: Set<Content> {
        switch self {
        case .nothing: []
        case .endpointsOnly: [.endpoints]
        case .full([.resolvedEndpoints]): [.clusters, .listeners, .names]
        case .full([.rule]): [.clusters, .endpoints, .listeners]
        case .full: Set(Content.allCases)
        }
    }
}

// MARK: - The price of a change

extension IstiodPush {
    /// What istiod knows of a host from elsewhere.
    package struct Surroundings: Hashable, Sendable {
        /// The service accounts of the host's other endpoints: those in other objects.
        package var serviceAccounts: Set<String>
        /// Whether other objects have endpoints of the host.
        package var hasEndpoints: Bool
        /// Whether istiod has seen an endpoint of the host since the service came and since istiod started.
        package var hasSeenEndpoints: Bool

        package init(
            serviceAccounts: Set<String> = [], hasEndpoints: Bool = false, hasSeenEndpoints: Bool = true
        ) {
            self.serviceAccounts = serviceAccounts
            self.hasEndpoints = hasEndpoints
            self.hasSeenEndpoints = hasSeenEndpoints
        }
    }

    /// The price of a change of a ServiceEntry. It looks at endpoints only where they differ.
    /// - Parameters:
    ///   - before: What stands; `nil` for nothing.
    ///   - after: What is wanted; `nil` for nothing.
    package static func serviceEntry(
        from before: ConfigObject?, to after: ConfigObject?, beside surroundings: Surroundings = Surroundings()
    ) -> IstiodPush {
        guard let before else { return after == nil ? .nothing : .full([.appears]) }
        guard let after else { return .full([.disappears]) }
        let traits = ServiceTraits(after)
        let changed = traits.differences(from: ServiceTraits(before))
        if !changed.isEmpty { return .full(changed.map { .changed($0) }) }
        let (old, new) = (before.inlineEndpoints, after.inlineEndpoints)
        if old == new { return .nothing }
        return endpoints(
            from: Endpoints(old), to: Endpoints(new), areResolved: traits.resolution.isResolvedByProxy,
            beside: surroundings)
    }

    /// The price of a change of a WorkloadEntry.
    /// - Parameter entries: The ServiceEntries of its namespace that may select it.
    package static func workloadEntry(
        from before: ConfigObject?, to after: ConfigObject?, among entries: [ConfigObject],
        beside surroundings: Surroundings = Surroundings()
    ) -> IstiodPush {
        if let before, let after, before.spec == after.spec, before.labels == after.labels { return .nothing }
        return entries.reduce(.nothing) { push, entry in
            let old = before.flatMap { entry.selects($0) ? $0.spec : nil }
            let new = after.flatMap { entry.selects($0) ? $0.spec : nil }
            if old == nil, new == nil { return push }
            return push.and(
                endpoints(
                    from: Endpoints(old.map { [$0] } ?? []), to: Endpoints(new.map { [$0] } ?? []),
                    areResolved: ServiceTraits(entry).resolution.isResolvedByProxy, beside: surroundings))
        }
    }

    /// The price of a change of a DestinationRule.
    package static func destinationRule(from before: ConfigObject?, to after: ConfigObject?) -> IstiodPush {
        before?.spec == after?.spec ? .nothing : .full([.rule])
    }

    /// The price of a change of a VirtualService, a Sidecar or an EnvoyFilter.
    package static func configuration(from before: ConfigObject?, to after: ConfigObject?) -> IstiodPush {
        before?.spec == after?.spec ? .nothing : .full([.configuration])
    }

    /// As far as they decide what is pushed.
    private struct Endpoints {
        var isEmpty: Bool
        var accounts: Set<String>

        init(_ endpoints: [JSONValue]) {
            isEmpty = endpoints.isEmpty
            accounts = Set(endpoints.compactMap { $0["serviceAccount"]?.string })
            accounts.remove("")
        }
    }

    private static func endpoints(
        from before: Endpoints, to after: Endpoints, areResolved: Bool, beside: Surroundings
    ) -> IstiodPush {
        if areResolved { return .full([.resolvedEndpoints]) }
        // istiod drops the accounts of a host without endpoints silently.
        if after.isEmpty, !beside.hasEndpoints { return .endpointsOnly }
        var reasons: [Reason] = []
        if before.accounts.union(beside.serviceAccounts) != after.accounts.union(beside.serviceAccounts) {
            reasons.append(.serviceAccounts)
        }
        if before.isEmpty, !beside.hasEndpoints, !beside.hasSeenEndpoints { reasons.append(.firstEndpoints) }
        return reasons.isEmpty ? .endpointsOnly : .full(reasons)
    }

    /// Both in one push, as istiod merges what comes before it pushes.
    package func and(_ other: IstiodPush) -> IstiodPush {
        switch (self, other) {
        case (.nothing, let push), (let push, .nothing): push
        case (.full(let left), .full(let right)): .full(left + right.filter { !left.contains($0) })
        case (.full, _): self
        default: other
        }
    }
}

extension ConfigObject {
    /// The endpoints that are part of a ServiceEntry.
    package var inlineEndpoints: [JSONValue] { spec["endpoints"]?.array ?? [] }

    /// Whether this ServiceEntry selects a WorkloadEntry. Labels of the metadata win over those of the `spec`.
    package func selects(_ workload: ConfigObject) -> Bool {
        guard workload.namespace == namespace, let selector = spec["workloadSelector"], selector != .null else {
            return false
        }
        let labels = workload.workloadLabels
        return (selector["labels"]?.strings ?? [:]).allSatisfy { labels[$0.key] == $0.value }
    }

    /// The labels of the endpoint that a WorkloadEntry stands for.
    package var workloadLabels: [String: String] {
        (spec["labels"]?.strings ?? [:]).merging(labels) { _, metadata in metadata }
    }
}
