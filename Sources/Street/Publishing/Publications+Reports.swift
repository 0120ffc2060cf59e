package import IstioAPI

extension Publications {
    /// When `wake` is to be called; monotonic.
    package var nextWake: Duration? { removals.nextWake }

    package mutating func wake(now: Duration) -> Effects {
        var effects = Effects()
        take(removals.wake(standing: table.count, now: now), &effects)
        return effects
    }

    /// Lets go what is held.
    /// - Returns: `nil` where nothing is.
    package mutating func release() -> (released: [ResourceKey], effects: Effects)? {
        let held = removals.heldKeys
        if held.isEmpty { return nil }
        var effects = Effects()
        take(removals.release(), &effects)
        return (held, effects)
    }

    package struct Report: Sendable {
        package var name: String
        package var health: Health
        package var documents: Int
        package var objects: Int
        /// By document.
        package var problems: [(document: String, reason: String)]
        package var hold: RemovalGuard.Hold?
        package var held: [ResourceKey]
    }

    package var report: Report {
        var problems: [(document: String, reason: String)] = []
        for (name, document) in documents.sorted(by: { $0.key < $1.key }) {
            if let failure = document.failure { problems.append((name, failure + "; its last good version stays")) }
            problems += (document.problems + (collisions[name] ?? [])).map { (name, $0) }
        }
        if leftOut > 0 {
            problems.append(("\(leftOut) more documents", "only \(documentLimit) documents are read"))
        }
        return Report(
            name: name, health: health, documents: documents.count, objects: table.count, problems: problems,
            hold: removals.hold, held: removals.heldKeys)
    }

    /// Whether what it publishes is known, and nothing waits to be judged.
    package var isSettled: Bool { health == .healthy && removals.nextWake == nil }
}

extension Publications.Health {
    /// Whether there was a complete read.
    var isKnown: Bool {
        if case .starting = self { false } else { true }
    }
}
