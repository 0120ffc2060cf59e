internal import Catalog
internal import Logging
internal import Services
internal import Text

extension Logger {
    func log(_ report: PipelineReport) {
        switch report {
        case .deliveryReady(let name):
            notice("delivery ready after start: its objects are adopted now", metadata: ["delivery": "\(name)"])
        case .begunWithout(let names):
            error(
                "deliveries not ready: the bridge starts without them",
                metadata: ["deliveries": "\(names.joined(separator: ", "))"])
        case .holdBegan(let registry, let hold):
            let isConfigured = hold.cause != .removedRegistry
            let end =
                hold.remaining.map { "in \($0.readable) if the registry is healthy and its reads agree, or " }
                ?? (isConfigured ? "when the registry recovers, or " : "")
            critical(
                isConfigured
                    ? "registry losses held: they look like a failure of the registry"
                    : "registry losses held: the registry is not configured any more",
                metadata: [
                    "registry": "\(registry)", "reason": "\(hold)",
                    "released": "\(end)by: isthmus release \(registry)",
                ])
        case .holdEnded(let registry):
            notice("registry losses no longer held", metadata: ["registry": "\(registry)"])
        case .holdReleased(let registry, let release):
            var metadata: Logger.Metadata = ["registry": "\(registry)", "instances": "\(release.instances)"]
            if let hold = release.hold { metadata["was"] = "\(hold)" }
            notice("registry losses released by an operator", metadata: metadata)
        case .notDelivered(let service, let problem):
            error(
                "service not delivered as its registries describe it",
                metadata: [
                    "service": "\(service)", "reason": "\(problem.reason)", "effect": "\(problem.effect.rawValue)",
                ])
        }
    }
}
