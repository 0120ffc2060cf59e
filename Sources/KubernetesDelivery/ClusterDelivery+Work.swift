internal import IstioAPI
internal import JSON
internal import Kubernetes
internal import Logging
internal import Planning

extension ClusterDelivery {
    static let fieldManager = "isthmus"

    /// What the attempt to deliver a key led to.
    private enum Attempt {
        /// As it should be; `nil` when nothing had to be done.
        case done(Receipt.Outcome?)
        /// What was known of the object was wrong: plan again.
        case outdated
        /// No repetition helps until something changes, but nothing may tell us of that change.
        case refused(String)
        case failed(KubernetesError)
    }

    /// One worker: takes keys until the queue is finished.
    func work(_ type: ResourceType, desired: any DesiredState) async {
        await withDiscardingTaskGroup { retries in
            while let (key, since) = await queue.next() {
                if let delay = await deliver(key, since: since, type, desired: desired) {
                    retries.addTask { [queue] in
                        try? await Task.sleep(for: delay)
                        queue.add(key)
                    }
                }
                queue.done(key)
            }
            retries.cancelAll()
        }
    }

    /// - Returns: When to try again, if that is needed.
    private func deliver(
        _ key: ResourceKey, since: ContinuousClock.Instant, _ type: ResourceType, desired: any DesiredState
    ) async -> Duration? {
        let attempt = await attempt(key, type, desired: desired)
        var outcome: Receipt.Outcome?
        var delay: Duration?
        let failed = failures[key] ?? 0
        switch attempt {
        case .done(let change):
            outcome = change
            failures[key] = nil
        case .outdated:
            // The first time it is nearly always a race that the next look settles.
            delay = failed == 0 ? .zero : RetryBackoff.delay(afterFailures: failed, ceiling: 30)
            failures[key] = failed + 1
        case .refused(let reason):
            delay = RetryBackoff.delay(afterFailures: failed + 2, ceiling: 300)
            outcome = .refused(reason: reason)
            failures[key] = failed + 1
        case .failed(let error) where error.code == .cancelled || error.code == .shutDown:
            // The bridge is stopping; its successor plans anew.
            break
        case .failed(let error):
            let backoff = RetryBackoff.delay(afterFailures: failed, ceiling: 60)
            delay = max(backoff, error.retryAfter ?? .zero)
            outcome = .failed(reason: "\(error)")
            failures[key] = failed + 1
        }
        if let outcome {
            let receipt = Receipt(key: key, delivery: name, outcome: outcome, elapsed: since.duration(to: .now))
            log(receipt, failuresBefore: failed, retryIn: delay)
            await desired.delivered(receipt)
        }
        return delay
    }

    private func attempt(_ key: ResourceKey, _ type: ResourceType, desired: any DesiredState) async -> Attempt {
        do throws(KubernetesError) {
            let wanted = await desired.wanted(key)
            if wanted == .undecided { return .done(nil) }
            var entry: ServiceEntry?
            if case .present(let resource) = wanted { entry = resource }
            return try await carryOut(
                .plan(desired: entry, actual: try await current(key, type), ownership: ownership), key, type)
        } catch {
            return attempt(after: error, key)
        }
    }

    /// The object as it is now: from the cache, or read anew where that is known to lag.
    private func current(_ key: ResourceKey, _ type: ResourceType) async throws(KubernetesError) -> ActualObject? {
        guard let known = cache[key] else { return nil }
        return known.isOutdated ? try await read(key, type) : known.object
    }

    private func read(_ key: ResourceKey, _ type: ResourceType) async throws(KubernetesError) -> ActualObject? {
        do throws(KubernetesError) {
            let object = ActualObject(try await client.get(type, name: key.name, namespace: key.namespace))
            cache.read(key, ownership.covers(object) ? object : nil)
            return object
        } catch  where error.code == .notFound {
            cache.read(key, nil)
            return nil
        }
    }

    private func carryOut(
        _ change: Change, _ key: ResourceKey, _ type: ResourceType
    ) async throws(KubernetesError) -> Attempt {
        switch change {
        case .none:
            return .done(nil)
        case .conflict(let reason):
            return .refused(reason)
        case .create(let entry):
            return try await create(entry, type)
        case .patch(let actual, let patch, let scope):
            let written = try await client.mergePatch(
                type, name: key.name, namespace: key.namespace, body: patch, fieldManager: Self.fieldManager,
                replying: .metadataOnly)
            cache.wrote(actual.applying(patch, resourceVersion: written.metadata.resourceVersion))
            return .done(.updated(scope))
        case .delete(let actual):
            try await client.delete(
                type, name: key.name, namespace: key.namespace, uid: actual.uid,
                resourceVersion: actual.resourceVersion)
            cache.read(key, nil)
            return .done(.deleted)
        }
    }

    private func create(_ entry: ServiceEntry, _ type: ResourceType) async throws(KubernetesError) -> Attempt {
        let body = entry.json(version: type.version)
        do throws(KubernetesError) {
            let created = try await client.create(
                type, namespace: entry.key.namespace, body: body, fieldManager: Self.fieldManager,
                replying: .metadataOnly)
            cache.wrote(
                ActualObject(
                    key: entry.key, uid: created.metadata.uid, resourceVersion: created.metadata.resourceVersion,
                    labels: entry.labels, annotations: entry.annotations, spec: entry.spec))
            return .done(.created)
        } catch  where error.code == .alreadyExists {
            // Ours after all, where an earlier create's answer was lost; or somebody else's.
            guard let present = try await read(entry.key, type) else { return .outdated }
            let change = Change.plan(desired: entry, actual: present, ownership: ownership)
            if case .conflict(let reason) = change { return .refused(reason) }
            return change == .none ? .done(nil) : .outdated
        }
    }

    private func attempt(after error: KubernetesError, _ key: ResourceKey) -> Attempt {
        if error.isOutcomeUnknown { cache.invalidate(key) }
        switch error.code {
        case .conflict:
            cache.invalidate(key)
            return .outdated
        case .notFound where cache[key] != nil:
            cache.invalidate(key)
            return .outdated
        case .notFound:
            return .refused("\(error); does the namespace '\(key.namespace)' exist?")
        case .forbidden:
            return .refused(
                "\(error); the bridge needs get, list, watch, create, patch and delete on "
                    + "\(ServiceEntry.plural).\(ServiceEntry.group) in namespace '\(key.namespace)'")
        case .invalid, .badRequest, .tooLarge:
            return .refused("\(error)")
        default:
            return .failed(error)
        }
    }

    private func log(_ receipt: Receipt, failuresBefore: Int, retryIn: Duration?) {
        var metadata: Logger.Metadata = ["resource": "\(receipt.key)"]
        switch receipt.outcome {
        case .created, .updated, .deleted:
            metadata["after"] = "\(receipt.elapsed.formattedMilliseconds) ms"
        case .refused(let reason), .failed(let reason):
            metadata["reason"] = "\(reason)"
            metadata["retryIn"] = retryIn.map { "\($0.formattedMilliseconds) ms" }
        }
        // A server that is down fails every object, again and again; once an object is enough for a reader.
        let trouble: Logger.Level = failuresBefore == 0 ? .error : .debug
        switch receipt.outcome {
        case .created: logger.info("created a ServiceEntry", metadata: metadata)
        case .updated(let scope):
            metadata["push"] = "\(scope)"
            logger.info("updated a ServiceEntry", metadata: metadata)
        case .deleted: logger.info("deleted a ServiceEntry", metadata: metadata)
        case .refused: logger.log(level: trouble, "a ServiceEntry is refused", metadata: metadata)
        case .failed: logger.log(level: trouble, "a ServiceEntry could not be written", metadata: metadata)
        }
    }
}

extension Duration {
    /// With one decimal: `12.3`.
    package var formattedMilliseconds: String {
        let tenths = Int64(self / .microseconds(100))
        return "\(tenths / 10).\(tenths % 10)"
    }
}
