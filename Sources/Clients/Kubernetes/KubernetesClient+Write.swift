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

    /// Replaces an object as a whole (PUT): what `body` lacks is gone.
    ///
    /// - Parameters:
    ///   - resourceVersion: the version that was read and is to be replaced; becomes part of the body. When the object
    ///     has another by now, nothing is written and `conflict` thrown: read it again.
    ///   - body: the object as JSON.
    ///   - replying: how much of the new object the server returns.
    /// - Throws: `KubernetesError`, such as `conflict`, `invalid` or `notFound`; `configuration` when `body` is no
    ///   JSON object.
    public func replace(
        _ type: ResourceType, name: String, namespace: String?, resourceVersion: String, body: [UInt8],
        fieldManager: String? = nil, replying: Representation = .metadataOnly
    ) async throws(KubernetesError) -> APIObject {
        guard let json = try? JSONValue(parsing: body) else {
            throw KubernetesError(code: .configuration, message: "the object that is to replace '\(name)' is not JSON")
        }
        return try await replace(
            type, name: name, namespace: namespace, resourceVersion: resourceVersion, body: json,
            fieldManager: fieldManager, replying: replying)
    }

    package func replace(
        _ type: ResourceType, name: String, namespace: String?, resourceVersion: String, body: JSONValue,
        fieldManager: String? = nil, replying: Representation = .metadataOnly
    ) async throws(KubernetesError) -> APIObject {
        // Without a version built-in types are overwritten blindly, and custom resources refused.
        guard !resourceVersion.isEmpty, var object = body.object else {
            throw KubernetesError(
                code: .configuration,
                message: "to replace '\(name)' takes a resource version and an object, and one of them is missing")
        }
        var metadata = object["metadata"]?.object ?? JSONObject()
        metadata["resourceVersion"] = .string(resourceVersion)
        object["metadata"] = .object(metadata)
        return try await transport.object(
            for: APIRequest(
                method: .PUT, path: try type.path(namespace: namespace, name: name), query: Self.query(fieldManager),
                accept: replying.acceptingObject, contentType: Representation.json, body: JSONValue.object(object).bytes
            ))
    }

    /// Deletes an object. One with finalizers lives on, marked as being deleted, until they are gone.
    ///
    /// - Parameters:
    ///   - uid: deletes only that object, not a later one of the same name.
    ///   - resourceVersion: deletes only that version.
    /// - propagation: what becomes of the objects that it owns; `nil` leaves it to the type's default.
    /// - Throws: `KubernetesError`: `notFound` when it is gone already, `conflict` when a precondition fails.
    public func delete(
        _ type: ResourceType, name: String, namespace: String?, uid: String? = nil, resourceVersion: String? = nil,
        propagation: DeletePropagation? = nil
    ) async throws(KubernetesError) {
        var preconditions = JSONObject()
        preconditions["uid"] = uid.map { .string($0) }
        preconditions["resourceVersion"] = resourceVersion.map { .string($0) }
        var options = JSONObject()
        options["apiVersion"] = "v1"
        options["kind"] = "DeleteOptions"
        options["preconditions"] = preconditions.isEmpty ? nil : .object(preconditions)
        options["propagationPolicy"] = propagation.map { .string($0.rawValue) }
        // The reply is the object or a Status, as the server likes; that it is a success says it all.
        _ = try await transport.reply(
            to: APIRequest(
                method: .DELETE, path: try type.path(namespace: namespace, name: name),
                contentType: Representation.json,
                body: JSONValue.object(options).bytes))
    }

    static func query(_ fieldManager: String?) -> [(name: String, value: String)] {
        fieldManager.map { [(name: "fieldManager", value: $0)] } ?? []
    }
}
