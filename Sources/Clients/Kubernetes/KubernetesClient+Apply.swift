internal import NIOHTTP1

extension KubernetesClient {
    /// Sets the fields in `body`, and leaves all other fields alone (server-side apply). Creates the object when it
    /// does not exist.
    ///
    /// The server removes fields that the manager applied before and now leaves out. An apply that changes nothing
    /// leaves the resource version as it is.
    ///
    /// - Parameters:
    ///   - namespace: `nil` for cluster-scoped types.
    ///   - subresource: the part of the object to apply to, such as ``Subresource/status``; `nil` for the object
    ///     itself.
    ///   - body: the fields to own, as a `Codable` type of your own, an ``AnyJSON`` or a dictionary literal, with
    ///     `apiVersion`, `kind` and `metadata.name`, without `metadata.managedFields`. With `metadata.resourceVersion`
    ///     or `metadata.uid` it applies only to that version or object.
    ///   - fieldManager: the name under which the server records who owns the fields: 1…128 printable characters,
    ///     always the same for one program.
    ///   - force: takes over fields that other managers own. Without it they cause a `conflict`, and
    ///     ``KubernetesError/fieldConflicts`` names each field and its manager.
    ///   - replying: how much of the object the server returns.
    /// - Returns: the object as the server stored it.
    /// - Throws: `KubernetesError`, such as `conflict` or `invalid`; `notFound` when the type or the namespace is
    ///   missing; before anything is sent, `configuration` for a field manager of a wrong length, and `encodingFailed`.
    public func apply(
        _ type: ResourceType, name: String, namespace: String?, subresource: Subresource? = nil, body: some Encodable,
        fieldManager: String, force: Bool = false, replying: Representation = .metadataOnly
    ) async throws(KubernetesError) -> APIObject {
        try await apply(
            type, name: name, namespace: namespace, subresource: subresource,
            body: try JSONCoding.body(body, "the fields of '\(name)'"), fieldManager: fieldManager, force: force,
            replying: replying)
    }

    /// Sets the fields in a JSON document, which is sent as it is (server-side apply).
    ///
    /// - Throws: `KubernetesError`, such as `conflict` or `invalid`; `notFound` when the type or the namespace is
    ///   missing; `configuration` for a field manager of a wrong length.
    public func apply(
        _ type: ResourceType, name: String, namespace: String?, subresource: Subresource? = nil, body: [UInt8],
        fieldManager: String, force: Bool = false, replying: Representation = .metadataOnly
    ) async throws(KubernetesError) -> APIObject {
        guard (1...128).contains(fieldManager.utf8.count) else {
            throw KubernetesError(
                code: .configuration, message: "the field manager '\(fieldManager)' must have 1…128 characters")
        }
        return try await transport.object(
            for: APIRequest(
                method: .PATCH, path: try type.path(namespace: namespace, name: name, subresource: subresource),
                query: Self.query(fieldManager) + [(name: "force", value: "\(force)")],
                accept: replying.acceptingObject,
                // JSON is YAML too. Servers of every version accept this media type, and older ones accept no other.
                contentType: "application/apply-patch+yaml", body: body))
    }
}
