package import Deliveries
internal import FoundationEssentials
package import IstioAPI
internal import IstioProtobuf
package import Planning

extension XDSDelivery {
    /// How a resource stands in a set. An object here has no limit of size, so endpoints are always part of their
    /// service.
    private static func inlined(_ key: ResourceKey, _ resource: Resource?) -> Resource? {
        switch resource {
        case .serviceEntry(let entry)?: .serviceEntry(entry.inlined)
        case .workloadEntry?, .manifest?, nil: nil
        case .destinationRule?: resource
        }
    }

    /// The definitions here have only the fields that the bridge writes, so that others would be lost.
    private static let refusesManifests =
        "an object that an operator published is not served over xDS; deliver it through the API server"

    /// Brings one resource of the sets to what is wanted.
    func attempt(_ key: ResourceKey, _ wanted: Wanted) -> Attempt {
        if wanted == .undecided { return .done(nil) }
        if case .manifest? = wanted.resource { return .refused(reason: Self.refusesManifests) }
        let resource = Self.inlined(key, wanted.resource)
        let change = Change.plan(desired: resource, actual: hub.object(key), ownership: ownership)
        if change == .none { return .done(nil) }
        let push = change.push()
        // Before the first answer nobody sees what changes.
        let isPaced = hub.isOpen
        if isPaced {
            let lane: Lane = push.isFull ? .fullPush : change.removesEndpoints ? .removal : .endpoints
            guard workers.queue.begin(lane) else { return .held(lane) }
        }
        let outcome: Receipt.Outcome?
        switch change {
        case .none: outcome = nil
        case .conflict(let reason): outcome = .refused(reason: reason)
        case .create(let resource):
            hub.change { $0.set(resource, created: Int64(Date().timeIntervalSince1970)) }
            outcome = .created(push)
        case .patch:
            if let resource { hub.change { $0.set(resource, created: 0) } }
            outcome = .updated(push)
        case .delete:
            hub.change { $0.remove(key) }
            outcome = .deleted(push)
        }
        if isPaced {
            workers.queue.wrote(key, WriteCost(bytes: 0, latency: .zero))
            workers.queue.end()
        }
        return .done(outcome)
    }
}

// MARK: - One-shot reconcile

extension XDSDelivery {
    /// What istiod was given, as the file has it.
    package func owned() async throws -> [ActualObject] {
        guard case .objects(let objects) = try await StateFile(path: settings.state).read() else { return [] }
        return objects.map { ActualObject($0.resource) }.filter(ownership.covers)
    }

    package func object(_ key: ResourceKey) async throws -> ActualObject? {
        try await owned().first { $0.key == key }
    }

    package func plan(_ key: ResourceKey, wanted: Resource?, held: ActualObject?) async -> Change {
        .plan(desired: Self.inlined(key, wanted), actual: held, ownership: ownership)
    }

    /// istiod gets nothing from a command that ends.
    package func carryOut(
        _ changes: [PlannedChange], report: @Sendable (PlannedChange, Attempt) async -> Void
    ) async {
        for change in changes {
            await report(change, .refused(reason: "istiod is served by 'isthmus run' only, and asks for it by itself"))
        }
    }
}

extension ActualObject {
    init(_ resource: Resource) {
        self.init(
            key: resource.key, revision: nil, labels: resource.labels, annotations: resource.annotations,
            spec: resource.spec)
    }
}
