import JSON
import Testing

@testable import Kubernetes

extension LeaderElection.Configuration {
    static func sample(_ identity: String = "me") -> Self {
        var configuration = Self(name: "main", namespace: "ns", identity: identity)
        configuration.handover = handoverAnnotations
        return configuration
    }
}

/// The annotations of the handover that all candidates in these tests agree on.
let handoverAnnotations = LeaderElection.HandoverAnnotations(
    offer: "example.com/holder-unfit", claim: "example.com/fit-candidate")

/// A lease as a server sends it. Leases with the same `renewal` have the same record.
func lease(
    _ holder: String?, version: String = "1", renewal: Int = 1, transitions: Int = 0, duration: Int = 15,
    labels: [String: String] = [:], annotations: [String: String] = [:], uid: String = "u"
) throws -> Lease {
    try lease(
        spec: [
            "holderIdentity": .string(holder ?? ""), "leaseDurationSeconds": .integer(Int64(duration)),
            "leaseTransitions": .integer(Int64(transitions)), "renewTime": .string("renewal \(renewal)"),
            "acquireTime": "earlier",
        ], version: version, labels: labels, annotations: annotations, uid: uid)
}

func lease(
    spec: JSONValue?, version: String = "1", labels: [String: String] = [:], annotations: [String: String] = [:],
    uid: String = "u"
) throws -> Lease {
    let metadata: JSONValue = [
        "name": "main", "namespace": "ns", "uid": .string(uid), "resourceVersion": .string(version),
        "labels": JSONValue(strings: labels), "annotations": JSONValue(strings: annotations),
    ]
    var object = JSONObject([
        (key: "apiVersion", value: "coordination.k8s.io/v1"), (key: "kind", value: "Lease"),
        (key: "metadata", value: metadata),
    ])
    object["spec"] = spec
    return Lease(object: try #require(APIObject(.object(object))))
}
