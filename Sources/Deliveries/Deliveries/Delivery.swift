package import IstioAPI
package import Planning

/// A way out: it makes the other side look as it should, and keeps it so.
package protocol Delivery: Sendable {
    /// Unique among the deliveries.
    var name: String { get }

    /// Delivers until the task is cancelled. Trouble with the other side is reported and tried again, never an end.
    func run(desired: any DesiredState) async

    /// What of ours the other side holds now.
    /// - Throws: What keeps it from being read.
    func owned() async throws -> [ActualObject]

    /// The object that has this name now, whoever owns it.
    func object(_ key: ResourceKey) async throws -> ActualObject?

    /// Carries out one planned change, once.
    func carryOut(_ change: Change, _ key: ResourceKey) async -> Attempt

    /// These resources may have to look different now. It returns at once; what they should look like is asked for
    /// when there is time to deliver it.
    func changed(_ keys: [ResourceKey])

    /// The resources that can't be delivered as they should be, those in trouble for the longest time first.
    /// - Parameter limit: How many of them to tell of.
    func troubles(limit: Int) -> (items: [Trouble], total: Int)

    /// How many resources wait for a look or are being looked at. Those in trouble, which wait for their time, are not among them.
    var pending: Int { get }

    /// What keeps the delivery as a whole from working.
    var obstacle: Obstacle? { get }

    /// Whether replicas share it, and this one is elected to write.
    var isLed: Bool { get }

    /// How replicas share it.
    var leadership: LeadershipState { get }

    /// Closes what it has open. Nothing is asked of it afterwards.
    func end() async
}

extension Delivery {
    package func troubles(limit: Int) -> (items: [Trouble], total: Int) { ([], 0) }
    package var pending: Int { 0 }
    package var obstacle: Obstacle? { nil }
    package var isLed: Bool { false }
    package var leadership: LeadershipState { .notElected }
    package func end() async {}
}

/// What a delivery asks for.
package protocol DesiredState: Sendable {
    /// Tells what of ours the other side held when the delivery began, before anything is written.
    func seed(_ objects: [ActualObject], from delivery: String) async

    /// Tells what of ours the other side holds by the work of another replica, whose choices count.
    func adopt(_ objects: [ActualObject], from delivery: String) async

    func wanted(_ key: ResourceKey) async -> Wanted

    /// Whether the resource may be wanted, as far as that is known without making it.
    func mayBeWanted(_ key: ResourceKey) async -> Bool

    /// Why a WorkloadEntry is not wanted; `nil` where it is, or not enough is known to say.
    func departure(ofWorkload key: ResourceKey) async -> WorkloadDeparture?

    /// All resources that are wanted now, in any order.
    func everyKey() async -> [ResourceKey]

    func delivered(_ receipt: Receipt) async
}

extension DesiredState {
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
        case created
        case updated(PushScope)
        case deleted
        /// The other side, or the rules of ownership, refuse it, for this reason.
        case refused(reason: String)
        /// Somebody else keeps changing it; it is put right less and less often.
        case contested(reason: String)
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
