internal import IstioAPI
internal import Measuring

/// What a sidecar is told, and when: the writes that a watch has shown, pushed by the rules of istiod's debounce.
struct Sidecar: Sendable {
    /// A version of an object.
    private struct View {
        var write: WatchedCluster.Write
        var pushed: ContinuousClock.Instant
    }

    private let views: [String: [View]]
    let writeCount: Int
    let pushCount: Int

    init(_ writes: [WatchedCluster.Write], since start: ContinuousClock.Instant) {
        // What stood before is known to the sidecar.
        let earlier = writes.filter { $0.time < start }.map { View(write: $0, pushed: $0.time) }
        let later = writes.filter { $0.time >= start }
        let pushes = Debounce().pushes(after: later.map { Debounce.Write(at: start.duration(to: $0.time)) })
        let pushed = pushes.flatMap { push in
            push.writes.map { View(write: later[$0], pushed: start + push.time) }
        }
        views = Dictionary(grouping: earlier + pushed) { $0.write.service }
        writeCount = later.count
        pushCount = pushes.count
    }

    private func views(of service: Int) -> [View] { views[Registry.interface(service).lowercased()] ?? [] }

    /// How long after the change it was pushed; `nil` where no write shows it.
    func arrival(of change: Change) -> Duration? {
        let address = Stage.address(change.number)
        let shown = views(of: change.service)
        // What came and went between two writes was never there to be removed.
        if !change.isThere, !shown.contains(where: { $0.write.addresses.contains(address) }) { return nil }
        return
            shown
            .first { $0.write.time >= change.time && $0.write.addresses.contains(address) == change.isThere }
            .map { change.time.duration(to: $0.pushed) }
    }

    /// The addresses that a call may go to.
    func addresses(of service: Int, at time: ContinuousClock.Instant) -> Set<String> {
        views(of: service).last { $0.pushed <= time }?.write.addresses ?? []
    }
}
