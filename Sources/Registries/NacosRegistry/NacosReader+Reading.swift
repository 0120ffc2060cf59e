internal import Concurrency
internal import Logging
internal import Nacos
internal import Services
internal import Sources
internal import Synchronization

extension NacosReader {
    func list() async throws(ReadFailure) -> Listing {
        for namespace in clients.keys.sorted() { try await listNames(of: namespace) }
        return state.withLock { Listing(names: $0.view.names.keys.sorted(), position: $0.view.revision) }
    }

    /// Subscribes to the services that may have the name. When one of them can't be read, neither can the name.
    func read(_ name: String) async throws(ReadFailure) -> Reading {
        for service in state.withLock({ $0.view.services(named: name) }) {
            guard let client = clients[service.namespace] else { continue }
            let kind = state.withLock { $0.connections[service.namespace]?.kind }
            do throws(NacosError) {
                let update =
                    kind == .http ? try await client.query(service.key) : try await client.subscribe(service.key)
                take(update, of: service) { $0 != name }
            } catch {
                throw failure(error, service.namespace, "the service '\(service)' can't be read")
            }
        }
        return state.withLock { $0.view.reading(of: name) }
    }

    // MARK: Names

    /// Looks for new names between full reads, where the server does not tell of them.
    func lookForNames(_ namespace: String) async {
        let isNeeded = state.withLock { state in
            state.connections[namespace] != nil && state.watched[namespace]?.isComplete != true
        }
        guard isNeeded else { return }
        do throws(ReadFailure) {
            let new = try await listNames(of: namespace)
            state.withLock { reportNew(new, &$0) }
        } catch {
            // The next full read fails too, and tells.
            logger.debug("names not listed", metadata: ["namespace": "\(namespace)", "reason": "\(error.reason)"])
        }
    }

    /// - Returns: The services that are new.
    @discardableResult
    private func listNames(of namespace: String) async throws(ReadFailure) -> [NacosService] {
        guard let client = clients[namespace] else { return [] }
        let keys: Set<ServiceKey>
        do throws(NacosError) {
            keys = try await self.keys(of: namespace, client)
        } catch {
            throw failure(error, namespace, "the services of the namespace '\(namespace)' can't be listed")
        }
        let services = Set(keys.filter(selection.includes).map { NacosService(namespace: namespace, key: $0) })
        let (new, forgotten) = state.withLock { $0.view.listed(services, in: namespace) }
        for service in forgotten { await client.unsubscribe(service.key) }
        notesChanges.continuation.yield()
        return new
    }

    /// All names that the server tells, by its watch on names and by its lists.
    private func keys(of namespace: String, _ client: any NamingClient) async throws(NacosError) -> Set<ServiceKey> {
        let watched = await watchedNames(of: namespace)
        do throws(NacosError) {
            return Set(try await client.allServices()).union(watched?.keys ?? [])
        } catch {
            // A watch needs fewer rights than a list of all groups, and another port.
            if let watched, watched.isComplete { return watched.keys }
            guard error.code == .forbidden || error.code == .unsupported else { throw error }
            // Some groups in place of all would make the services of the others look removed.
            guard let groups = selection.namedGroups else {
                var error = error
                error.message += "; without that list, name each group at nacos.groups.include"
                throw error
            }
            var keys = watched?.keys ?? []
            for group in groups {
                keys.formUnion(try await client.names(of: group).map { ServiceKey(group: group, name: $0) })
            }
            return keys
        }
    }

    /// What the watch on names knows; `nil` where the server has none. The first answer of a connection is awaited for
    /// some seconds.
    private func watchedNames(of namespace: String) async -> WatchedNames? {
        _ = await stopwatch.run(within: intervals.firstNames) {
            while !Task.isCancelled {
                let ticket = self.watchedNames.ticket
                if self.isWatchAnswered(of: namespace) { return }
                await self.watchedNames.wait(after: ticket)
            }
        }
        return state.withLock { $0.watched[namespace] }
    }

    private func isWatchAnswered(of namespace: String) -> Bool {
        state.withLock { state in
            state.watched[namespace] != nil || state.connections[namespace]?.supportsFuzzyWatch != true
        }
    }
}
