internal import JSON

extension KubernetesClient {
    /// The versions of an API group that the server serves, in the server's order of preference; empty when it does
    /// not know the group. The core group's name is empty.
    public func servedVersions(group: String) async throws(KubernetesError) -> [String] {
        let request = APIRequest(path: ResourceType.path(group: group))
        guard let document = try await discover(request) else { return [] }
        guard let versions = document["versions"]?.array else {
            throw transport.malformed(request, "the list of versions is missing")
        }
        // The core group lists plain names.
        return versions.compactMap { $0.string ?? $0["version"]?.string }
    }

    /// The plural names of the resource types that the server serves at a group's version, without subresources;
    /// empty when it does not know the version.
    public func resources(group: String, version: String) async throws(KubernetesError) -> [String] {
        let request = APIRequest(path: ResourceType.path(group: group, version: version))
        guard let document = try await discover(request) else { return [] }
        guard let resources = document["resources"]?.array else {
            throw transport.malformed(request, "the list of resources is missing")
        }
        return resources.compactMap { $0["name"]?.string }.filter { !$0.contains("/") }
    }

    private func discover(_ request: APIRequest) async throws(KubernetesError) -> JSONValue? {
        do {
            return try await transport.document(for: request)
        } catch {
            if error.code == .notFound { return nil }
            throw error
        }
    }
}
