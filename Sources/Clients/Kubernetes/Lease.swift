internal import JSON

/// A `Lease` of coordination.k8s.io/v1 as it was read: whole, so that a write keeps the fields of others.
struct Lease: Sendable, Hashable {
    static let type = ResourceType(group: "coordination.k8s.io", version: "v1", plural: "leases", kind: "Lease")

    let object: APIObject

    /// `nil` when it is free.
    var holder: String? { object.json["spec"]?["holderIdentity"]?.string.flatMap { $0.isEmpty ? nil : $0 } }

    /// How long its holder wants it to count after its last change; `nil` when it does not say, or nonsense.
    var duration: Duration? {
        object.json["spec"]?["leaseDurationSeconds"]?.integer.flatMap { $0 > 0 ? .seconds($0) : nil }
    }

    /// Whether its holder is or was unfit, and would rather have another lead.
    var isOffered: Bool { object.metadata.annotations[Self.unfitAnnotation] != nil }

    /// The candidate that is fit and waits for an unfit holder to leave off.
    var claimant: String? { object.metadata.annotations[Self.claimAnnotation] }

    static let unfitAnnotation = "isthmus.mesh/holder-unfit"
    static let claimAnnotation = "isthmus.mesh/fit-candidate"

    var transitions: Int64 { object.json["spec"]?["leaseTransitions"]?.integer ?? 0 }

    /// Whether nobody has taken or renewed it in between. What others do to its labels proves no holder alive.
    func isSameRecord(as other: Self) -> Bool {
        object.metadata.uid == other.object.metadata.uid && object.json["spec"] == other.object.json["spec"]
    }
}

extension Lease {
    /// A write, with the version of the lease that it is based on: on any other it fails with `conflict`.
    enum Write: Sendable, Hashable {
        case create
        case acquire(Lease)
        case renew(Lease)
        /// Asks an unfit holder to leave off.
        case claim(Lease)
        case release(Lease)

        var isClaim: Bool { if case .claim = self { true } else { false } }

        var base: Lease? {
            switch self {
            case .create: nil
            case .acquire(let lease), .renew(let lease), .claim(let lease), .release(let lease): lease
            }
        }
    }
}

extension LeaderElection.Configuration {
    /// The lease after a write: the fields are those, and mean what, client-go writes.
    ///
    /// - Parameters:
    ///   - time: by the wall clock, since 1970. It is for people; no candidate reckons with it.
    ///   - fitness: the writer's; a holder that is unfit says so in an annotation.
    func body(of write: Lease.Write, at time: Duration, fitness: LeaderElection.Fitness = .fit) -> JSONValue {
        var object = write.base?.object.json.object ?? JSONObject()
        object["apiVersion"] = .string(Lease.type.apiVersion)
        object["kind"] = .string(Lease.type.kind)
        if write.base == nil { object["metadata"] = ["name": .string(name), "namespace": .string(namespace)] }
        object["metadata"] = annotated(object["metadata"] ?? [:], by: write, fitness)
        // Its holder goes on, and nothing may look like a renewal.
        if write.isClaim { return .object(object) }
        var spec = object["spec"]?.object ?? JSONObject()
        var now = JSONValue.string(microTime(time))
        // A write that changes nothing proves nobody alive, and a wall clock may stand still or be set back.
        if spec["renewTime"] == now { now = .string(microTime(time + .microseconds(1))) }
        spec["holderIdentity"] = .string(identity)
        spec["leaseDurationSeconds"] = .integer(leaseDuration.components.seconds)
        spec["renewTime"] = now
        switch write {
        case .create:
            spec["acquireTime"] = now
            spec["leaseTransitions"] = 0
        case .acquire(let lease):
            spec["acquireTime"] = now
            // The API's number has 32 bits.
            spec["leaseTransitions"] = .integer(
                (0..<Int64(Int32.max)).contains(lease.transitions) ? lease.transitions + 1 : 1)
        case .renew, .claim:
            break
        case .release:
            spec["holderIdentity"] = ""
            spec["leaseDurationSeconds"] = 1
            spec["acquireTime"] = now
        }
        object["spec"] = .object(spec)
        return .object(object)
    }

    private func annotated(_ metadata: JSONValue, by write: Lease.Write, _ fitness: LeaderElection.Fitness) -> JSONValue
    {
        var metadata = metadata.object ?? JSONObject()
        var annotations = metadata["annotations"]?.object ?? JSONObject()
        switch write {
        case .claim:
            annotations[Lease.claimAnnotation] = .string(identity)
        case .create, .acquire, .renew:
            annotations[Lease.claimAnnotation] = nil
            annotations[Lease.unfitAnnotation] = fitness == .unfit ? "true" : nil
        case .release:
            // It tells who should take it now.
            annotations[Lease.unfitAnnotation] = fitness == .unfit ? "true" : nil
        }
        metadata["annotations"] = annotations.isEmpty ? nil : .object(annotations)
        return .object(metadata)
    }
}
