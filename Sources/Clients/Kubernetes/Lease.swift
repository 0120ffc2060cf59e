internal import JSON

/// A `Lease` of coordination.k8s.io/v1 as it was read. It is kept whole, so that a write keeps the fields of others.
struct Lease: Sendable, Hashable {
    static let type = ResourceType(group: "coordination.k8s.io", version: "v1", plural: "leases", kind: "Lease")

    let object: APIObject

    /// The identity of the holder; `nil` when the lease is free.
    var holder: String? { object.json["spec"]?["holderIdentity"]?.string.flatMap { $0.isEmpty ? nil : $0 } }

    /// How long the lease counts after its holder's last change; `nil` when the lease holds no positive number.
    var duration: Duration? {
        object.json["spec"]?["leaseDurationSeconds"]?.integer.flatMap { $0 > 0 ? .seconds($0) : nil }
    }

    var transitions: Int64 { object.json["spec"]?["leaseTransitions"]?.integer ?? 0 }

    /// Whether nobody took or renewed the lease between the two readings. A change of its metadata is no renewal.
    func isSameRecord(as other: Self) -> Bool {
        object.metadata.uid == other.object.metadata.uid && object.json["spec"] == other.object.json["spec"]
    }
}

extension LeaderElection.HandoverAnnotations {
    /// Whether the lease's holder offers it to a candidate that is fit.
    func isOffered(_ lease: Lease) -> Bool { lease.object.metadata.annotations[offer] != nil }

    /// The fit candidate that claims the lease from an unfit holder.
    func claimant(of lease: Lease) -> String? { lease.object.metadata.annotations[claim] }
}

extension Lease {
    /// A write, with the version of the lease that it is based on. On any other version it fails with `conflict`.
    enum Write: Sendable, Hashable {
        case create
        case acquire(Lease)
        case renew(Lease)
        /// Asks an unfit holder to yield.
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
    /// Makes the lease after a write. Its fields, and their meaning, are those that client-go writes.
    ///
    /// - Parameters:
    ///   - time: the wall clock's time since 1970. It is for people: no candidate computes with it.
    ///   - fitness: the writer's fitness. A holder that is unfit offers the lease in an annotation.
    func body(of write: Lease.Write, at time: Duration, fitness: LeaderElection.Fitness = .fit) -> JSONValue {
        var object = write.base?.object.json.object ?? JSONObject()
        object["apiVersion"] = .string(Lease.type.apiVersion)
        object["kind"] = .string(Lease.type.kind)
        if write.base == nil { object["metadata"] = ["name": .string(name), "namespace": .string(namespace)] }
        object["metadata"] = annotated(object["metadata"] ?? [:], by: write, fitness)
        // A claim must not look like a renewal: the holder stays the holder.
        if write.isClaim { return .object(object) }
        var spec = object["spec"]?.object ?? JSONObject()
        var now = JSONValue.string(microTime(time))
        // Only a change proves that the holder is alive, and a wall clock may stand still or be set back.
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
        guard let handover else { return metadata }
        var metadata = metadata.object ?? JSONObject()
        var annotations = metadata["annotations"]?.object ?? JSONObject()
        switch write {
        case .claim:
            annotations[handover.claim] = .string(identity)
        case .create, .acquire, .renew:
            annotations[handover.claim] = nil
            annotations[handover.offer] = fitness == .unfit ? "true" : nil
        case .release:
            // The claim stays: it names the candidate that should take the lease now.
            annotations[handover.offer] = fitness == .unfit ? "true" : nil
        }
        metadata["annotations"] = annotations.isEmpty ? nil : .object(annotations)
        return .object(metadata)
    }
}
