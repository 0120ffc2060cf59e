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
        try await read(key, try await resourceType())
    }

    package func carryOut(_ change: Change, _ key: ResourceKey) async -> Attempt {
        do throws(KubernetesError) {
            return try await carryOut(change, key, try await resourceType())
        } catch {
            return attempt(after: error, key)
        }
    }
}

// MARK: - Bringing an object closer to what is wanted

extension ClusterDelivery {
    private static let fieldManager = "isthmus"

    func attempt(_ key: ResourceKey, _ wanted: Wanted, _ type: ResourceType) async -> Attempt {
        do throws(KubernetesError) {
            let change = Change.plan(
                desired: wanted.resource, actual: try await current(key, type), ownership: ownership)
            return try await carryOut(change, key, type)
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
            return .refused(reason: reason)
        case .create(let entry):
            return try await create(entry, type)
        case .patch(let actual, let patch, let scope):
            let listCount = cache.listCount
            let written = try await client.mergePatch(
                type, name: key.name, namespace: key.namespace, body: patch, fieldManager: Self.fieldManager,
                replying: .metadataOnly)
            cache.wrote(
                actual.applying(patch, resourceVersion: written.metadata.resourceVersion),
                sentAt: listCount)
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
        let listCount = cache.listCount
        do throws(KubernetesError) {
            let created = try await client.create(
                type, namespace: entry.key.namespace, body: body, fieldManager: Self.fieldManager,
                replying: .metadataOnly)
            cache.wrote(
                ActualObject(
                    key: entry.key, uid: created.metadata.uid, resourceVersion: created.metadata.resourceVersion,
                    labels: entry.labels, annotations: entry.annotations, spec: entry.spec),
                sentAt: listCount)
            return .done(.created)
        } catch  where error.code == .alreadyExists {
            // Ours after all, where an earlier create's answer was lost; or somebody else's.
            guard let present = try await read(entry.key, type) else { return .outdated }
            let change = Change.plan(desired: entry, actual: present, ownership: ownership)
            if case .conflict(let reason) = change { return .refused(reason: reason) }
            return change == .none ? .done(nil) : .outdated
        }
    }

    private func attempt(after error: KubernetesError, _ key: ResourceKey) -> Attempt {
        if error.isOutcomeUnknown { cache.invalidate(key) }
        switch error.code {
        case .cancelled, .shutDown:
            return .abandoned
        case .conflict:
            cache.invalidate(key)
            return .outdated
        case .notFound where cache[key] != nil:
            cache.invalidate(key)
            return .outdated
        case .notFound:
            return .refused(reason: "\(error); does the namespace '\(key.namespace)' exist?")
        case .forbidden:
            return .refused(
                reason: "\(error); the bridge needs get, list, watch, create, patch and delete on "
                    + "\(ServiceEntry.plural).\(ServiceEntry.group) in namespace '\(key.namespace)'")
        case .invalid, .badRequest, .tooLarge:
            return .refused(reason: "\(error)")
        default:
            return .failed(reason: "\(error)", retryAfter: error.retryAfter)
        }
    }
}

extension APIObject {
    var key: ResourceKey { ResourceKey(namespace: metadata.namespace ?? "", name: metadata.name) }
}

extension ActualObject {
    init(_ object: APIObject) {
        self.init(
            key: object.key, uid: object.metadata.uid, resourceVersion: object.metadata.resourceVersion,
            labels: object.metadata.labels, annotations: object.metadata.annotations, spec: object.json["spec"] ?? [:])
    }
}
