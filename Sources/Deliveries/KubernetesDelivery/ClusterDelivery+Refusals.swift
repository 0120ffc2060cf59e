internal import Deliveries
internal import IstioAPI
internal import Kubernetes
internal import Logging

// MARK: - Writes that are refused for a reason outside of the objects

extension ClusterDelivery {
    /// The object waits, and the status names the reason once for all that wait.
    func wait(for error: KubernetesError, _ key: ResourceKey) -> Attempt {
        let reason = explanation(of: error, key.kind)
        let delay = refusals.refused(key)
        workers.note(condition: reason, of: key.kind)
        if delay.isNews {
            logger.error("writes wait", metadata: ["kind": "\(key.kind.rawValue)", "reason": "\(reason)"])
        }
        return .waiting(nil, retryAfter: delay.duration)
    }

    /// An object was written: those that waited beside it go on.
    func endWait(_ key: ResourceKey) {
        guard let others = refusals.written(key) else { return }
        workers.note(condition: nil, of: key.kind)
        logger.info("writes go on", metadata: ["kind": "\(key.kind.rawValue)", "count": "\(others.count + 1)"])
        workers.add(others)
    }

    /// An object that is no longer wanted does not wait.
    func forgetWait(_ key: ResourceKey) {
        guard refusals.isRefusing(key.kind) else { return }
        if let probe = refusals.forget(key) { workers.add([probe]) }
        if !refusals.isRefusing(key.kind) { workers.note(condition: nil, of: key.kind) }
    }

    func forgetAllWaits() {
        for kind in ResourceKind.allCases where refusals.isRefusing(kind) { workers.note(condition: nil, of: kind) }
        refusals = SharedRefusals()
    }
}

extension KubernetesError {
    /// Whether a write fails for a reason outside of the object: a webhook that is away, a namespace that is not there
    /// or is being deleted, or a resource type that the server does not have.
    var concernsOthers: Bool {
        isWebhookUnavailable || missing == .namespace || missing == .resourceType
            || statusCauses.contains { $0.reason == "NamespaceTerminating" }
    }
}
