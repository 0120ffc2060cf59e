package import JSON
internal import NIOHTTP1

extension KubernetesClient {
    /// Makes the fields in `body` what they are there, and nothing else (server-side apply); creates the object when
    /// there is none.
    ///
    /// Fields that the manager applied before and now leaves out are removed. An apply that changes nothing leaves the
    /// resource version as it is.
    ///
    /// - Parameters:
    ///   - body: the fields to own, as JSON, with `apiVersion`, `kind` and `metadata.name`, without
    ///     `metadata.managedFields`. With `metadata.resourceVersion` or `metadata.uid` it applies only to that version
    ///     or object.
    ///   - fieldManager: who is to own the fields; 1…128 printable characters, always the same for one program.
    ///   - force: takes fields over that others own. Without it they are a `conflict`, and
    ///     ``KubernetesError/fieldConflicts`` says who owns what.
    ///   - replying: how much of the object the server returns.
    /// - Throws: `KubernetesError`, such as `conflict` or `invalid`; `notFound` when type or namespace are missing.
    public func apply(
        _ type: ResourceType, name: String, namespace: String?, body: [UInt8], fieldManager: String,
        force: Bool = false, replying: Representation = .metadataOnly
    ) async throws(KubernetesError) -> APIObject {
        guard (1...128).contains(fieldManager.utf8.count) else {
            throw KubernetesError(
                code: .configuration, message: "the field manager '\(fieldManager)' must have 1…128 characters")
        }
        return try await transport.object(
            for: APIRequest(
                method: .PATCH, path: try type.path(namespace: namespace, name: name),
                query: Self.query(fieldManager) + [(name: "force", value: "\(force)")],
                accept: replying.acceptingObject,
                // JSON is YAML, too, and this the only media type that servers of every version take.
                contentType: "application/apply-patch+yaml", body: body))
    }

    package func apply(
        _ type: ResourceType, name: String, namespace: String?, body: JSONValue, fieldManager: String,
        force: Bool = false, replying: Representation = .metadataOnly
    ) async throws(KubernetesError) -> APIObject {
        try await apply(
            type, name: name, namespace: namespace, body: body.bytes, fieldManager: fieldManager, force: force,
            replying: replying)
    }
}
