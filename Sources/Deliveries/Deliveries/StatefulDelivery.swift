package import IstioAPI
package import Planning

/// A delivery whose other side holds objects that can be read back, so that they can be compared with what is wanted.
package protocol StatefulDelivery: Delivery {
    /// Which objects of the other side are ours.
    var ownership: Ownership { get }

    /// The objects of ours that the other side holds now.
    /// - Throws: What keeps the objects from being read.
    func owned() async throws -> [ActualObject]

    /// The object that has this name now, whoever owns it.
    /// - Throws: What keeps the object from being read.
    func object(_ key: ResourceKey) async throws -> ActualObject?

    /// The change that makes the other side hold what is wanted under this name.
    /// - Parameter held: The object of this name among `owned()`.
    func plan(_ key: ResourceKey, wanted: Resource?, held: ActualObject?) async -> Change

    /// What keeps an object that stands from having its effect, though it can be changed; `nil` for nothing.
    func warning(about key: ResourceKey) async -> String?

    /// What keeps new objects of these names from being created, as far as that is known without a write: a namespace
    /// that does not exist.
    func conditions(toCreating keys: [ResourceKey]) async -> [String]

    /// Carries out each change once, in the order that the readers of the other side need. Conflicts are left alone.
    /// - Parameter report: Told of each change what became of it.
    func carryOut(_ changes: [PlannedChange], report: @Sendable (PlannedChange, Attempt) async -> Void) async
}

extension StatefulDelivery {
    package func warning(about key: ResourceKey) async -> String? { nil }
    package func conditions(toCreating keys: [ResourceKey]) async -> [String] { [] }

    package func plan(_ key: ResourceKey, wanted: Resource?, held: ActualObject?) async -> Change {
        await planByName(key, wanted: wanted, held: held)
    }

    package func planByName(_ key: ResourceKey, wanted: Resource?, held: ActualObject?) async -> Change {
        do {
            // Somebody else's object may have the name. Only we make names of WorkloadEntries.
            let isAsked = held == nil && key.kind != .workloadEntry
            let actual = try await isAsked ? object(key) : held
            return .plan(desired: wanted, actual: actual, ownership: ownership)
        } catch {
            return .conflict(reason: "what has the name could not be read: \(error)")
        }
    }
}

/// A change of one object, as a one-shot reconcile plans it.
package struct PlannedChange: Sendable {
    package var key: ResourceKey
    package var change: Change
    /// What istiod pushes for it.
    package var push: IstiodPush

    package init(key: ResourceKey, change: Change, push: IstiodPush) {
        self.key = key
        self.change = change
        self.push = push
    }
}
