internal import Catalog
internal import Logging
package import Status

extension Pipeline {
    /// Has a registry read again and again while its losses are held, for as long as the task runs: a hold ends by reads that agree.
    package func watchHolds(of registry: String) async {
        guard let guardPolicy, let begins = holdBegins[registry]?.stream else { return }
        for await _ in begins {
            while catalog.isHolding(registry), !Task.isCancelled {
                try? await Task.sleep(for: Hold.readInterval(guardPolicy), clock: clock)
                readRequests[registry]?.readEverything()
            }
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
        holdBegins[registry]?.continuation.yield()
        readRequests[registry]?.readEverything()
    }
}
