internal import JSON
internal import NIOHTTP1

// The client never repeats a write: see `KubernetesError.isOutcomeUnknown`.
extension KubernetesClient {
    /// Creates an object (POST).
    ///
    /// - Parameters:
    ///   - namespace: `nil` for cluster-scoped types.
    ///   - body: the object, as a `Codable` type of your own, an ``AnyJSON`` or a dictionary literal. It holds
    ///     `apiVersion`, `kind` and `metadata.name` (or `metadata.generateName`).
    ///   - fieldManager: the name under which the server records who owns the fields; at most 128 printable characters.
    ///     `nil` lets the server take the first part of the user agent.
    ///   - replying: how much of the created object the server returns.
    ///   - isDryRun: whether the server only says what would happen. Validation and admission webhooks run.
    /// - Returns: the object as the server stored it.
    /// - Throws: `KubernetesError`, such as `alreadyExists`, `invalid` or `forbidden`; `notFound` when the type or the
    ///   namespace is missing; `encodingFailed` before anything is sent.
    public func create(
        _ type: ResourceType, namespace: String?, body: some Encodable, fieldManager: String? = nil,
        replying: Representation = .metadataOnly, isDryRun: Bool = false
    ) async throws(KubernetesError) -> APIObject {
        try await create(
            type, namespace: namespace, body: try JSONCoding.body(body, "the new \(type.kind)"),
            fieldManager: fieldManager, replying: replying, isDryRun: isDryRun)
    }

    /// Creates an object (POST) from its JSON, which is sent as it is.
    ///
    /// - Throws: `KubernetesError`, such as `alreadyExists`, `invalid` or `forbidden`; `notFound` when the type or the
    ///   namespace is missing.
    public func create(
        _ type: ResourceType, namespace: String?, body: [UInt8], fieldManager: String? = nil,
        replying: Representation = .metadataOnly, isDryRun: Bool = false
    ) async throws(KubernetesError) -> APIObject {
        try await transport.object(
            for: APIRequest(
                method: .POST, path: try type.path(namespace: namespace),
                query: Self.query(fieldManager, isDryRun: isDryRun),
                accept: replying.acceptingObject, contentType: Representation.json, body: body))
    }

    /// Changes an object by a JSON merge patch (RFC 7386): members of the patch replace those of the object, `null`
    /// removes one, and everything else stays.
    ///
    /// - Parameters:
    ///   - namespace: `nil` for cluster-scoped types.
    ///   - subresource: the part of the object to change, such as ``Subresource/status``; `nil` for the object itself.
    ///   - body: the patch. With `metadata.resourceVersion` in it, the patch applies only to that version, and fails
    ///     with `conflict` otherwise; with `metadata.uid`, only to that object. An optional of a `Codable` type that is
    ///     `nil` is left out, and so removes nothing; use ``AnyJSON/null``.
    ///   - fieldManager: see ``create(_:namespace:body:fieldManager:replying:)``.
    ///   - replying: how much of the changed object the server returns.
    ///   - isDryRun: whether the server only says what would happen.
    /// - Returns: the object as the server stored it.
    /// - Throws: `KubernetesError`, such as `conflict`, `invalid` or `notFound`; `encodingFailed` before anything is
    ///   sent.
    public func mergePatch(
        _ type: ResourceType, name: String, namespace: String?, subresource: Subresource? = nil, body: some Encodable,
        fieldManager: String? = nil, replying: Representation = .metadataOnly, isDryRun: Bool = false
    ) async throws(KubernetesError) -> APIObject {
        try await mergePatch(
            type, name: name, namespace: namespace, subresource: subresource,
            body: try JSONCoding.body(body, "the patch of '\(name)'"), fieldManager: fieldManager, replying: replying,
            isDryRun: isDryRun)
    }

    /// Changes an object by the JSON of a merge patch (RFC 7386), which is sent as it is.
    ///
    /// - Throws: `KubernetesError`, such as `conflict`, `invalid` or `notFound`.
    public func mergePatch(
        _ type: ResourceType, name: String, namespace: String?, subresource: Subresource? = nil, body: [UInt8],
        fieldManager: String? = nil, replying: Representation = .metadataOnly, isDryRun: Bool = false
    ) async throws(KubernetesError) -> APIObject {
        try await transport.object(
            for: APIRequest(
                method: .PATCH, path: try type.path(namespace: namespace, name: name, subresource: subresource),
                query: Self.query(fieldManager, isDryRun: isDryRun), accept: replying.acceptingObject,
                contentType: "application/merge-patch+json", body: body))
    }

    /// Replaces a whole object (PUT): fields that `body` lacks are removed.
    ///
    /// - Parameters:
    ///   - namespace: `nil` for cluster-scoped types.
    ///   - subresource: the part of the object to replace, such as ``Subresource/status``; `nil` for the object itself.
    ///     The body is the whole object in both cases.
    ///   - resourceVersion: the version to be replaced, as it was read. It takes the place of the one in the body. When
    ///     the object has another version, nothing is written and `conflict` is thrown: read the object again.
    ///   - body: the object, as a `Codable` type of your own or an ``AnyJSON``.
    ///   - fieldManager: see ``create(_:namespace:body:fieldManager:replying:)``.
    ///   - replying: how much of the new object the server returns.
    /// - Returns: the object as the server stored it.
    /// - Throws: `KubernetesError`, such as `conflict`, `invalid` or `notFound`; before anything is sent,
    ///   `configuration` when `body` is no JSON object or the resource version is empty, and `encodingFailed`.
    public func replace(
        _ type: ResourceType, name: String, namespace: String?, subresource: Subresource? = nil,
        resourceVersion: String, body: some Encodable, fieldManager: String? = nil,
        replying: Representation = .metadataOnly
    ) async throws(KubernetesError) -> APIObject {
        let json = try JSONCoding.json(of: body, "the replacement of '\(name)'")
        // Without a version the server overwrites built-in types blindly, and refuses custom resources.
        guard !resourceVersion.isEmpty, var object = json.object else {
            throw KubernetesError(
                code: .configuration,
                message: "a replacement of '\(name)' needs a resource version and a JSON object; one of them is missing"
            )
        }
        var metadata = object["metadata"]?.object ?? JSONObject()
        metadata["resourceVersion"] = .string(resourceVersion)
        object["metadata"] = .object(metadata)
        return try await transport.object(
            for: APIRequest(
                method: .PUT, path: try type.path(namespace: namespace, name: name, subresource: subresource),
                query: Self.query(fieldManager), accept: replying.acceptingObject, contentType: Representation.json,
                body: JSONValue.object(object).bytes))
    }

    /// Replaces a whole object (PUT) by its JSON: fields that `body` lacks are removed.
    ///
    /// - Parameter resourceVersion: the version to be replaced, as it was read. It takes the place of the one in the
    ///   body.
    /// - Throws: `KubernetesError`, such as `conflict`, `invalid` or `notFound`; `configuration` when `body` is no JSON
    ///   object or the resource version is empty.
    public func replace(
        _ type: ResourceType, name: String, namespace: String?, subresource: Subresource? = nil,
        resourceVersion: String, body: [UInt8], fieldManager: String? = nil, replying: Representation = .metadataOnly
    ) async throws(KubernetesError) -> APIObject {
        guard let json = try? JSONValue(parsing: body) else {
            throw KubernetesError(code: .configuration, message: "the replacement of '\(name)' is not JSON")
        }
        return try await replace(
            type, name: name, namespace: namespace, subresource: subresource, resourceVersion: resourceVersion,
            body: json, fieldManager: fieldManager, replying: replying)
    }

    /// Deletes an object. An object with finalizers stays, marked as being deleted, until they are gone.
    ///
    /// - Parameters:
    ///   - namespace: `nil` for cluster-scoped types.
    ///   - uid: deletes only the object with this uid, not a later one of the same name.
    ///   - resourceVersion: deletes only this version.
    ///   - propagation: what happens to the objects that it owns; `nil` takes the type's default.
    /// - Throws: `KubernetesError`: `notFound` when the object does not exist, `conflict` when a precondition fails.
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
        options["propagationPolicy"] = propagation.map { .string($0.policy) }
        // The reply's body is not read: depending on the type it is the object or a Status.
        _ = try await transport.reply(
            to: APIRequest(
                method: .DELETE, path: try type.path(namespace: namespace, name: name),
                contentType: Representation.json,
                body: JSONValue.object(options).bytes))
    }

    static func query(_ fieldManager: String?, isDryRun: Bool = false) -> [(name: String, value: String)] {
        (fieldManager.map { [(name: "fieldManager", value: $0)] } ?? []) + (isDryRun ? [("dryRun", "All")] : [])
    }
}

extension JSONCoding {
    /// The bytes of a request's body, which is a JSON object.
    ///
    /// - Throws: `KubernetesError` with `encodingFailed` for a value that is encoded as something else. `Data`, for
    ///   example, is encoded as a text in base64.
    static func body(_ value: some Encodable, _ what: @autoclosure () -> String) throws(KubernetesError) -> [UInt8] {
        let bytes = try bytes(of: value, what())
        guard bytes.first == UInt8(ascii: "{") else {
            throw KubernetesError(
                code: .encodingFailed,
                message: "\(what()) is not encoded as a JSON object; bytes of JSON go through AnyJSON(parsing:)")
        }
        return bytes
    }
}
