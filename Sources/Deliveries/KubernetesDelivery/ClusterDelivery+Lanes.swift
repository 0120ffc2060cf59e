internal import Deliveries
internal import IstioAPI
internal import JSON
internal import Planning

// MARK: - What the next write of an object costs

extension ClusterDelivery {
    /// The lane of an object's next write, as far as that is known without a look at the server; `nil` where nothing
    /// has to be written. It changes nothing.
    func lane(_ key: ResourceKey, _ wanted: Wanted) -> Lane? {
        let known = known(key)
        if uncertain.contains(key) || known?.isOutdated == true || cache(of: key.kind).isLost(key) {
            return .unknown(key, wanted)
        }
        guard let known else { return wanted.resource == nil ? nil : .creation(of: key.kind) }
        var resource = wanted.resource
        if case .serviceEntry(let entry)? = resource {
            // The step depends on the move, not on what is wanted in the end.
            if known.selectsWorkloads == entry.isInline || moves.isMoving(key) { return .unknown(key, wanted) }
            if !entry.isInline { resource = .serviceEntry(entry.selecting) }
        }
        let change = Change.plan(desired: resource, actual: known.object, ownership: ownership)
        if change == .none { return nil }
        if push(for: change, key).isFull { return .fullPush }
        return change.removesEndpoints ? .removal : .endpoints
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
