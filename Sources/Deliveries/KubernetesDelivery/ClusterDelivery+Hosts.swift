internal import Concurrency
internal import Deliveries
package import IstioAPI
internal import Kubernetes
internal import Logging
internal import Planning

// MARK: - Hosts that others have

/// Of two objects with one host istiod joins hardly any, and the younger one's calls are lost. So nothing is added to
/// what somebody else has: a creation waits until the other object is gone. What stands goes on being updated.
extension ClusterDelivery {
    /// A wait for what the watches tell of. The time is for the case that they don't.
    private static let hostWait = Duration.seconds(300)

    /// Notes who else has the host of the resource, if it is one of a service.
    /// - Returns: How long its creation waits; `nil` where it has not to wait.
    func delay(forHostOf key: ResourceKey, _ wanted: Wanted) -> Duration? {
        guard let foreign, let service = key.kind == .serviceEntry ? key : WorkloadEntry.serviceEntry(ofWorkload: key)
        else { return nil }
        let standing = known(service)
        guard wanted.resource != nil else {
            endHostWait(of: key, service)
            return nil
        }
        switch foreign.owners(ofHostOf: service) {
        case .free:
            if key == service { hostConflicts.end(service) }
            return nil
        case .unknown:
            if standing != nil || known(key) != nil { return nil }
        case .taken(let owners):
            if key == service {
                hostConflicts.begin(
                    HostConflict(key: service, created: standing?.created, owners: owners, scope: foreign.scope))
            }
            if standing != nil || known(key) != nil { return nil }
        }
        hostWaiters[service, default: []].insert(key)
        return Self.hostWait
    }

    private func endHostWait(of key: ResourceKey, _ service: ResourceKey) {
        hostWaiters[service]?.remove(key)
        if hostWaiters[service]?.isEmpty == true { hostWaiters[service] = nil }
        if key == service { hostConflicts.end(key) }
    }

    /// Looks at the resources of these hosts again.
    private func hostsChanged(_ hosts: Set<String>) {
        guard let foreign else { return }
        hostConflicts.setDomainTaken(foreign.isDomainTaken, foreign.scope.domain)
        // A namespace has all hosts of its domain.
        if hosts.contains(foreign.scope.domain) { return lookAtAllHosts() }
        for key in hosts.lazy.compactMap(foreign.scope.key(ofHost:)) {
            // The entry itself too: its creation may be under way, so that it is not known yet.
            workers.add((hostWaiters.removeValue(forKey: key) ?? []).union([key]))
        }
    }

    private func lookAtAllHosts() {
        workers.add(cache(of: .serviceEntry).keys, isInBackground: true)
        endHostWaits()
    }

    private func endHostWaits() {
        for keys in hostWaiters.values { workers.add(keys) }
        hostWaiters = [:]
    }
}

// MARK: - The views

extension ClusterDelivery {
    /// Follows all objects that may have a host of ours, as far as that is permitted.
    func followForeignHosts() async {
        guard let foreign else { return }
        await withDiscardingTaskGroup { group in
            for view in foreign.scope.views(ownership) { group.addTask { await self.follow(view) } }
        }
    }

    private func follow(_ view: ForeignView) async {
        while !Task.isCancelled {
            guard let type = foreignType(view), await !follow(view, type) else { return }
        }
    }

    private func foreignType(_ view: ForeignView) -> ResourceType? {
        switch view.subject {
        case .serviceEntry: types[.serviceEntry]
        case .service: ResourceType(group: "", version: "v1", plural: "services", kind: "Service")
        case .namespace: ResourceType(group: "", version: "v1", plural: "namespaces", kind: "Namespace")
        }
    }

    /// - Returns: Whether that is over for good, and not only for this version of the API.
    private func follow(_ view: ForeignView, _ type: ResourceType) async -> Bool {
        var watcher = client.watcher(
            type, namespace: view.namespace, labelSelector: view.labelSelector, fieldSelector: view.fieldSelector,
            listing: view.representation, watching: view.representation)
        watcher.whenWatching = { [hostConflicts] in hostConflicts.see(view) }
        for await event in watcher {
            switch event {
            case .listBegins:
                foreign?.listBegins(view)
            case .object(let object):
                if let (found, hosts) = read(object, view) { foreign?.listed(view, found, hosts: hosts) }
            case .listComplete:
                let changed = foreign?.listComplete(view) ?? []
                hostsChanged(changed)
                settleHosts(view)
            case .changed(let object):
                guard let (found, hosts) = read(object, view) else { break }
                hostsChanged(foreign?.changed(view, found, hosts: hosts) ?? [])
            case .deleted(let object):
                guard let (found, _) = read(object, view) else { break }
                hostsChanged(foreign?.deleted(view, found.name) ?? [])
            case .interrupted(let error, _):
                hostConflicts.note(view, Self.blindness(view, error))
                foreign?.interrupted(view, isRefusal: error.isUnavailability, now: stopwatch.elapsed)
                settleHosts(view)
                if view.subject == .serviceEntry, error.code == .notFound,
                    await isServedOtherwise(type, .serviceEntry)
                {
                    return false
                }
            }
        }
        return true
    }

    private func read(_ object: APIObject, _ view: ForeignView) -> (object: ForeignObject, hosts: [String])? {
        foreign.map { ForeignObject.read(object, view.subject, $0.scope, ownership) }
    }

    /// Creations that waited for the first list go on, each when its host is free.
    private func settleHosts(_ view: ForeignView) {
        guard let foreign, foreign.isSettled else { return }
        if foreign.isFull(view) {
            hostConflicts.note(
                view, "of \(view.description), only \(ForeignHosts.limit) with hosts of ours are looked at")
        }
        if !hostWaiters.isEmpty { endHostWaits() }
    }

    private static func blindness(_ view: ForeignView, _ error: KubernetesError) -> String {
        let remedy = error.code == .forbidden ? "; that takes \(view.permission)" : ""
        return "\(view.description) can't be followed, and what they take of our hosts is not seen: \(error)\(remedy)"
    }
}

extension ForeignView {
    /// Hosts of a ServiceEntry are in its `spec`.
    fileprivate var representation: Representation { subject == .serviceEntry ? .full : .metadataOnly }
}

// MARK: - A look for a one-shot reconcile

extension ClusterDelivery {
    /// The change, unless somebody else's object has the host: then nothing is created, and what stands is named.
    func planHost(_ key: ResourceKey, _ change: Change, isWanted: Bool) async -> Change {
        let service = key.kind == .serviceEntry ? key : WorkloadEntry.serviceEntry(ofWorkload: key)
        guard isWanted, let service, let foreign = await readForeignHosts() else { return change }
        let isCreated = if case .create = change { true } else { false }
        switch foreign.owners(ofHostOf: service) {
        case .free:
            return change
        case .unknown:
            guard isCreated, standing[service] == nil else { return change }
            let notes = hostConflicts.notes.joined(separator: "; ")
            return .conflict(reason: "nobody knows whether another object has its host: \(notes)")
        case .taken(let owners):
            if key != service { return isCreated && standing[service] == nil ? .none : change }
            guard isCreated || change == .none else { return change }
            return .conflict(reason: conflict(service, owners, foreign).reason)
        }
    }

    package func warning(about key: ResourceKey) async -> String? {
        guard key.kind == .serviceEntry, let foreign = await readForeignHosts(),
            case .taken(let owners) = foreign.owners(ofHostOf: key)
        else { return nil }
        return conflict(key, owners, foreign).reason
    }

    private func conflict(_ key: ResourceKey, _ owners: [ForeignObject], _ foreign: ForeignHosts) -> HostConflict {
        HostConflict(key: key, created: standing[key], owners: owners, scope: foreign.scope)
    }

    /// Lists all views once, unless they are followed.
    private func readForeignHosts() async -> ForeignHosts? {
        guard let views = foreign?.scope.views(ownership), case .idle = state.state, !hasReadHosts else {
            return foreign
        }
        hasReadHosts = true
        for view in views {
            do throws(KubernetesError) {
                _ = try await resourceType(.serviceEntry)
                try await list(view)
            } catch {
                hostConflicts.note(view, Self.blindness(view, error))
                foreign?.interrupted(view, isRefusal: error.isUnavailability, now: stopwatch.elapsed)
            }
        }
        return foreign
    }

    private func list(_ view: ForeignView) async throws(KubernetesError) {
        guard let type = foreignType(view) else { return }
        foreign?.listBegins(view)
        var pages = client.list(
            type, namespace: view.namespace, labelSelector: view.labelSelector, fieldSelector: view.fieldSelector,
            representation: view.representation
        ).makeAsyncIterator()
        while let page = try await pages.next() {
            for object in page.objects {
                if let (found, hosts) = read(object, view) { foreign?.listed(view, found, hosts: hosts) }
            }
        }
        hostsChanged(foreign?.listComplete(view) ?? [])
    }
}
