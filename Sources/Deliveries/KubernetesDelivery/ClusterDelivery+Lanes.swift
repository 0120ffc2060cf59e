internal import Deliveries
internal import IstioAPI
internal import JSON
internal import Planning

// MARK: - What the next write of an object costs

/// The next write of an object, as far as it is known without a look at the server.
enum NextWrite {
    /// Nothing has to be written.
    case none
    /// The object does not exist, has to be read first, or is on its way from one form to the other.
    case unplanned(Lane)
    case planned(PlannedWrite, Lane)

    var lane: Lane? {
        switch self {
        case .none: nil
        case .unplanned(let lane), .planned(_, let lane): lane
        }
    }

    var plan: PlannedWrite? {
        if case .planned(let plan, _) = self { plan } else { nil }
    }
}

/// A change of an object that is known. It is made once: to read a large object from its text and to compare it costs
/// as much as to write it.
struct PlannedWrite {
    var resource: Resource?
    var object: ActualObject
    var change: Change
}

extension ClusterDelivery {
    /// The next write of an object. The call changes nothing.
    func nextWrite(_ key: ResourceKey, _ wanted: Wanted) -> NextWrite {
        let known = known(key)
        if uncertain.contains(key) || known?.isOutdated == true || cache(of: key.kind).isLost(key) {
            return .unplanned(.unknown(key, wanted))
        }
        guard let known else { return wanted.resource == nil ? .none : .unplanned(.creation(of: key.kind)) }
        var resource = wanted.resource
        if case .serviceEntry(let entry)? = resource {
            // The step depends on the move, not on what is wanted in the end.
            if known.selectsWorkloads == entry.isInline || moves.isMoving(key) {
                return .unplanned(.unknown(key, wanted))
            }
            if !entry.isInline { resource = .serviceEntry(entry.selecting) }
        }
        let object = known.object
        let change = Change.plan(desired: resource, actual: object, ownership: ownership)
        if change == .none { return .none }
        let plan = PlannedWrite(resource: resource, object: object, change: change)
        if push(for: change, key).isFull { return .planned(plan, .fullPush) }
        return .planned(plan, change.removesEndpoints ? .removal : .endpoints)
    }
}

extension Lane {
    /// An object that must be read first, or a service between the two forms of its endpoints.
    fileprivate static func unknown(_ key: ResourceKey, _ wanted: Wanted) -> Lane {
        wanted == .absent && key.kind == .workloadEntry ? .removal : .endpoints
    }

    fileprivate static func creation(of kind: ResourceKind) -> Lane {
        kind == .workloadEntry ? .endpoints : .fullPush
    }
}
