package import IstioAPI
internal import Kubernetes

// MARK: - The namespaces of new objects

extension ClusterDelivery {
    private static let namespaces = ResourceType(group: "", version: "v1", plural: "namespaces", kind: "Namespace")

    /// The namespaces that are missing or going. Without the permission to read them, nothing is known.
    package func conditions(toCreating keys: [ResourceKey]) async -> [String] {
        var conditions: [String] = []
        for namespace in Set(keys.map(\.namespace)).sorted() {
            do throws(KubernetesError) {
                let object = try await client.get(
                    Self.namespaces, name: namespace, namespace: nil, representation: .metadataOnly)
                if object.metadata.isBeingDeleted {
                    conditions.append(
                        "the namespace '\(namespace)' of '\(name)' is being deleted: nothing can be created in it")
                }
            } catch  where error.code == .notFound && error.missing != .api {
                conditions.append(
                    "the cluster '\(name)' has no namespace '\(namespace)': create it first, with kubectl create namespace "
                        + namespace)
            } catch {}
        }
        return conditions
    }
}
