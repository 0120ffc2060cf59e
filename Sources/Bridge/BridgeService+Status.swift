package import Status

extension BridgeService {
    /// What the bridge knows of itself now.
    package func status() async -> BridgeStatus {
        BridgeStatus(
            instance: "", version: Version.current, uptime: .zero, isReady: true, registries: [], deliveries: [])
    }

    /// Lets go of what is held of a registry.
    /// - Returns: What was held; `nil` when nothing was.
    package func release(_ registry: String) async -> Released? { nil }
}
