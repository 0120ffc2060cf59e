internal import Deliveries
internal import IstioAPI
internal import JSON
internal import Logging
internal import Planning
internal import Synchronization

/// A delivery that does everything but write: it plans and encodes each resource, and keeps the hash of its bytes.
final class HashingDelivery: Delivery {
    private struct State {
        var hashes: [ResourceKey: Int] = [:]
        var bytes = 0
        var waiting: (count: Int, continuation: CheckedContinuation<Void, Never>)?
    }

    let name = "hashes"
    private let workers: DeliveryWorkers
    private let state = Mutex(State())
    private let ownership = Ownership(labels: [:], annotationPrefix: "isthmus.mesh/")
    /// Called for each delivered resource.
    private let observe: @Sendable (ServiceEntry) -> Void

    init(logger: Logger, observe: @escaping @Sendable (ServiceEntry) -> Void = { _ in }) {
        workers = DeliveryWorkers(name: name, pacing: .unpaced(workers: 2), logger: logger)
        self.observe = observe
    }

    func changed(_ keys: [ResourceKey]) { workers.add(keys) }
    func report(limit: Int) -> DeliveryReport { workers.report(limit: limit) }

    func run(desired: any DesiredState) async {
        await desired.seed([], from: name)
        await withTaskCancellationHandler {
            await workers.run(desired: desired) { [self] key, wanted in
                await carryOut(.plan(desired: wanted.resource, actual: nil, ownership: ownership), key)
            }
        } onCancel: {
            workers.queue.finish()
        }
    }

    private func carryOut(_ change: Change, _ key: ResourceKey) async -> Attempt {
        guard case .create(let entry) = change else { return .done(nil) }
        let bytes = entry.json(version: "v1beta1").bytes
        var hasher = Hasher()
        bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
        let hash = hasher.finalize()
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            if state.hashes.updateValue(hash, forKey: key) == nil { state.bytes += bytes.count }
            guard let waiting = state.waiting, state.hashes.count >= waiting.count else { return nil }
            state.waiting = nil
            return waiting.continuation
        }
        waiter?.resume()
        if case .serviceEntry(let entry) = entry { observe(entry) }
        return .done(nil)
    }

    /// Returns when this many resources were delivered.
    func waitForResources(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.hashes.count >= count { return true }
                state.waiting = (count, continuation)
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    /// The size of the resources' JSON at their first delivery, in bytes.
    var bytes: Int { state.withLock { $0.bytes } }
}
