/// How the clients of the mesh are connected to it.
package enum MeshMode: String, Sendable, Hashable, CaseIterable {
    /// Each client has a sidecar.
    case sidecar
    /// Clients share ztunnels, which see all namespaces.
    case ambient
}
