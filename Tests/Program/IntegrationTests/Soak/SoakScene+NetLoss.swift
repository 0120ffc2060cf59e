internal import IsthmusTesting
internal import JSON

extension SoakScene {
    /// What becomes of a net loss that is held.
    private enum Ending: CaseIterable {
        case released
        /// Those who were lost come back.
        case recovered
        /// The leader is killed meanwhile, and the standby holds on; then it is released.
        case releasedAfterSuccession
    }

    /// So many providers leave at once that it looks like a failure of the registry. Nothing else happens meanwhile.
    func loseMany(_ number: Int, _ generator: inout SeededGenerator) async throws {
        let ending = Ending.allCases[(number + Int(record.seed % 3)) % Ending.allCases.count]
        let isBlind = Bool.random(using: &generator)
        // What was lost before must not count.
        try await Task.sleep(for: .seconds(Self.guardWindow) + .milliseconds(500))
        let (lost, total, before) = record.update { state -> ([SoakProvider], Int, Set<String>) in
            let registry = state.registry
            let lost = registry.netLoss(using: &generator)
            let delivered = lost.filter { registry.serving($0.line).contains($0) }
            return (lost, registry.total, Set(delivered.map { "\($0.line) \($0.endpoint)" }))
        }
        record.log(fault: "net loss", ": \(lost.count) of \(total), \(isBlind ? "unseen" : "seen"); then \(ending)")
        // Unseen, it shows in one full read; otherwise in one event after the other, the first of which nobody can
        // suspect.
        if isBlind { for replica in replicas { try await replica.registryProxy.refuse() } }
        if isBlind { for replica in replicas { await replica.registryProxy.cut() } }
        try await perform(SoakRegistry.Change(name: "many leave", steps: lost.map { .remove($0) }))
        if isBlind { for replica in replicas { try await replica.registryProxy.heal() } }
        try await bothHold()
        try await noticeWhatIsHeld(lost, before, allowed: isBlind ? 0 : max(10, total / 5) + 1)
        record.update { $0.holds += 1 }
        // Long enough for more than one read of the registry.
        try await Task.sleep(for: .seconds(2))
        if ending == .releasedAfterSuccession { try await succeed() }
        try check()
        if ending != .recovered {
            try await bothHold()
            record.log("released by hand")
            record.update { $0.invariants.held = [:] }
            for replica in replicas { try await replica.release() }
        }
        // Whoever was let go before the hold comes back as somebody new, who takes the place of one that is held.
        if ending == .recovered, !isBlind { record.update { $0.invariants.held = [:] } }
        let change = record.update { state in
            ending == .recovered
                ? state.registry.recovery(of: lost, using: &generator)
                : SoakRegistry.Change(name: "nobody comes back", steps: [])
        }
        try await perform(change)
        try await calm()
        if ending == .recovered {
            record.update { $0.invariants.held = [:] }
        } else {
            let change = record.update { $0.registry.replacement(of: lost, using: &generator) }
            try await perform(change)
            try await calm()
        }
    }

    private func bothHold() async throws {
        for replica in replicas {
            try await eventually("replica \(replica.name) holds what was lost") {
                try await replica.status()
            } until: {
                $0.heldCount > 0 && $0["deliveries"]?.array?.first?["pending"] == 0
            }
        }
    }

    /// - Parameter allowed: How many may be gone that left before it looked like a failure.
    private func noticeWhatIsHeld(_ lost: [SoakProvider], _ before: Set<String>, allowed: Int) async throws {
        var present: [SoakLine: Set<String>] = [:]
        for object in try await cluster.objects() where object.isOfSoak {
            if let line = SoakLine(object) { present[line] = object.endpoints(of: line) }
        }
        let held = lost.filter {
            before.contains("\($0.line) \($0.endpoint)") && present[$0.line]?.contains($0.endpoint) == true
        }
        if before.count - held.count > allowed {
            record.wrong("of \(before.count) endpoints that were lost, only \(held.count) were held")
        }
        record.update { state in
            for provider in held { state.invariants.held[provider.line, default: []].insert(provider.endpoint) }
        }
    }

    /// The leader is killed; the other one leads, and the first one comes back.
    private func succeed() async throws {
        var leader: SoakReplica?
        for replica in replicas where try await replica.status().isLeading { leader = replica }
        guard let leader, let other = replicas.first(where: { $0 !== leader }) else { return }
        record.log("replica \(leader.name) is killed while it holds")
        leader.current.kill()
        _ = await leader.current.waitForExit()
        try await eventually("replica \(other.name) leads") { try await other.status().isLeading }
        try leader.restart()
        try await eventually("replica \(leader.name) answers") {
            try await leader.status()["ready"] == .bool(true)
        }
    }
}
