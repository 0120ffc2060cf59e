internal import Dubbo
internal import Services
internal import Sources

/// What one answer about one service of Nacos says.
struct NacosReading: Sendable, Equatable {
    struct Unusable: Sendable, Equatable {
        /// `HOST:PORT`, as registered.
        var address: String
        var reason: String
    }

    var services: SourceEvent.Instances = [:]
    var unusable: [Unusable] = []
    /// Whether Nacos reports all instances as healthy because too few of them are.
    var isProtected = false
    /// What is left out, by instance.
    var leftOut: [InstanceKey: Set<UnreadRegistrations.Sort>] = [:]
    /// Where Dubbo providers serve.
    var providers: Set<Endpoint> = []
    /// The instances that a Dubbo application registered: `HOST:PORT`.
    var applicationInstances: [String] = []

    /// Whether there are instances, and none of them can be used.
    var isUnusable: Bool { services.isEmpty && !unusable.isEmpty }
}
