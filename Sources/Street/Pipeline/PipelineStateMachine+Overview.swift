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
    package var problems: [(service: ServiceID, reason: String)]
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
                (service: $0.key, reason: $0.value)
            },
            problemCount: problems.count, resolved: assignments.resolvedServices.sorted())
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
