internal import Concurrency
package import Deliveries
package import IstioAPI
internal import JSON
internal import Kubernetes
package import Planning

// MARK: - One look, one change

extension ClusterDelivery {
    package func owned() async throws -> [ActualObject] {
        var entries: [ActualObject]
        do throws(KubernetesError) {
            entries = try await owned(.serviceEntry)
        } catch {
            throw advised(error, .serviceEntry)
        }
        standing = Dictionary(entries.map { ($0.key, $0.created) }, uniquingKeysWith: { $1 })
        entries += try await ownedRules() + ownedManifests()
        do throws(KubernetesError) {
            return entries + (try await owned(.workloadEntry))
        } catch {
            // An installation that has never used WorkloadEntries needs no permission for them.
            guard error.isUnavailability, !entries.contains(where: \.selectsWorkloads) else {
                throw advised(error, .workloadEntry)
            }
            return entries
        }
    }

    package func plan(_ key: ResourceKey, wanted: Resource?, held: ActualObject?) async -> Change {
        if isManifest(key, wanted) { return await planManifest(key, wanted: wanted) }
        if key.kind == .destinationRule { return await planRule(key, wanted: wanted) }
        let change = await planByName(key, wanted: wanted, held: held)
        return await planHost(key, change, isWanted: wanted != nil)
    }

    func owned(_ kind: ResourceKind) async throws(KubernetesError) -> [ActualObject] {
        var objects: [ActualObject] = []
        var pages = client.list(
            try await resourceType(kind), namespace: namespace, labelSelector: ownership.labelSelector
        ).makeAsyncIterator()
        while let page = try await pages.next() { objects += page.objects.map { ActualObject($0, kind) } }
        return objects
    }

    package func object(_ key: ResourceKey) async throws -> ActualObject? {
        do throws(KubernetesError) {
            return try await read(key).object
        } catch {
            guard key.kind == .workloadEntry, error.isUnavailability else { throw error }
            return nil
        }
    }

    package func carryOut(
        _ changes: [PlannedChange], report: @Sendable (PlannedChange, Attempt) async -> Void
    ) async {
        await EndpointOrder(changes).carryOut(
            width: 16, settleTime: moves.settleTime, by: { await self.carryOut($0.change, $0.key) }, report: report)
    }

    private func carryOut(_ change: Change, _ key: ResourceKey) async -> Attempt {
        do throws(KubernetesError) {
            return try await carryOutOnce(change, key).attempt
        } catch  where error.concernsOthers {
            // Nobody tries again.
            return .failed(reason: explanation(of: error, key.kind), retryAfter: error.retryAfter)
        } catch {
            return attempt(after: error, key)
        }
    }
}

// MARK: - Bringing an object closer to what is wanted

extension ClusterDelivery {
    static let fieldManager = "isthmus"

    /// An object, and what another writer did to it.
    private struct Observation {
        var object: ActualObject?
        /// The object before another writer changed or deleted it.
        var before: ActualObject?
        /// The other writer, by its field manager, where that is known.
        var writer: String?
    }

    /// What a change led to, and the object that the server stored.
    private typealias Step = (attempt: Attempt, stored: ActualObject?)

    func attempt(_ key: ResourceKey, _ wanted: Wanted, _ desired: any DesiredState) async -> Attempt {
        guard await mayAct() else { return .standby }
        // When WorkloadEntries can be followed again, all of them are looked at.
        if key.kind == .workloadEntry, !state.followsWorkloads { return .done(nil) }
        if isManifest(key, wanted.resource) { return await attemptManifest(key, wanted) }
        if key.kind == .destinationRule { return await attemptRule(key, wanted) }
        if let delay = delay(forHostOf: key, wanted) ?? delay(beforeLookAt: key, wanted) {
            return .waiting(nil, retryAfter: delay)
        }
        let next = nextWrite(key, wanted)
        guard let lane = next.lane else { return unchanged(key, wanted) }
        guard workers.queue.begin(lane) else { return .held(lane) }
        defer { workers.queue.end() }
        return await bring(key, to: wanted, next.plan, desired)
    }

    /// The outcome for an object that is as it should be. An object that is being deleted is made again when it is
    /// gone.
    private func unchanged(_ key: ResourceKey, _ wanted: Wanted) -> Attempt {
        if wanted.resource == nil { forgetWait(key) }
        guard wanted.resource != nil, known(key)?.isBeingDeleted == true else { return .done(nil) }
        return .refused(
            reason: "somebody deleted the object, and its finalizers keep it; it is made again when it is gone")
    }

    private func bring(
        _ key: ResourceKey, to wanted: Wanted, _ plan: PlannedWrite?, _ desired: any DesiredState
    ) async -> Attempt {
        do throws(KubernetesError) {
            let observation = if let plan { Observation(object: plan.object) } else { try await look(key) }
            // After the look, which may take its time, and right before the deletion.
            if wanted == .absent, let service = WorkloadEntry.serviceEntry(ofWorkload: key), observation.object != nil {
                guard let departure = await desired.departure(ofWorkload: key) else { return .outdated }
                if departure == .inline, let delay = delay(beforeDeletionFor: service) {
                    return .waiting(nil, retryAfter: delay)
                }
            }
            switch step(to: wanted.resource, from: observation.object) {
            case .leave(let delay): return .waiting(nil, retryAfter: delay)
            case .deliver(let resource, let delay):
                let planned = plan.flatMap { $0.resource == resource ? $0.change : nil }
                let attempt = try await bring(resource, key, observation, planned)
                if let delay { return attempt.waiting(delay) }
                if attempt == .done(nil) { return unchanged(key, wanted) }
                // The next look tells of a deletion under way.
                let isGoing = wanted.resource != nil && observation.object?.isBeingDeleted == true
                return isGoing ? attempt.waiting(.seconds(1)) : attempt
            }
        } catch {
            return attempt(after: error, key)
        }
    }

    /// Whether the object is not there, or somebody else changed it.
    func needsRepair(_ key: ResourceKey) -> Bool { known(key).map(\.isForeign) ?? true }

    private func bring(
        _ resource: Resource?, _ key: ResourceKey, _ observation: Observation, _ planned: Change?
    ) async throws(KubernetesError) -> Attempt {
        let change = planned ?? Change.plan(desired: resource, actual: observation.object, ownership: ownership)
        switch (change, resource) {
        case (.create, let desired?), (.patch, let desired?): return try await bring(desired, change, observation)
        default: return try await bring(change, key)
        }
    }

    /// Carries out a change that no field conflict can delay.
    func bring(_ change: Change, _ key: ResourceKey) async throws(KubernetesError) -> Attempt {
        let sent = stopwatch.elapsed
        let attempt = try await carryOutOnce(change, key).attempt
        if case .done(.some) = attempt { wrote(key, bytes: 0, since: sent) }
        return attempt
    }

    private func wrote(_ key: ResourceKey, bytes: Int, since sent: Duration) {
        workers.queue.wrote(key, WriteCost(bytes: bytes, latency: stopwatch.elapsed - sent))
    }

    /// The next step to what is wanted. A service that moves between the forms needs several steps.
    private func step(to resource: Resource?, from object: ActualObject?) -> EndpointMoves.Step {
        guard case .serviceEntry(let entry)? = resource else { return .deliver(resource, again: nil) }
        let workloads = cache(of: .workloadEntry)
        return moves.step(to: entry, from: object?.spec, isAvailable: state.followsWorkloads, now: stopwatch.elapsed) {
            key in
            guard let known = workloads[key], !known.isOutdated, !uncertain.contains(key) else { return nil }
            return known.shownSince
        }
    }

    /// A service on its way to WorkloadEntries is looked at once in a while only: a look costs in proportion to its
    /// size.
    private func delay(beforeLookAt key: ResourceKey, _ wanted: Wanted) -> Duration? {
        guard case .serviceEntry(let entry)? = wanted.resource, !entry.isInline, state.followsWorkloads,
            let known = known(key),
            !known.isOutdated, !uncertain.contains(key), !known.selectsWorkloads
        else { return nil }
        return moves.delay(beforeLookAt: key, now: stopwatch.elapsed)
    }

    /// A WorkloadEntry that is not wanted because its service becomes inline waits for that. The service may be there
    /// although we don't know it, as when somebody has removed the labels of its entry.
    private func delay(beforeDeletionFor service: ResourceKey) -> Duration? {
        let known = known(service).flatMap { $0.isOutdated || uncertain.contains(service) ? nil : $0 }
        return moves.delay(
            beforeDeletionFor: service, isInline: known.map { !$0.selectsWorkloads },
            isEchoed: known?.isEchoed == true, now: stopwatch.elapsed)
    }

    /// Writes, unless a field conflict delays the write.
    private func bring(
        _ desired: Resource, _ change: Change, _ observation: Observation
    ) async throws(KubernetesError) -> Attempt {
        if let delay = conflicts.delay(
            before: desired, fields: change.fields, writer: observation.writer, now: stopwatch.elapsed)
        {
            return .fieldConflict(reason: delay.reason, retryAfter: delay.duration)
        }
        let sent = stopwatch.elapsed
        let (attempt, stored) = try await carryOutOnce(change, desired.key)
        guard let stored else { return attempt }
        wrote(desired.key, bytes: desired.endpointBytes, since: sent)
        let isDrift = observation.before.map { plan(desired, from: $0) == .none } ?? false
        let delay = conflicts.wrote(
            desired, isDrift: isDrift, alteredFields: plan(desired, from: stored).fields, writer: observation.writer,
            now: stopwatch.elapsed)
        return delay.map { .fieldConflict(reason: $0.reason, retryAfter: $0.duration) } ?? attempt
    }

    private func plan(_ desired: Resource, from object: ActualObject) -> Change {
        .plan(desired: desired, actual: object, ownership: ownership)
    }

    /// The object as it is now: from the cache, or read anew where the cache may lag.
    private func look(_ key: ResourceKey) async throws(KubernetesError) -> Observation {
        let lost = caches[key.kind]?.takeLost(key)
        let known = known(key)
        let isUncertain = uncertain.contains(key)
        guard known?.isOutdated == true || isUncertain else {
            return Observation(object: known?.object, before: known == nil ? lost : nil)
        }
        var observation = try await read(key)
        // What looks like another writer's change may be our own write of unknown outcome.
        let isForeign = !isUncertain && known?.isForeign == true
        observation.before = isForeign ? known?.object : nil
        if !isForeign { observation.writer = nil }
        return observation
    }

    private func read(_ key: ResourceKey) async throws(KubernetesError) -> Observation {
        let type = try await resourceType(key.kind)
        let ticket = cache(of: key.kind).ticket(key)
        do throws(KubernetesError) {
            let present = try await client.get(type, name: key.name, namespace: key.namespace)
            let object = ActualObject(present, key.kind)
            caches[key.kind]?.read(key, ownership.covers(object) ? object : nil, since: ticket)
            uncertain.remove(key)
            return Observation(object: object, writer: present.lastWriter(otherThan: Self.fieldManager))
        } catch  where error.code == .notFound {
            caches[key.kind]?.read(key, nil, since: ticket)
            uncertain.remove(key)
            return Observation()
        }
    }

    /// Whether this replica leads is asked last of all, right before a request is sent that changes something.
    private func carryOutOnce(
        _ change: Change, _ key: ResourceKey
    ) async throws(KubernetesError) -> Step {
        switch change {
        case .none:
            return (.done(nil), nil)
        case .conflict(let reason):
            return (.refused(reason: reason), nil)
        case .create(let resource):
            // Nothing is known of the object before the answer comes.
            return try await write(key, leavesDoubt: false) { () throws(KubernetesError) in
                try await create(resource, push(for: change, key))
            }
        case .patch(let actual, let patch):
            return try await write(key, leavesDoubt: key.kind == .serviceEntry) { () throws(KubernetesError) in
                guard let stored = try await send(patch, to: actual) else { return (.outdated, nil) }
                return (.done(.updated(push(for: change, key))), stored)
            }
        case .delete(let actual):
            return try await write(key, leavesDoubt: true) { () throws(KubernetesError) in
                (try await delete(actual, push(for: change, key)), nil)
            }
        }
    }

    /// What istiod pushes for a change. An entry that selects nothing is not looked at: it may be large.
    func push(for change: Change, _ key: ResourceKey) -> IstiodPush {
        let entry = WorkloadEntry.serviceEntry(ofWorkload: key).flatMap(known)
        return change.push(selectedBy: entry.flatMap { $0.selectsWorkloads ? $0.object.configObject : nil })
    }

    /// - Parameter leavesDoubt: Whether an endpoint that the cache shows may be gone until the outcome is known.
    private func write(
        _ key: ResourceKey, leavesDoubt: Bool, _ request: () async throws(KubernetesError) -> Step
    ) async throws(KubernetesError) -> Step {
        // An attempt that began before the takeover does not know what the other replica left.
        guard writeMayBegin() else { return (.standby, nil) }
        defer { writeEnds() }
        if leavesDoubt { uncertain.insert(key) }
        do throws(KubernetesError) {
            let step = try await request()
            uncertain.remove(key)
            if step.stored != nil { endWait(key) }
            return step
        } catch {
            // The next look at the object tells what came of the write.
            if !error.isOutcomeUnknown { uncertain.remove(key) }
            throw error
        }
    }

    private func create(_ resource: Resource, _ push: IstiodPush) async throws(KubernetesError) -> Step {
        let key = resource.key
        let type = try await resourceType(key.kind)
        let body = resource.json(version: type.version)
        let ticket = cache(of: key.kind).ticket(key)
        do throws(KubernetesError) {
            let created = try await client.create(
                type, namespace: key.namespace, body: body, fieldManager: Self.fieldManager, replying: .full)
            let stored = ActualObject(created, key.kind)
            caches[key.kind]?.wrote(stored, since: ticket)
            return (.done(.created(push)), stored)
        } catch  where error.code == .alreadyExists {
            // The object is ours where the answer to an earlier create was lost. Otherwise it is somebody else's.
            guard let present = try await read(key).object else { return (.outdated, nil) }
            switch plan(resource, from: present) {
            case .conflict(let reason): return (.refused(reason: reason), nil)
            case .none: return (.done(nil), nil)
            default: return (.outdated, nil)
            }
        }
    }

    /// The answer holds the object as it is stored, which webhooks and schemas may have changed. A large object is
    /// answered in full, too: to read it costs less than it cost to write.
    /// - Returns: `nil` when the object is gone.
    private func send(_ patch: JSONValue, to actual: ActualObject) async throws(KubernetesError) -> ActualObject? {
        let key = actual.key
        let type = try await resourceType(key.kind)
        let ticket = cache(of: key.kind).ticket(key)
        let precondition: JSONValue = ["metadata": ["resourceVersion": .string(actual.resourceVersion)]]
        do throws(KubernetesError) {
            let stored = ActualObject(
                try await client.mergePatch(
                    type, name: key.name, namespace: key.namespace,
                    body: patch.applying(mergePatch: precondition), fieldManager: Self.fieldManager,
                    replying: .full), key.kind)
            caches[key.kind]?.wrote(stored, since: ticket)
            return stored
        } catch  where error.code == .notFound {
            caches[key.kind]?.invalidate(key)
            return nil
        }
    }

    private func delete(_ actual: ActualObject, _ push: IstiodPush) async throws(KubernetesError) -> Attempt {
        let key = actual.key
        let type = try await resourceType(key.kind)
        do throws(KubernetesError) {
            try await client.delete(
                type, name: key.name, namespace: key.namespace, uid: actual.uid,
                resourceVersion: actual.resourceVersion)
            caches[key.kind]?.removed(actual)
            moves.forget(key)
            forgetWait(key)
            return .done(.deleted(push))
        } catch  where error.code == .notFound {
            caches[key.kind]?.invalidate(key)
            return .outdated
        }
    }

    func attempt(after error: KubernetesError, _ key: ResourceKey) -> Attempt {
        if error.isOutcomeUnknown { caches[key.kind]?.invalidate(key) }
        if error.tellsOfLoad { workers.queue.overloaded() }
        if error.concernsOthers { return wait(for: error, key) }
        switch error.code {
        case .cancelled, .shutDown:
            return .abandoned
        case .conflict:
            caches[key.kind]?.invalidate(key)
            return .outdated
        case .notFound, .forbidden, .invalid, .badRequest, .tooLarge:
            return .refused(reason: explanation(of: error, key.kind))
        default:
            return .failed(reason: explanation(of: error, key.kind), retryAfter: error.retryAfter)
        }
    }

    /// The error, and what to do about it where the server doesn't say.
    nonisolated func explanation(of error: KubernetesError, _ kind: ResourceKind) -> String {
        "\(advised(error, kind))"
    }

    private nonisolated func advised(_ error: KubernetesError, _ kind: ResourceKind) -> KubernetesError {
        let advice: String
        switch error.code {
        case .notFound where error.missing == .namespace: advice = "create the namespace '\(namespace)'"
        case .notFound where error.missing == .resourceType: advice = "install Istio's CRDs"
        case .forbidden where error.isPermissionMissing:
            advice =
                "the bridge needs get, list, watch, create, patch and delete on \(kind.plural).\(ResourceKind.group) in "
                + "namespace '\(namespace)'; docs/configuration.md has the Role"
        case .unauthorized: advice = "check the user of the kubeconfig's context, or the pod's service account"
        default: return error
        }
        var error = error
        error.message += "; \(advice)"
        return error
    }
}

extension KubernetesError {
    /// Whether the server has more to do than it can.
    fileprivate var tellsOfLoad: Bool {
        [.tooManyRequests, .unavailable, .serverTimeout, .timedOut].contains(code)
    }

    /// Whether the server doesn't know the kind, or doesn't let us see it.
    var isUnavailability: Bool { code == .notFound || code == .forbidden }
}

extension Attempt {
    /// This, and another look later where nothing calls for an earlier one.
    fileprivate func waiting(_ duration: Duration) -> Attempt {
        if case .done(let outcome) = self { .waiting(outcome, retryAfter: duration) } else { self }
    }
}
