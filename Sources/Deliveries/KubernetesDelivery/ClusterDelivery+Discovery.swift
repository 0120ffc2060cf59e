internal import Concurrency
internal import Deliveries
internal import IstioAPI
internal import Kubernetes
internal import Logging

// MARK: - What the API server serves

extension ClusterDelivery {
    /// The newest version of the API that the server has.
    func resourceType(_ kind: ResourceKind) async throws(KubernetesError) -> ResourceType {
        if let type = types[kind] { return type }
        let served = try await client.servedVersions(group: ResourceKind.group)
        for version in ["v1", "v1beta1", "v1alpha3"] where served.contains(version) {
            guard try await serves(kind, version) else { continue }
            let found = ResourceType(
                group: ResourceKind.group, version: version, plural: kind.plural, kind: kind.rawValue)
            types[kind] = found
            return found
        }
        throw KubernetesError(
            code: .notFound,
            message:
                "the API server does not know \(ResourceKind.group)/\(kind.rawValue): install Istio's CRDs, for "
                + "example by: helm install istio-base istio/base -n istio-system --create-namespace")
    }

    /// A version that comes or goes may be told of and not be there.
    private func serves(_ kind: ResourceKind, _ version: String) async throws(KubernetesError) -> Bool {
        do throws(KubernetesError) {
            return try await client.resources(group: ResourceKind.group, version: version).contains(kind.plural)
        } catch  where error.code == .notFound {
            return false
        }
    }

    /// - Parameter isUnavailable: Told when the server doesn't know the kind.
    /// - Returns: `nil` when the task was cancelled, or the client shut down, before the server had one.
    func waitForResourceType(
        _ kind: ResourceKind, isUnavailable: () async -> Void = {}
    ) async -> ResourceType? {
        var backoff = Backoff(from: .milliseconds(500), to: .seconds(30))
        while !Task.isCancelled {
            do throws(KubernetesError) {
                return try await resourceType(kind)
            } catch {
                if error.code == .shutDown || Task.isCancelled { return nil }
                let delay = max(backoff.next(), min(error.retryAfter ?? .zero, .seconds(60)))
                let reason = explanation(of: error, kind)
                workers.note(condition: reason, of: kind)
                viewLog.tell("resource type unavailable", .error, of: kind, reason: reason, retryIn: delay)
                if error.isUnavailability { await isUnavailable() }
                try? await Task.sleep(for: delay, clock: clock)
            }
        }
        return nil
    }

    /// Whether the server has the kind in another version only, as after an upgrade of Istio or the way back.
    func isServedOtherwise(_ type: ResourceType, _ kind: ResourceKind) async -> Bool {
        types[kind] = nil
        guard let served = try? await resourceType(kind) else {
            types[kind] = type
            return false
        }
        return served != type
    }
}
