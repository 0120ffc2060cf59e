internal import Deliveries
internal import IstioAPI
internal import JSON
internal import Kubernetes
internal import Logging
internal import Planning

// MARK: - Objects that operators publish

/// A published object is read for each look, as a rule is: there are few, and they hardly ever change. A watch for each
/// kind and namespace in which they may stand tells when a look is due. The API server is asked first what it thinks of
/// a new version (a dry run); a version that it refuses is not written, and the last good one stays.
extension ClusterDelivery {
    /// Whether an object is a published one, or may have been.
    func isManifest(_ key: ResourceKey, _ wanted: Resource?) -> Bool {
        if case .manifest? = wanted { return true }
        if manifestKeys.contains(key) { return wanted == nil }
        // Nothing else of these kinds is ever wanted.
        switch key.kind {
        case .virtualService, .sidecar, .envoyFilter: return true
        case .serviceEntry, .workloadEntry, .destinationRule: return false
        }
    }

    /// Brings a published object closer to what is wanted.
    func attemptManifest(_ key: ResourceKey, _ wanted: Wanted) async -> Attempt {
        if wanted.resource != nil { manifestKeys.insert(key) }
        do throws(KubernetesError) {
            let change = try await manifestChange(key, wanted.resource)
            switch change {
            case .none:
                if wanted.resource == nil { forgetWait(key) }
                return .done(nil)
            case .conflict(let reason): return .refused(reason: reason)
            case .create, .patch, .delete: break
            }
            guard workers.queue.begin(.fullPush) else { return .held(.fullPush) }
            defer { workers.queue.end() }
            try await dryRun(change, key)
            return try await bring(change, key)
        } catch {
            return attempt(after: error, key)
        }
    }

    /// The change of a published object, as a one-shot reconcile plans it.
    func planManifest(_ key: ResourceKey, wanted: Resource?) async -> Change {
        do throws(KubernetesError) {
            let change = try await manifestChange(key, wanted)
            try await dryRun(change, key)
            return change
        } catch {
            return .conflict(reason: explanation(of: error, key.kind))
        }
    }

    private func manifestChange(_ key: ResourceKey, _ wanted: Resource?) async throws(KubernetesError) -> Change {
        let type = try await resourceType(key.kind)
        let actual: ActualObject?
        do throws(KubernetesError) {
            actual = ActualObject(try await client.get(type, name: key.name, namespace: key.namespace), key.kind)
        } catch  where error.code == .notFound {
            actual = nil
        }
        return Change.plan(desired: wanted, actual: actual, ownership: ownership)
    }

    /// Asks the API server, its validation and its webhooks what they think of a change.
    private func dryRun(_ change: Change, _ key: ResourceKey) async throws(KubernetesError) {
        let type = try await resourceType(key.kind)
        switch change {
        case .create(let resource):
            _ = try await client.create(
                type, namespace: key.namespace, body: resource.json(version: type.version),
                fieldManager: Self.fieldManager, isDryRun: true)
        case .patch(let actual, let patch):
            let precondition: JSONValue = ["metadata": ["resourceVersion": .string(actual.resourceVersion)]]
            _ = try await client.mergePatch(
                type, name: key.name, namespace: key.namespace, body: patch.applying(mergePatch: precondition),
                fieldManager: Self.fieldManager, isDryRun: true)
        case .none, .delete, .conflict: break
        }
    }

    /// The published objects that stand, beside those that other lists show. Where the bridge may not list a kind, the
    /// log says so.
    func ownedManifests() async throws(KubernetesError) -> [ActualObject] {
        var objects: [ActualObject] = []
        for place in manifests.places {
            let isListed = place.namespace == namespace && [.serviceEntry, .destinationRule].contains(place.kind)
            if isListed { continue }
            do throws(KubernetesError) {
                var pages = client.list(
                    try await resourceType(place.kind), namespace: place.namespace,
                    labelSelector: ownership.labelSelector
                ).makeAsyncIterator()
                while let page = try await pages.next() {
                    objects += page.objects.map { ActualObject($0, place.kind) }.filter(\.isPublished)
                }
            } catch  where error.isUnavailability {
                logger.error(
                    "published objects unknown: one that is no longer published stays",
                    metadata: [
                        "kind": "\(place.kind.rawValue)", "namespace": "\(place.namespace)",
                        "reason": "\(explanation(of: error, place.kind))",
                    ])
            }
        }
        manifestKeys.formUnion(objects.map(\.key))
        return objects
    }
}

// MARK: - Watches

extension ClusterDelivery {
    /// Watches the published objects, and tells the desired state which there are.
    func followManifests(_ desired: any DesiredState) async {
        await withDiscardingTaskGroup { watches in
            for place in manifests.places { watches.addTask { await self.follow(place, desired) } }
        }
    }

    private func follow(_ place: ManifestScope.Place, _ desired: any DesiredState) async {
        guard let type = await waitForResourceType(place.kind) else { return }
        var watcher = client.watcher(
            type, namespace: place.namespace, labelSelector: ownership.labelSelector, listing: .metadataOnly,
            watching: .metadataOnly)
        watcher.whenWatching = { [workers, viewLog] in
            // The conditions of these kinds are those of their own watches.
            if place.kind == .serviceEntry || place.kind == .workloadEntry { return }
            workers.note(condition: nil, of: place.kind)
            viewLog.follows(place.kind)
        }
        var listed: [ActualObject] = []
        for await event in watcher {
            switch event {
            case .listBegins: listed = []
            case .object(let object): listed += [ActualObject(object, place.kind)].filter(\.isPublished)
            case .listComplete:
                await found(listed, desired)
                listed = []
            case .changed(let object):
                let seen = ActualObject(object, place.kind)
                if seen.isPublished { await found([seen], desired) }
            case .deleted(let object):
                let key = object.key(place.kind)
                if manifestKeys.contains(key) { workers.add([key]) }
            case .interrupted(let error, let delay):
                let reason = explanation(of: error, place.kind)
                if place.kind != .serviceEntry { workers.note(condition: reason, of: place.kind) }
                viewLog.tell(
                    "published objects not followed", .warning, of: place.kind, reason: reason, retryIn: delay)
            }
        }
    }

    private func found(_ objects: [ActualObject], _ desired: any DesiredState) async {
        manifestKeys.formUnion(objects.map(\.key))
        await desired.found(objects)
        workers.add(objects.map(\.key))
    }
}

extension ActualObject {
    /// Whether it was published by an operator; see `DesiredState.found`.
    var isPublished: Bool { annotations["isthmus.mesh/configuration"] != nil }
}
