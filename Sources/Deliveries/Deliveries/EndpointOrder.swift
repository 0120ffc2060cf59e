internal import IstioAPI
internal import Planning

/// The order in which a one-shot reconcile carries out its changes: a reader always sees all endpoints of a service in
/// one of their two forms.
///
/// Changes that show endpoints come first. Changes that take endpoints away come last, when the readers have had time
/// to see the first. A cluster that is followed keeps the same order for each service (`EndpointMoves` in
/// `KubernetesDelivery`).
package struct EndpointOrder: Sendable {
    private let first: [PlannedChange]
    private let last: [PlannedChange]

    package init(_ changes: [PlannedChange]) {
        first = changes.filter { !$0.change.takesAwayEndpoints }
        last = changes.filter(\.change.takesAwayEndpoints)
    }

    /// Carries out every change once. What takes endpoints away is left out where a change of the same service failed.
    /// - Parameters:
    ///   - width: How many changes may be under way at once.
    ///   - settleTime: How long the readers may take to see a change.
    ///   - carryOut: Carries out one change.
    ///   - report: Told of each change what became of it.
    package func carryOut(
        width: Int, settleTime: Duration, by carryOut: @escaping @Sendable (PlannedChange) async -> Attempt,
        report: @Sendable (PlannedChange, Attempt) async -> Void
    ) async {
        let failed = await Self.carryOut(first, width: width, by: carryOut, report)
        if last.isEmpty { return }
        // Also where nothing came first: an earlier reconcile may have shown the endpoints just now.
        try? await Task.sleep(for: settleTime)
        for change in last where failed.contains(change.service) {
            await report(
                change, .failed(reason: "it waits for a change that could not be carried out", retryAfter: nil))
        }
        _ = await Self.carryOut(last.filter { !failed.contains($0.service) }, width: width, by: carryOut, report)
    }

    /// - Returns: The services of which a change could not be carried out.
    private static func carryOut(
        _ changes: [PlannedChange], width: Int, by carryOut: @escaping @Sendable (PlannedChange) async -> Attempt,
        _ report: @Sendable (PlannedChange, Attempt) async -> Void
    ) async -> Set<ResourceKey> {
        var failed: Set<ResourceKey> = []
        await withTaskGroup(of: (PlannedChange, Attempt).self) { group in
            var remaining = changes[...]
            func addNext() {
                guard let change = remaining.popFirst() else { return }
                group.addTask { (change, await carryOut(change)) }
            }
            for _ in 0..<width { addNext() }
            while let (change, attempt) = await group.next() {
                addNext()
                if case .done = attempt {} else { failed.insert(change.service) }
                await report(change, attempt)
            }
        }
        return failed
    }
}

extension PlannedChange {
    /// The ServiceEntry that the object is, or belongs to.
    fileprivate var service: ResourceKey { WorkloadEntry.serviceEntry(ofWorkload: key) ?? key }
}
