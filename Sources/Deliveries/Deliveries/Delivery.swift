package import IstioAPI
package import Planning

/// A way out: it makes the other side look as it should, and keeps it so.
package protocol Delivery: Sendable {
    /// Unique among the deliveries.
    var name: String { get }

    /// Delivers until the task is cancelled. A failure of the other side is reported and tried again, never an end.
    /// The desired state is told of each outcome by a receipt.
    func run(desired: any DesiredState) async

    /// These resources may have to look different now. It returns at once. The delivery asks how they should look when
    /// it has time to deliver them.
    func changed(_ keys: [ResourceKey])

    /// What the delivery tells of itself now.
    /// - Parameter limit: How many failures to name.
    func report(limit: Int) -> DeliveryReport

    /// Closes the connections. Nothing is asked of the delivery afterwards.
    func end() async
}

extension Delivery {
    package func end() async {}

    /// Whether replicas share the delivery, and this one is elected to write.
    package var isLed: Bool { report(limit: 0).leadership == .leading }
}

/// What a delivery asks for.
package protocol DesiredState: Sendable {
    /// Tells what of ours the other side held when the delivery began, before anything is written.
    func seed(_ objects: [ActualObject], from delivery: String) async

    /// Tells what of ours the other side holds by the work of another replica, whose choices count.
    func adopt(_ objects: [ActualObject], from delivery: String) async

    /// Tells which objects of ours that an operator published stand on the other side, as far as `seed` doesn't.
    func found(_ objects: [ActualObject]) async

    func wanted(_ key: ResourceKey) async -> Wanted

    /// Whether the resource may be wanted, as far as that is known without making it.
    func mayBeWanted(_ key: ResourceKey) async -> Bool

    /// Why a WorkloadEntry is not wanted; `nil` where it is, or not enough is known to say.
    func departure(ofWorkload key: ResourceKey) async -> WorkloadDeparture?

    /// All resources that are wanted now, in any order.
    func everyKey() async -> [ResourceKey]

    func delivered(_ receipt: Receipt) async

    /// Returns when every registry has been read completely, and nothing waits to be read again; or when the task is
    /// cancelled.
    func settled() async
}

extension DesiredState {
    package func found(_ objects: [ActualObject]) async {}

    package func mayBeWanted(_ key: ResourceKey) async -> Bool { await wanted(key) != .absent }
}

/// Why a WorkloadEntry is not wanted.
package enum WorkloadDeparture: Sendable, Hashable {
    /// Its endpoint has left, or its service has.
    case gone
    /// Its service has all endpoints in itself.
    case inline

    /// - Parameters:
    ///   - wanted: What is known of the WorkloadEntry.
    ///   - service: The ServiceEntry that it belongs to, where that is wanted.
    package init?(_ wanted: Wanted, of service: Resource?) {
        guard wanted == .absent else { return nil }
        self = if case .serviceEntry(let entry)? = service, entry.isInline { .inline } else { .gone }
    }
}

/// How one resource should be.
package enum Wanted: Sendable, Hashable {
    /// A ServiceEntry has its endpoints in either form; a delivery moves between the forms as the other side allows.
    case present(Resource)
    case absent
    /// Not enough is known to say: leave it as it is.
    case undecided

    package static func present(_ entry: ServiceEntry) -> Wanted { .present(.serviceEntry(entry)) }

    /// The resource, where there should be one.
    package var resource: Resource? {
        if case .present(let resource) = self { resource } else { nil }
    }
}

/// What became of a change.
package struct Receipt: Sendable, Hashable {
    package enum Outcome: Sendable, Hashable {
        /// With what istiod pushes for it.
        case created(IstiodPush)
        case updated(IstiodPush)
        case deleted(IstiodPush)
        /// The other side, or the rules of ownership, refuse it, for this reason.
        case refused(reason: String)
        /// Another writer keeps changing it. It is put right less and less often.
        case fieldConflict(reason: String)
        /// It could not be delivered and is tried again.
        case failed(reason: String)
    }

    package var key: ResourceKey
    package var delivery: String
    package var outcome: Outcome
    /// From the moment the delivery was told of the change.
    package var elapsed: Duration

    package init(key: ResourceKey, delivery: String, outcome: Outcome, elapsed: Duration) {
        self.key = key
        self.delivery = delivery
        self.outcome = outcome
        self.elapsed = elapsed
    }
}
