internal import Catalog
package import Deliveries
package import IstioAPI
internal import Logging
package import Planning
internal import Translation

extension Pipeline: DesiredState {
    package func seed(_ objects: [ActualObject], from delivery: String) {
        let known = objects.sorted { $0.key < $1.key }.compactMap { OwnedService($0) }
        for service in known { assignments.seed(from: service) }
        unseeded.remove(delivery)
        carryOut(catalog.seed(known.map(\.seed), isLast: unseeded.isEmpty, now: now))
        guard unseeded.isEmpty else { return }
        translate(everyService)
        if catalog.isHealthy { decide() }
    }

    package func adopt(_ objects: [ActualObject]) {
        var others = Assignments()
        for service in objects.sorted(by: { $0.key < $1.key }).compactMap({ OwnedService($0) }) {
            others.seed(from: service)
        }
        assignments.adopt(others)
        let before = resources
        resources = [:]
        translate(everyService)
        tell(before.keys.filter { resources[$0] == nil })
    }

    var everyService: [ServiceID] {
        Set(catalog.serviceIDs).union(assignments.serviceIDs).sorted()
    }

    package func wanted(_ key: ResourceKey) -> Wanted {
        if let resource = resources[key] { return .present(resource) }
        // Only when everything is known and followed is what nobody asks for known to be unwanted.
        guard unseeded.isEmpty, catalog.isHealthy, assignments.service(ofObject: key.name) == nil else {
            undecided.insert(key)
            return .undecided
        }
        return .absent
    }

    package func everyKey() -> [ResourceKey] { Array(resources.keys) }

    package func delivered(_ receipt: Receipt) {
        logger.trace(
            "receipt", metadata: ["resource": "\(receipt.key)", "outcome": "\(receipt.outcome)"])
    }
}

// MARK: - For those who look once

extension Pipeline {
    /// Everything that should be, sorted.
    package var everyResource: [ServiceEntry] { resources.values.sorted { $0.key < $1.key } }

    /// Whether all registries were read completely, and twice where that is needed.
    package var isSettled: Bool { catalog.isComplete && catalog.isSettled }

    /// Hears the sources no more, once all registries were read and are followed: that a source loses its connection as it is
    /// stopped must not make undecided again what everything is known about.
    /// - Returns: Whether that is so.
    package func concludeIfSettled() -> Bool {
        isConcluded = isConcluded || isSettled && catalog.isHealthy
        return isConcluded
    }

    /// The registries that were not read completely or can't be followed, and why.
    package var unreadRegistries: [(name: String, reason: String)] {
        catalog.health.compactMap { registry, health in
            switch health {
            case .starting(let reason), .stale(let reason, _): (registry, reason)
            case .healthy, .removed: nil
            }
        }
    }
}
