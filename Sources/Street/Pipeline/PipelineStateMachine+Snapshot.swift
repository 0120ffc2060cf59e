internal import Catalog
package import Services
package import Snapshot
internal import Translation

extension PipelineStateMachine {
    /// Takes over the snapshot of an earlier run, before any delivery has told what it holds. Later, the deliveries
    /// know better.
    package mutating func recall(_ records: [SnapshotRecord], now: Duration) -> PipelineEffects {
        var effects = PipelineEffects()
        guard case .awaitingSeeds(var awaited) = phase else { return effects }
        // The formats of this release may lack a protocol that another one had.
        let records = records.filter { translator.portProtocol(of: $0.id) != nil }
        awaited.memory = .init(records: records, time: now)
        phase = .awaitingSeeds(awaited)
        let seeds = records.map {
            ServiceSeed(id: $0.id, registries: $0.registries, instances: $0.instances, announcers: $0.announcers)
        }
        take(catalog.seed(seeds, isRemembered: true, isLast: false, now: now), now: now, &effects)
        return effects
    }

    /// Takes over the choices of an earlier run, where no delivery holds others: a snapshot may be old.
    mutating func seedAssignments(from memory: PipelinePhase.Memory) {
        for record in memory.records {
            guard let known = record.assignment else { continue }
            var choices = Assignments.Assignment(objectName: known.objectName)
            choices.address = known.address
            choices.port = known.port
            choices.resolution = known.resolvesNames ? .names : .static
            choices.emptySince = known.emptyFor.map { memory.time - $0 }
            choices.form = known.hasWorkloads ? .workloadEntry : .inline
            choices.registries = record.registries
            translator.seed(&assignments, record.id, choices)
        }
    }

    /// The services that follow one, sorted; the first ones for `nil`. The first page fixes which services there are.
    package mutating func snapshotPage(
        after id: ServiceID?, limit: Int, now: Duration
    ) -> (answer: [SnapshotRecord], effects: PipelineEffects) {
        if let id {
            snapshotCursor = snapshotCursor.drop { $0 <= id }
        } else {
            snapshotCursor = everyService.union(catalog.seededServices).sorted()[...]
        }
        var effects = PipelineEffects()
        let records = snapshotCursor.prefix(limit).map { record(of: $0, now: now, &effects) }
        snapshotCursor = snapshotCursor.dropFirst(limit)
        return (records, effects)
    }

    private mutating func record(
        of id: ServiceID, now: Duration, _ effects: inout PipelineEffects
    ) -> SnapshotRecord {
        refresh(id, &effects)
        let service = catalog.lastGood(id)
        let assignment = assignments[id]
        return SnapshotRecord(
            id: id,
            assignment: assignment.map { assignment in
                SnapshotRecord.Assignment(
                    objectName: assignment.objectName, address: assignment.address, port: assignment.port,
                    resolvesNames: assignment.resolution != .static,
                    emptyFor: assignment.emptySince.map { now - $0 },
                    hasWorkloads: assignment.form == .workloadEntry)
            },
            registries: service.registries.isEmpty ? assignment?.registries ?? [] : service.registries,
            instances: service.instances, announcers: service.announcers)
    }
}
