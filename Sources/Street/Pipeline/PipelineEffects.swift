package import Catalog
package import IstioAPI
package import Services

/// The effects of one call of the state machine. Its owner performs them before the next call.
///
/// An empty array takes no memory, so a call that changes nothing allocates nothing.
package struct PipelineEffects: Sendable {
    /// A registry that is to be read again.
    package struct Read: Sendable, Hashable {
        package enum Extent: Sendable, Hashable {
            case everything
            /// Services, by name.
            case names(Set<String>)
        }

        package var registry: String
        package var extent: Extent
    }

    /// Resources that may have to look different, in any order. Every delivery is told of them.
    package var changed: [ResourceKey] = []
    package var reads: [Read] = []
    package var reports: [PipelineReport] = []
    /// Whether something changed that a snapshot holds.
    package var changesSnapshot = false
    /// Whether some registry is followed; `nil` where that is as it was.
    package var followsAny: Bool?

    package init() {}
}

/// An event of the pipeline that an operator wants to know of.
package enum PipelineReport: Sendable {
    /// A delivery became ready after the pipeline had begun.
    case deliveryReady(String)
    /// The pipeline began without these deliveries, sorted.
    case begunWithout([String])
    case holdBegan(registry: String, CatalogStore.HoldReport)
    case holdEnded(registry: String)
    /// An operator released what was held or left over.
    case holdReleased(registry: String, CatalogStore.Release)
    /// The service is not delivered as its registries describe it.
    case notDelivered(ServiceID, PipelineProblem)
}
