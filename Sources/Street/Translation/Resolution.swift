internal import IstioAPI

/// How a service's endpoints are found. Each change of it is a full push, and connections are opened anew, so a service
/// has its names resolved from the first name on until an hour after the last one.
package enum Resolution: Sendable, Hashable {
    case `static`
    /// Instances have names. istiod takes addresses beside them.
    case names
    /// No instance has a name any more, since this time; monotonic.
    case formerNames(since: Duration)

    private static let memory = Duration.seconds(3600)

    /// When the addresses can stand alone again; monotonic.
    var end: Duration? {
        if case .formerNames(let since) = self { since + Self.memory } else { nil }
    }

    /// Without endpoints, an Envoy would resolve the service's own name.
    mutating func note(hasInstances: Bool, hasNames: Bool, now: Duration) {
        switch self {
        case _ where hasNames: self = .names
        case .static: break
        case _ where !hasInstances: self = .static
        case .names: self = .formerNames(since: now)
        case .formerNames(let since): if now - since >= Self.memory { self = .static }
        }
    }

    var istio: ServiceEntry.Resolution { self == .static ? .static : .dns }
}
