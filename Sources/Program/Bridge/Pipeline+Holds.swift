internal import Catalog
internal import Logging
internal import Sources
package import Status

extension Pipeline {
    /// Has a registry read again and again while its losses are held, for as long as the task runs: a hold ends by reads that agree. From
    /// the end of each full read on, the registry is left alone for a while, and for ten times as long as that took.
    package func watchHolds(of registry: String) async {
        guard let reads = fullReads[registry]?.ended.stream else { return }
        for await read in reads {
            guard let interval = catalog.readInterval(registry) else { continue }
            let count = fullReads[registry]?.count
            let due = read.end + max(interval, read.duration * 10)
            if due > now { try? await Task.sleep(for: due - now, clock: clock) }
            if Task.isCancelled { return }
            // Another read, which somebody else has asked for meanwhile, does as well.
            if fullReads[registry]?.count == count { readRequests[registry]?.readEverything() }
        }
    }

    /// Notes how long a full read took, also one that broke off.
    func noteRead(_ event: SourceEvent, of registry: String) {
        switch event {
        case .begin:
            fullReads[registry]?.began = now
            fullReads[registry]?.count += 1
        case .complete, .interrupted:
            guard let began = fullReads[registry]?.began else { return }
            fullReads[registry]?.began = nil
            fullReads[registry]?.ended.continuation.yield((end: now, duration: now - began))
        case .services, .unreadable, .added, .removed: break
        }
    }

    /// Believes what a registry said, although it looked like a failure.
    /// - Returns: What was held; `nil` where nothing was.
    package func release(_ registry: String) -> HoldStatus? {
        guard let hold = catalog.report(on: registry)?.hold, let outcome = catalog.release(registry, now: now) else {
            return nil
        }
        logger.notice(
            "the losses of a registry are released by an operator",
            metadata: ["registry": "\(registry)", "was": "\(hold)"])
        held.remove(registry)
        carryOut(outcome)
        return HoldStatus(hold, now: now)
    }

    /// Tells when a hold begins or ends. What one registry says can also end what is held of another.
    func noticeHolds() {
        let holding = catalog.holding
        if holding == held { return }
        for registry in held.subtracting(holding) {
            logger.notice("nothing of a registry is held any more", metadata: ["registry": "\(registry)"])
        }
        let new = holding.subtracting(held)
        held = holding
        for registry in new.sorted() { holdBegan(registry) }
    }

    private func holdBegan(_ registry: String) {
        guard let hold = catalog.report(on: registry)?.hold else { return }
        let end =
            hold.remaining.map { "in \($0) if the registry, in good health, goes on saying so" }
            ?? "when the registry recovers"
        logger.critical(
            "the loss of instances looks like a failure of the registry; they stay in the mesh",
            metadata: [
                "registry": "\(registry)", "reason": "\(hold)",
                "released": "\(end), or by: isthmus release \(registry)",
            ])
        readRequests[registry]?.readEverything()
    }
}
