internal import Concurrency
internal import Deliveries
internal import IstioAPI
internal import Kubernetes
internal import Logging
internal import Planning

// MARK: - The view of the cluster

extension ClusterDelivery {
    /// Keeps the caches by list and watch, and lists both kinds anew when the state machine wants that.
    func follow() async {
        var mustListAgain = true
        while mustListAgain {
            mustListAgain = await withTaskGroup(of: Bool.self) { race in
                race.addTask {
                    await withDiscardingTaskGroup { watches in
                        watches.addTask { await self.watch(.serviceEntry) }
                        watches.addTask { await self.watchWorkloads() }
                    }
                    return false
                }
                race.addTask { await self.mustListAgain() }
                defer { race.cancelAll() }
                return await race.next() ?? false
            }
        }
    }

    private nonisolated func mustListAgain() async -> Bool {
        for await _ in lists.stream { return true }
        return false
    }

    /// Without WorkloadEntries all goes on, with endpoints inline, unless there are services that have them.
    private func watchWorkloads() async {
        if !usesWorkloads, !state.followsWorkloads {
            guard await hasWorkloads() else { return await workloadsUnavailable() }
        }
        let type = await waitForResourceType(.workloadEntry) { await workloadsUnavailable() }
        if type != nil { await watch(.workloadEntry) }
    }

    private func workloadsUnavailable() async {
        await perform(state.workloadsUnavailable(isLeading: isLeading))
    }

    /// Whether there are WorkloadEntries of ours, as far as we may know.
    private func hasWorkloads() async -> Bool {
        var backoff = Backoff(from: .milliseconds(500), to: .seconds(30))
        while !Task.isCancelled {
            do throws(KubernetesError) {
                return try await !owned(.workloadEntry).isEmpty
            } catch {
                if error.code == .shutDown || error.isUnavailability { return false }
                try? await Task.sleep(for: backoff.next(), clock: clock)
            }
        }
        return false
    }

    private func watch(_ kind: ResourceKind) async {
        // As long as the server serves the version that was found.
        while !Task.isCancelled, let type = types[kind], await !watch(type, kind) {}
    }

    /// - Returns: Whether that is over for good, and not only for this version of the API.
    private func watch(_ type: ResourceType, _ kind: ResourceKind) async -> Bool {
        var watcher = client.watcher(
            type, namespace: namespace, labelSelector: ownership.labelSelector, listing: .full, watching: .metadataOnly)
        watcher.whenWatching = { [workers, viewLog] in
            workers.note(condition: nil, of: kind)
            viewLog.follows(kind)
        }
        for await event in watcher {
            switch event {
            case .listBegins:
                caches[kind]?.listBegins()
                state.listBegins(kind)
            case .object(let object):
                let actual = ActualObject(object, kind)
                caches[kind]?.listed(actual, now: stopwatch.elapsed)
                state.listed(actual, kind)
            case .listComplete:
                caches[kind]?.listComplete()
                await perform(state.listComplete(kind, isLeading: isLeading))
            case .changed(let object):
                let seen = ActualObject(object, kind)
                if caches[kind]?.observed(seen, now: stopwatch.elapsed) == true {
                    changedByOthers(seen.key)
                } else {
                    workers.queue.echoed()
                }
            case .deleted(let object):
                let key = object.key(kind)
                guard caches[kind]?.observedDeletion(key, uid: object.metadata.uid) == true else {
                    workers.queue.echoed()
                    break
                }
                // Nobody will ask for an object that another replica deleted.
                if !isLeading { _ = caches[kind]?.takeLost(key) }
                changedByOthers(key)
            case .interrupted(let error, let delay):
                let reason = explanation(of: error, kind)
                workers.note(condition: reason, of: kind)
                viewLog.tell("cluster view interrupted", .warning, of: kind, reason: reason, retryIn: delay)
                if kind == .workloadEntry, error.isUnavailability { await workloadsUnavailable() }
                if error.code == .notFound, await isServedOtherwise(type, kind) { return false }
            }
        }
        return true
    }

    private func changedByOthers(_ key: ResourceKey) {
        if isLeading { workers.add([key]) } else { state.changedByOthers(key.kind) }
    }
}
