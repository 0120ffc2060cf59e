package import IstioAPI

/// When the workers of a delivery may take up work, by what a write costs the other side.
///
/// The workers only ask. The delivery that passes the pacing in tells it what its writes cost.
package protocol WorkPacing: Sendable {
    /// How many workers there are. No more resources than that are ever under way at once.
    var workerCount: Int { get }

    /// Returns when the caller may take up another resource. The caller calls `leave` when that resource is done.
    /// - Returns: `false` after `finish`.
    func enter() async -> Bool

    func leave()

    /// How long the next write of a resource that keeps changing has to wait; `nil` when it may start at once.
    func delay(_ key: ResourceKey) -> Duration?

    /// The resource was deleted. Another one of its name has changed never before.
    func removed(_ key: ResourceKey)

    /// The workers end: `enter` returns `false` from now on.
    func finish()
}

/// A pacing that holds up nothing: each worker takes up the next resource at once.
package struct Unpaced: WorkPacing {
    package let workerCount: Int

    package init(workerCount: Int) {
        self.workerCount = workerCount
    }

    package func enter() async -> Bool { true }
    package func leave() {}
    package func delay(_ key: ResourceKey) -> Duration? { nil }
    package func removed(_ key: ResourceKey) {}
    package func finish() {}
}
