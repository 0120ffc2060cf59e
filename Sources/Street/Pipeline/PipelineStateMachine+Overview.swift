package import Catalog
package import Services
internal import Translation

/// What the pipeline tells of itself at one moment.
package struct PipelineOverview: Sendable {
    /// The deliveries that have not told yet what they hold.
    package var unseeded: Set<String>
    /// Whether services are delivered. A registry that can't be reached does not change that: its last good view is
    /// served.
    package var isReady: Bool
    package var registries: [CatalogStore.Report]
    /// The first problems, sorted by service.
    package var problems: [(service: ServiceID, problem: PipelineProblem)]
    /// What stands in the mesh for each registry.
    package var standing: [String: Standing]
    /// How many problems there are in all.
    package var problemCount: Int
    /// The services whose instances have names that are resolved, sorted.
    package var resolved: [ServiceID]
}

extension PipelineStateMachine {
    /// - Parameter problemLimit: How many problems to tell of.
    package func overview(problemLimit: Int) -> PipelineOverview {
        PipelineOverview(
            unseeded: phase.unseeded,
            isReady: phase.hasBegun && (hadSeeds || catalog.isComplete),
            registries: catalog.reports,
            problems: problems.sorted { $0.key < $1.key }.prefix(problemLimit).map {
                (service: $0.key, problem: $0.value)
            },
            standing: standing, problemCount: problems.count, resolved: assignments.resolvedServices.sorted())
    }

    /// What stands in the mesh for each registry, and as far as that is not decided, what stood there at the start.
    private var standing: [String: Standing] {
        var standing = table.standing
        for id in catalog.seededServices {
            // A decidable service has an entry.
            guard let key = key(of: id), table.entries[key] == nil else { continue }
            let service = catalog.lastGood(id)
            for name in service.registries {
                let count = service.instances.count { instance in
                    service.announcers[instance.endpoint].map { $0.contains(name) } ?? true
                }
                standing[name, default: Standing()].add(count)
            }
        }
        return standing
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
