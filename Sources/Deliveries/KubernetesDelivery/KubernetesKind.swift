package import Deliveries
package import Kubernetes
package import Settings

/// Clusters, to whose API servers resources are written.
package struct KubernetesKind: DeliveryKind {
    package init() {}

    package let keys: [ConfigurationKey] = [
        ConfigurationKey(
            "kubernetes",
            .list(of: [
                ConfigurationKey(
                    "kubeconfig", .text, "a file",
                    standard: "the pod's own cluster, else `$KUBECONFIG`, else `~/.kube/config`"
                ),
                ConfigurationKey("context", .text, "of the kubeconfig", standard: "its current one"),
                ConfigurationKey(
                    "pause", .time,
                    "how long nothing is written after a burst of writes, so that istiod pushes: longer than its"
                        + " `PILOT_DEBOUNCE_AFTER`; `0s` where `PILOT_ENABLE_EDS_DEBOUNCE` is `false`",
                    standard: "`130ms`"),
                ConfigurationKey(
                    "rootNamespace", .text,
                    "the mesh's `rootNamespace`: a DestinationRule there that matches bridged hosts is never hidden by ours",
                    standard: "`istio-system`"),
            ]),
            "clusters to write to; with neither this nor `directory`, the cluster at hand")
    ]

    package func deliveries(_ section: ConfigurationSection) throws -> [any DeliverySettings] {
        guard let entries = try section.mappings("kubernetes") else { return [] }
        var clusters: [ClusterSettings] = []
        for entry in entries {
            let context = try entry.string("context")
            var cluster = try ClusterSettings.detect(kubeconfig: try entry.string("kubeconfig"), context: context)
            if let pause = try entry.duration("pause") {
                guard pause <= .seconds(5) else { throw entry.failure("pause", "must be 5s at most") }
                cluster.pause = pause
            }
            if let namespace = try entry.string("rootNamespace") { cluster.rootNamespace = namespace }
            if clusters.contains(where: { $0.name == cluster.name }) {
                throw entry.failure("context", "another cluster has the context '\(cluster.name)' too")
            }
            clusters.append(cluster)
        }
        guard !clusters.isEmpty else { throw section.failure("kubernetes", "names no cluster") }
        return clusters
    }

    package func standard() throws -> (any DeliverySettings)? {
        try ClusterSettings.detect(kubeconfig: nil, context: nil)
    }
}

/// How a cluster is reached.
package struct ClusterSettings: DeliverySettings {
    package var name: String
    package var configuration: ClusterConfiguration
    /// How long nothing is written after a burst of writes.
    package var pause = ClusterDelivery.standardPause
    /// istiod's own, which holds the rules of the whole mesh.
    package var rootNamespace = ClusterDelivery.standardRootNamespace

    package init(name: String, configuration: ClusterConfiguration) {
        self.name = name
        self.configuration = configuration
    }

    /// The cluster of a kubeconfig's context, or the one at hand. It is called like the context.
    /// - Throws: `KubernetesError` for a kubeconfig that can't be used.
    package static func detect(kubeconfig: String?, context: String?) throws -> ClusterSettings {
        ClusterSettings(
            name: context ?? "default", configuration: try .detect(kubeconfig: kubeconfig, context: context))
    }

    package var namespace: String? { configuration.namespace }

    package var servesAmbient: Bool { true }

    package func memory(instance: String) -> DeliveryMemory { .objects }

    package func delivery(_ context: DeliveryContext) throws -> any Delivery {
        try ElectedDelivery(self, context)
    }
}
