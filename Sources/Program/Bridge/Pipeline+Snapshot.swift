internal import Catalog
internal import IstioAPI
package import Services
package import Snapshot
internal import Translation

extension Pipeline: SnapshotSource {
    /// Takes over what was written by an earlier run. To be called before anything else.
    package func recall(_ records: [SnapshotRecord]) {
        recalled = records
        recallTime = now
        let seeds = records.map { ServiceSeed(id: $0.id, registries: $0.registries, instances: $0.instances) }
        carryOut(catalog.seed(seeds, isRemembered: true, isLast: unseeded.isEmpty, now: now))
    }

    /// The choices that were recalled, where no delivery holds others: a memory may be old.
    func seedRecalled() {
        for record in recalled {
            for (applicationProtocol, object) in record.objects.sorted(by: { $0.key < $1.key }) {
                assignments.seed(
                    record.id, object: object.name, protocol: applicationProtocol,
                    address: record.address, registries: record.registries,
                    emptySince: object.emptyFor.map { recallTime - $0 },
                    form: object.hasWorkloads ? .workloadEntry : .inline)
            }
        }
        recalled = []
    }

    package func snapshotPage(after id: ServiceID?, limit: Int) -> [SnapshotRecord] {
        if id == nil { snapshotOrder = everyService.union(catalog.seededServices).sorted()[...] }
        if let id { snapshotOrder = snapshotOrder.drop { $0 <= id } }
        defer { snapshotOrder = snapshotOrder.dropFirst(limit) }
        return snapshotOrder.prefix(limit).map { record(of: $0) }
    }

    private func record(of id: ServiceID) -> SnapshotRecord {
        refresh(id)
        let service = catalog.lastGood(id)
        let assignment = assignments[id]
        return SnapshotRecord(
            id: id, address: assignment?.address,
            objects: (assignment?.objects ?? [:]).mapValues { object in
                SnapshotRecord.Object(
                    name: object.name, emptyFor: object.emptySince.map { now - $0 },
                    hasWorkloads: object.form == .workloadEntry)
            },
            registries: service.registries.isEmpty ? assignment?.registries ?? [] : service.registries,
            instances: service.instances)
    }
}
