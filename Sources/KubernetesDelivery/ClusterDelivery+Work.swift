package import Deliveries
package import IstioAPI
internal import JSON
internal import Kubernetes
package import Planning

// MARK: - One look, one change

extension ClusterDelivery {
    package func owned() async throws -> [ActualObject] {
        var objects: [ActualObject] = []
        let pages = client.list(
            try await resourceType(), namespace: namespace, labelSelector: ownership.labelSelector)
        for try await page in pages { objects += page.objects.map { ActualObject($0) } }
        return objects
    }

    package func object(_ key: ResourceKey) async throws -> ActualObject? {
        try await read(key, try await resourceType()).object
    }

    package func carryOut(_ change: Change, _ key: ResourceKey) async -> Attempt {
        do throws(KubernetesError) {
            return try await carryOut(change, key, try await resourceType()).attempt
        } catch {
            return attempt(after: error, key)
        }
    }
}

// MARK: - Bringing an object closer to what is wanted

extension ClusterDelivery {
    private static let fieldManager = "isthmus"

    /// An object, and what somebody else did to it.
    private struct Sighting {
        var object: ActualObject?
        /// As it was before somebody else changed or deleted it.
        var before: ActualObject?
        var rival: String?
    }

    /// What a change led to, and the object that the server stored.
    private typealias Step = (attempt: Attempt, stored: ActualObject?)

    func attempt(_ key: ResourceKey, _ wanted: Wanted, _ type: ResourceType) async -> Attempt {
        guard await mayAct() else { return .standby }
        do throws(KubernetesError) {
            let sighting = try await look(key, type)
            let change = Change.plan(desired: wanted.resource, actual: sighting.object, ownership: ownership)
            switch (change, wanted.resource) {
            case (.create, let desired?), (.patch, let desired?):
                return try await bring(desired, change, sighting, type)
            default:
                return try await carryOut(change, key, type).attempt
            }
        } catch {
            return attempt(after: error, key)
        }
    }

    /// Whether the object is not there, or somebody else changed it.
    func needsRepair(_ key: ResourceKey) -> Bool { cache[key].map(\.isForeign) ?? true }

    /// Writes, unless somebody else would only undo it again.
    private func bring(
        _ desired: ServiceEntry, _ change: Change, _ sighting: Sighting, _ type: ResourceType
    ) async throws(KubernetesError) -> Attempt {
        if let pause = contention.pause(
            before: desired, fields: change.fields, rival: sighting.rival, now: elapsed())
        {
            return .contested(reason: pause.reason, retryAfter: pause.rest)
        }
        let sent = elapsed()
        let (attempt, stored) = try await carryOut(change, desired.key, type)
        guard let stored else { return attempt }
        workers.wrote(desired.key, bytes: desired.endpointBytes, latency: elapsed() - sent)
        let isDrift = sighting.before.map { plan(desired, from: $0) == .none } ?? false
        let pause = contention.wrote(
            desired, isDrift: isDrift, alteredFields: plan(desired, from: stored).fields, rival: sighting.rival,
            now: elapsed())
        return pause.map { .contested(reason: $0.reason, retryAfter: $0.rest) } ?? attempt
    }

    private func plan(_ desired: ServiceEntry, from object: ActualObject) -> Change {
        .plan(desired: desired, actual: object, ownership: ownership)
    }

    /// The object as it is now: from the cache, or read anew where that is known to lag.
    private func look(_ key: ResourceKey, _ type: ResourceType) async throws(KubernetesError) -> Sighting {
        let lost = cache.takeLost(key)
        guard let known = cache[key] else { return Sighting(before: lost) }
        guard known.isOutdated else { return Sighting(object: known.object) }
        var sighting = try await read(key, type)
        if known.isForeign { sighting.before = known.object } else { sighting.rival = nil }
        return sighting
    }

    private func read(_ key: ResourceKey, _ type: ResourceType) async throws(KubernetesError) -> Sighting {
        let ticket = cache.ticket(key)
        do throws(KubernetesError) {
            let present = try await client.get(type, name: key.name, namespace: key.namespace)
            let object = ActualObject(present)
            cache.read(key, ownership.covers(object) ? object : nil, since: ticket)
            return Sighting(object: object, rival: present.rival(of: Self.fieldManager))
        } catch  where error.code == .notFound {
            cache.read(key, nil, since: ticket)
            return Sighting()
        }
    }

    /// Whether this replica leads is asked last of all, right before a request is sent that changes something.
    private func carryOut(
        _ change: Change, _ key: ResourceKey, _ type: ResourceType
    ) async throws(KubernetesError) -> Step {
        switch change {
        case .none:
            return (.done(nil), nil)
        case .conflict(let reason):
            return (.refused(reason: reason), nil)
        case .create(let entry):
            guard isLeading else { return standBy() }
            return try await create(entry, type)
        case .patch(_, let patch, let scope):
            guard isLeading else { return standBy() }
            guard let stored = try await send(patch, key, type) else { return (.outdated, nil) }
            return (.done(.updated(scope)), stored)
        case .delete(let actual):
            guard isLeading else { return standBy() }
            return (try await delete(actual, type), nil)
        }
    }

    private func standBy() -> Step {
        hasStoodBy = true
        return (.standby, nil)
    }

    private func create(_ entry: ServiceEntry, _ type: ResourceType) async throws(KubernetesError) -> Step {
        let body = entry.json(version: type.version)
        let ticket = cache.ticket(entry.key)
        do throws(KubernetesError) {
            let created = try await client.create(
                type, namespace: entry.key.namespace, body: body, fieldManager: Self.fieldManager, replying: .full)
            let stored = ActualObject(created)
            cache.wrote(stored, since: ticket)
            return (.done(.created), stored)
        } catch  where error.code == .alreadyExists {
            // Ours after all, where an earlier create's answer was lost; or somebody else's.
            guard let present = try await read(entry.key, type).object else { return (.outdated, nil) }
            switch plan(entry, from: present) {
            case .conflict(let reason): return (.refused(reason: reason), nil)
            case .none: return (.done(nil), nil)
            default: return (.outdated, nil)
            }
        }
    }

    /// The answer holds the object as it is stored, which may not be what was sent: webhooks and schemas have their say. Also of a large
    /// object, since it costs less to read than it cost to write.
    /// - Returns: `nil` when the object is gone.
    private func send(
        _ patch: JSONValue, _ key: ResourceKey, _ type: ResourceType
    ) async throws(KubernetesError) -> ActualObject? {
        let ticket = cache.ticket(key)
        do throws(KubernetesError) {
            let stored = ActualObject(
                try await client.mergePatch(
                    type, name: key.name, namespace: key.namespace, body: patch, fieldManager: Self.fieldManager,
                    replying: .full))
            cache.wrote(stored, since: ticket)
            return stored
        } catch  where error.code == .notFound {
            cache.invalidate(key)
            return nil
        }
    }

    private func delete(_ actual: ActualObject, _ type: ResourceType) async throws(KubernetesError) -> Attempt {
        do throws(KubernetesError) {
            try await client.delete(
                type, name: actual.key.name, namespace: actual.key.namespace, uid: actual.uid,
                resourceVersion: actual.resourceVersion)
            cache.removed(actual)
            return .done(.deleted)
        } catch  where error.code == .notFound {
            cache.invalidate(actual.key)
            return .outdated
        }
    }

    private func attempt(after error: KubernetesError, _ key: ResourceKey) -> Attempt {
        if error.isOutcomeUnknown { cache.invalidate(key) }
        if error.tellsOfLoad { workers.overloaded() }
        switch error.code {
        case .cancelled, .shutDown:
            return .abandoned
        case .conflict:
            cache.invalidate(key)
            return .outdated
        case .notFound, .forbidden, .invalid, .badRequest, .tooLarge:
            return .refused(reason: explanation(of: error))
        default:
            return .failed(reason: explanation(of: error), retryAfter: error.retryAfter)
        }
    }

    /// The error, and what to do about it where the server doesn't say.
    nonisolated func explanation(of error: KubernetesError) -> String {
        switch error.code {
        case .notFound:
            return "\(error); does the namespace '\(namespace)' exist?"
        case .forbidden where !error.isAboutContent:
            return "\(error); the bridge needs get, list, watch, create, patch and delete on "
                + "\(ServiceEntry.plural).\(ServiceEntry.group) in namespace '\(namespace)'"
        default:
            return "\(error)"
        }
    }
}

extension KubernetesError {
    /// Whether the server has more to do than it can.
    fileprivate var tellsOfLoad: Bool {
        [.tooManyRequests, .unavailable, .serverTimeout, .timedOut].contains(code)
    }

    /// Whether a refusal is for what was sent, or for the state of the namespace, and no permission would help.
    fileprivate var isAboutContent: Bool {
        ["denied the request", "is being terminated", "exceeded quota"].contains { message.contains($0) }
    }
}
