internal import Services

/// A source whose services are other services than those of the same name in a registry of another scope.
package struct ScopedSource: Source {
    private let source: any Source
    private let scope: String

    package init(_ source: any Source, scope: String) {
        self.source = source
        self.scope = scope
    }

    package var name: String { source.name }

    package func run(requests: ReadRequests, emit: @escaping @Sendable (SourceEvent) async -> Void) async {
        await source.run(requests: requests) { [scope] event in await emit(event.scoped(scope)) }
    }
}

extension SourceEvent {
    /// The event with the scope as a qualifier of its services. Their names stay: requests to read name them.
    fileprivate func scoped(_ scope: String) -> SourceEvent {
        func scoped(_ id: ServiceID) -> ServiceID { id.setting(ServiceID.Key.scope, to: scope) }
        switch self {
        case .services(let name, let services):
            let pairs = services.map { (scoped($0.key), $0.value) }
            return .services(name: name, Dictionary(pairs) { $0.merging($1) { $1 } })
        case .added(let id, let key, let instance): return .added(scoped(id), key, instance)
        case .removed(let id, let key, let endpoint): return .removed(scoped(id), key, at: endpoint)
        case .begin, .unreadable, .complete, .interrupted, .notes: return self
        }
    }
}
