internal import JSON

extension KubernetesClient {
    /// Reads which versions of an API group the server serves.
    ///
    /// - Parameter group: such as `networking.istio.io`; empty for the core group.
    /// - Returns: the versions in the server's order of preference; none when the server does not know the group.
    /// - Throws: `KubernetesError`. It has ``KubernetesError/Missing/api`` when the server's URL does not lead to a
    ///   Kubernetes API.
    public func servedVersions(group: String) async throws(KubernetesError) -> [String] {
        let request = APIRequest(path: ResourceType.path(group: group))
        guard let document = try await discover(request) else {
            try await confirmAPI()
            return []
        }
        guard let versions = document["versions"]?.array else {
            throw transport.malformed(request, "the list of versions is missing")
        }
        // The core group lists plain names, other groups list objects.
        return versions.compactMap { $0.string ?? $0["version"]?.string }
    }

    /// Reads which resource types the server serves at a version of an API group.
    ///
    /// - Parameters:
    ///   - group: such as `networking.istio.io`; empty for the core group.
    ///   - version: such as `v1`.
    /// - Returns: the plural names of the types, without subresources; none when the server does not know the version.
    /// - Throws: `KubernetesError`.
    public func resources(group: String, version: String) async throws(KubernetesError) -> [String] {
        let request = APIRequest(path: ResourceType.path(group: group, version: version))
        guard let document = try await discover(request) else { return [] }
        guard let resources = document["resources"]?.array else {
            throw transport.malformed(request, "the list of resources is missing")
        }
        return resources.compactMap { $0["name"]?.string }.filter { !$0.contains("/") }
    }

    /// Reads whether there is a Kubernetes API at all. A server URL with a wrong path gives 404 to everything.
    private func confirmAPI() async throws(KubernetesError) {
        let request = APIRequest(path: "/apis")
        if let document = try await discover(request), document["kind"]?.string?.hasPrefix("APIGroup") == true {
            return
        }
        throw KubernetesError(
            code: .notFound,
            message: "there is no Kubernetes API at \(transport.root); check the path of the server's URL",
            path: request.label, missing: .api)
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
