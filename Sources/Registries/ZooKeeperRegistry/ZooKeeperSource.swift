package import Dubbo
package import Logging
package import Sources
package import ZooKeeper

/// A ZooKeeper ensemble in which Dubbo providers register, interface by interface.
package struct ZooKeeperSource: Source {
    package let name: String
    private let follower: RegistryFollower

    /// - Parameters:
    ///   - chroot: The client's chroot, for people; empty for none.
    ///   - root: Dubbo's root, below the client's chroot: `/dubbo`, or `/` when the chroot is the root.
    ///   - persistentWatches: Whether to try persistent watches, which need ZooKeeper 3.6. Older servers are
    ///     recognized.
    ///   - readsRulesLast: Whether the rules that stand beside providers are counted after a complete read rather than
    ///     before its end.
    package init(
        name: String, client: ZooKeeperClient, chroot: String = "", root: String, decoder: ProviderDecoder,
        persistentWatches: Bool = true, readsRulesLast: Bool = false, pauses: FollowerPauses = FollowerPauses(),
        clock: any Clock<Duration> = ContinuousClock(), logger: Logger
    ) {
        self.name = name
        let reader = ZooKeeperReader(
            client: client, layout: DubboLayout(root: root, chroot: chroot), decoder: decoder,
            watching: persistentWatches ? .tree : .lists, readsRulesLast: readsRulesLast, logger: logger)
        follower = RegistryFollower(reader: reader, pauses: pauses, clock: clock, logger: logger)
    }

    package func run(requests: ReadRequests, emit: @escaping @Sendable (SourceEvent) async -> Void) async {
        await follower.run(requests: requests, emit: emit)
    }
}
