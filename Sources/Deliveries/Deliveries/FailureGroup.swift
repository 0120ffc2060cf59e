package import IstioAPI
internal import Logging

/// Resources that fail for one reason.
package struct FailureGroup: Sendable, Hashable {
    package static let limit = 20
    package static let resourceLimit = 3

    package var kind: ResourceFailure.Kind
    package var reason: String
    package var count: Int
    /// Some of them.
    package var resources: [ResourceKey]
    /// How long the first of them has failed.
    package var age: Duration
    /// The delay to the next attempt of one of them; `nil` during attempts.
    package var retryIn: Duration?

    /// Puts failures together that differ in the resource's name only.
    /// - Parameter failures: The one that fails for the longest time first.
    /// - Returns: The largest groups.
    package static func groups(of failures: [ResourceFailure]) -> [FailureGroup] {
        var places: [FailureNotice: Int] = [:]
        var groups: [FailureGroup] = []
        for failure in failures {
            let notice = FailureNotice(failure.kind, failure.reason, of: failure.key)
            guard let place = places[notice] else {
                places[notice] = groups.count
                groups.append(
                    FailureGroup(
                        kind: failure.kind, reason: failure.reason, count: 1, resources: [failure.key],
                        age: failure.age, retryIn: failure.retryIn))
                continue
            }
            groups[place].count += 1
            groups[place].reason = notice.reason
            groups[place].retryIn = [groups[place].retryIn, failure.retryIn].compactMap(\.self).min()
            if groups[place].resources.count < resourceLimit { groups[place].resources.append(failure.key) }
        }
        // Of equal groups the older one first, as they stand.
        let order = groups.indices.sorted { (groups[$1].count, $0) < (groups[$0].count, $1) }
        return order.prefix(limit).map { groups[$0] }
    }
}

/// A failure without the resource's name, so that equal ones are known as equal.
struct FailureNotice: Sendable, Hashable {
    var kind: ResourceFailure.Kind
    var resourceKind: ResourceKind
    var reason: String

    init(_ kind: ResourceFailure.Kind, _ reason: String, of key: ResourceKey) {
        self.kind = kind
        resourceKind = key.kind
        self.reason = reason.replacing(key.name, with: "NAME")
    }

    var level: Logger.Level { kind == .fieldConflict ? .warning : .error }

    var message: Logger.Message {
        switch kind {
        case .refused: "resource refused"
        case .failed: "resource not written"
        case .fieldConflict: "field conflict with another writer"
        case .hostTaken: "host taken by another object"
        }
    }

    var othersMessage: Logger.Message {
        switch kind {
        case .refused: "more resources refused for one reason"
        case .failed: "more resources not written for one reason"
        case .fieldConflict: "more field conflicts with another writer"
        case .hostTaken: "more hosts taken by other objects"
        }
    }
}
