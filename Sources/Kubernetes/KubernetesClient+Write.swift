package import JSON
internal import NIOHTTP1

// Writes are never repeated by the client: see `KubernetesError.isOutcomeUnknown`.
extension KubernetesClient {
    /// Creates an object (POST).
    ///
    /// - Parameters:
    ///   - namespace: `nil` for cluster-scoped types.
    ///   - body: the object as JSON.
    ///   - fieldManager: who is to own the fields, at most 128 printable characters.
    ///   - replying: how much of the created object the server returns.
    /// - Throws: `KubernetesError`, such as `alreadyExists` or `invalid`; `notFound` when type or namespace are missing.
    public func create(
        _ type: ResourceType, namespace: String?, body: [UInt8], fieldManager: String? = nil,
        replying: Representation = .metadataOnly
    ) async throws(KubernetesError) -> APIObject {
        try await transport.object(
            for: APIRequest(
                method: .POST, path: try type.path(namespace: namespace), query: Self.query(fieldManager),
                accept: replying.acceptingObject, contentType: Representation.json, body: body))
    }

    package func create(
        _ type: ResourceType, namespace: String?, body: JSONValue, fieldManager: String? = nil,
        replying: Representation = .metadataOnly
    ) async throws(KubernetesError) -> APIObject {
        try await create(
            type, namespace: namespace, body: body.bytes, fieldManager: fieldManager, replying: replying)
    }

    /// Changes an object by a JSON merge patch (RFC 7386).
    ///
    /// - Parameters:
    ///   - body: the patch. With `metadata.resourceVersion` in it the patch applies only to that version, and fails
    ///     with `conflict` otherwise; with `metadata.uid`, only to that object.
    ///   - replying: how much of the changed object the server returns.
    /// - Throws: `KubernetesError`, such as `conflict`, `invalid` or `notFound`.
    public func mergePatch(
        _ type: ResourceType, name: String, namespace: String?, body: [UInt8], fieldManager: String? = nil,
        replying: Representation = .metadataOnly
    ) async throws(KubernetesError) -> APIObject {
        try await transport.object(
            for: APIRequest(
                method: .PATCH, path: try type.path(namespace: namespace, name: name), query: Self.query(fieldManager),
                accept: replying.acceptingObject, contentType: "application/merge-patch+json", body: body))
    }

    package func mergePatch(
        _ type: ResourceType, name: String, namespace: String?, body: JSONValue, fieldManager: String? = nil,
        replying: Representation = .metadataOnly
    ) async throws(KubernetesError) -> APIObject {
        try await mergePatch(
            type, name: name, namespace: namespace, body: body.bytes, fieldManager: fieldManager, replying: replying)
    }

    /// Deletes an object. One with finalizers lives on, marked as being deleted, until they are gone.
    ///
    /// - Parameters:
    ///   - uid: deletes only that object, not a later one of the same name.
    ///   - resourceVersion: deletes only that version.
    /// - Throws: `KubernetesError`: `notFound` when it is gone already, `conflict` when a precondition fails.
    public func delete(
        _ type: ResourceType, name: String, namespace: String?, uid: String? = nil, resourceVersion: String? = nil
    ) async throws(KubernetesError) {
        var preconditions = JSONObject()
        preconditions["uid"] = uid.map { .string($0) }
        preconditions["resourceVersion"] = resourceVersion.map { .string($0) }
        var options: JSONValue = ["apiVersion": "v1", "kind": "DeleteOptions"]
        if !preconditions.isEmpty {
            options = ["apiVersion": "v1", "kind": "DeleteOptions", "preconditions": .object(preconditions)]
        }
        // The reply is the object or a Status, as the server likes; that it is a success says it all.
        _ = try await transport.reply(
            to: APIRequest(
                method: .DELETE, path: try type.path(namespace: namespace, name: name),
                contentType: Representation.json,
                body: options.bytes))
    }

    private static func query(_ fieldManager: String?) -> [(name: String, value: String)] {
        fieldManager.map { [(name: "fieldManager", value: $0)] } ?? []
    }
}
