extension KubernetesClient {
    /// Reads one object.
    ///
    /// - Parameter namespace: `nil` for cluster-scoped types.
    /// - Throws: `KubernetesError`, such as `notFound`.
    public func get(
        _ type: ResourceType, name: String, namespace: String?, representation: Representation = .full
    ) async throws(KubernetesError) -> APIObject {
        try await transport.object(
            for: APIRequest(
                path: try type.path(namespace: namespace, name: name), accept: representation.acceptingObject))
    }

    /// Reads all objects of a type, in pages of one snapshot.
    ///
    /// - Parameters:
    ///   - namespace: `nil` for cluster-scoped types, and for all namespaces.
    ///   - labelSelector: such as `app=web,tier!=cache`; `nil` selects all.
    ///   - fieldSelector: such as `metadata.name=web`; which fields a server knows depends on the type.
    ///   - pageSize: objects a page, at least 1; the server may send fewer.
    /// - Returns: the pages, each fetched when asked for. It throws `gone` when the snapshot expires between two pages
    ///   (after 5 to 15 minutes): what was read by then is not the whole.
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
    /// - Parameters:
    ///   - labelSelector: such as `app=web,tier!=cache`; `nil` selects all.
    ///   - fieldSelector: such as `metadata.name=web`; which fields a server knows depends on the type.
    ///   - resourceVersion: of the list, object or bookmark that the changes are to follow.
    ///   - timeout: after which the server ends the watch.
    /// - Returns: the events, read from the connection as they are asked for. It ends when the server ends the watch,
    ///   and throws `gone` when the resource version is too old, `idle` when nothing came for
    ///   ``Options/watchIdleTimeout``.
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
