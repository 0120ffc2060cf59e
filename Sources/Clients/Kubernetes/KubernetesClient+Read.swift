extension KubernetesClient {
    /// Reads one object.
    ///
    /// - Parameters:
    ///   - namespace: `nil` for cluster-scoped types.
    ///   - subresource: the part of the object to read, such as ``Subresource/status``; `nil` for the object itself.
    ///   - representation: how much of the object the server sends.
    /// - Throws: `KubernetesError`, such as `notFound`.
    public func get(
        _ type: ResourceType, name: String, namespace: String?, subresource: Subresource? = nil,
        representation: Representation = .full
    ) async throws(KubernetesError) -> APIObject {
        try await transport.object(
            for: APIRequest(
                path: try type.path(namespace: namespace, name: name, subresource: subresource),
                accept: representation.acceptingObject))
    }

    /// Lists the objects of a type, in pages of one snapshot.
    ///
    /// - Parameters:
    ///   - namespace: `nil` for cluster-scoped types, and for all namespaces.
    ///   - labelSelector: such as `app=web,tier!=cache`; `nil` selects all.
    ///   - fieldSelector: such as `metadata.name=web`. Each type supports a few fields only.
    ///   - representation: how much of each object the server sends.
    ///   - pageSize: objects in a page, at least 1. The server may send fewer.
    /// - Returns: the pages, each fetched when it is asked for. Iterating throws `KubernetesError`: `gone` when the
    ///   snapshot expires between two pages, which happens after 5 to 15 minutes. The pages read until then are not the
    ///   whole list.
    public func list(
        _ type: ResourceType, namespace: String? = nil, labelSelector: String? = nil, fieldSelector: String? = nil,
        representation: Representation = .full, pageSize: Int = 500
    ) -> ObjectPages {
        ObjectPages(
            transport: transport,
            listing: Listing(
                type: type, namespace: namespace, labelSelector: labelSelector, fieldSelector: fieldSelector,
                representation: representation,
                pageSize: max(pageSize, 1)))
    }

    /// Reports the changes of a type's objects since a resource version, over a single request.
    ///
    /// ``watcher(_:namespace:labelSelector:fieldSelector:listing:watching:pageSize:)`` is for programs that follow a
    /// collection for longer: it lists, watches and recovers from failures.
    ///
    /// - Parameters:
    ///   - namespace: `nil` for cluster-scoped types, and for all namespaces.
    ///   - labelSelector: such as `app=web,tier!=cache`; `nil` selects all.
    ///   - fieldSelector: such as `metadata.name=web`. Each type supports a few fields only.
    ///   - representation: how much of each object the server sends.
    ///   - resourceVersion: the version of the list, object or bookmark after which the changes begin.
    ///   - timeout: the time after which the server ends the watch, in whole seconds, at least 1.
    /// - Returns: the events, read from the connection when they are asked for. The sequence ends when the server ends
    ///   the watch. Iterating throws `KubernetesError`: `gone` when the resource version is too old, `idle` when
    ///   nothing came for ``Options/watchIdleTimeout``.
    public func watch(
        _ type: ResourceType, namespace: String? = nil, labelSelector: String? = nil, fieldSelector: String? = nil,
        representation: Representation = .full, from resourceVersion: String, timeout: Duration = .seconds(300)
    ) -> WatchEvents {
        WatchEvents(
            transport: transport,
            watching: Watching(
                type: type, namespace: namespace, labelSelector: labelSelector, fieldSelector: fieldSelector,
                representation: representation),
            resourceVersion: resourceVersion, timeout: timeout)
    }
}
