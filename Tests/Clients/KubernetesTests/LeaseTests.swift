import JSON
import Testing

@testable import Kubernetes

@Suite("A lease")
struct LeaseTests {
    private let configuration = LeaderElection.Configuration.sample()
    private let noon = Duration.seconds(1_785_585_600) + .microseconds(42)

    @Test("has times of RFC 3339 with six digits")
    func microTimes() {
        #expect(microTime(noon) == "2026-08-01T12:00:00.000042Z")
        #expect(microTime(.zero) == "1970-01-01T00:00:00.000000Z")
        #expect(microTime(.nanoseconds(1_999_999_999)) == "1970-01-01T00:00:01.999999Z")
    }

    @Test("is created with all fields that client-go writes")
    func creation() {
        #expect(
            configuration.body(of: .create, at: noon) == [
                "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
                "metadata": ["name": "main", "namespace": "ns"],
                "spec": [
                    "holderIdentity": "me", "leaseDurationSeconds": 15, "leaseTransitions": 0,
                    "acquireTime": "2026-08-01T12:00:00.000042Z", "renewTime": "2026-08-01T12:00:00.000042Z",
                ],
            ])
    }

    @Test("counts a transition when it changes hands, and keeps the fields of others")
    func acquisition() throws {
        var spec = try #require(try lease("other", transitions: 7, duration: 60).object.json["spec"]?.object)
        spec["preferredHolder"] = "third"
        let body = configuration.body(of: .acquire(try lease(spec: .object(spec), labels: ["a": "b"])), at: noon)
        #expect(body["spec"]?["holderIdentity"] == "me")
        #expect(body["spec"]?["leaseDurationSeconds"] == 15)
        #expect(body["spec"]?["leaseTransitions"] == 8)
        #expect(body["spec"]?["acquireTime"] == "2026-08-01T12:00:00.000042Z")
        #expect(body["spec"]?["preferredHolder"] == "third")
        #expect(body["metadata"]?["labels"] == ["a": "b"])
        // The uid is a precondition: the write must not hit a later lease of the same name.
        #expect(body["metadata"]?["uid"] == "u")
    }

    @Test("changes only its time by a renewal, even when the wall clock stands still")
    func renewal() throws {
        let mine = try lease("me", transitions: 7)
        let body = configuration.body(of: .renew(mine), at: noon)
        #expect(body["spec"]?["acquireTime"] == "earlier")
        #expect(body["spec"]?["leaseTransitions"] == 7)
        #expect(body["spec"]?["renewTime"] == "2026-08-01T12:00:00.000042Z")
        let renewed = Lease(object: try #require(APIObject(body)))
        #expect(!mine.isSameRecord(as: renewed))
        #expect(
            configuration.body(of: .renew(renewed), at: noon)["spec"]?["renewTime"] == "2026-08-01T12:00:00.000043Z")
    }

    @Test("is released as by client-go: free, for a second, with its count of transitions")
    func release() throws {
        let body = configuration.body(of: .release(try lease("me", transitions: 7)), at: noon)
        #expect(body["spec"]?["holderIdentity"] == "")
        #expect(body["spec"]?["leaseDurationSeconds"] == 1)
        #expect(body["spec"]?["leaseTransitions"] == 7)
        #expect(Lease(object: try #require(APIObject(body))).holder == nil)
    }

    @Test("keeps its annotations as they are where candidates have agreed on no handover")
    func noHandover() throws {
        var configuration = configuration
        configuration.handover = nil
        let annotations = [handoverAnnotations.offer: "true", handoverAnnotations.claim: "third"]
        let before = try lease("me", annotations: annotations)
        for write in [Lease.Write.acquire(before), .renew(before), .claim(before), .release(before)] {
            let body = configuration.body(of: write, at: noon, fitness: .unfit)
            #expect(body["metadata"]?["annotations"]?.strings == annotations)
        }
        #expect(configuration.body(of: .create, at: noon, fitness: .unfit)["metadata"]?["annotations"] == nil)
    }

    @Test("with malformed fields counts as far as it can be read, and is repaired by the next holder")
    func malformed() throws {
        let specs: [JSONValue?] = [
            nil, .null, [], "text", [:],
            ["holderIdentity": 7, "leaseDurationSeconds": "long", "leaseTransitions": "many", "renewTime": false],
            ["holderIdentity": .null, "leaseDurationSeconds": -1, "leaseTransitions": .integer(.max)],
            ["leaseDurationSeconds": 0, "leaseTransitions": -5],
        ]
        for spec in specs {
            let lease = try lease(spec: spec)
            #expect(lease.holder == nil)
            #expect(lease.duration == nil)
            let mended = Lease(object: try #require(APIObject(configuration.body(of: .acquire(lease), at: noon))))
            #expect(mended.holder == "me")
            #expect(mended.duration == .seconds(15))
            #expect(mended.transitions == 1)
        }
    }
}

@Suite("The configuration of a leader election")
struct LeaderElectionConfigurationTests {
    @Test("has client-go's times, and a unique identity for each candidate")
    func defaults() throws {
        let configuration = LeaderElection.Configuration(name: "main", namespace: "ns")
        try configuration.validate()
        #expect(configuration.leaseDuration == .seconds(15))
        #expect(configuration.renewDeadline == .seconds(10))
        #expect(configuration.retryPeriod == .seconds(2))
        #expect(configuration.identity.wholeMatch(of: /.+_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/) != nil)
        #expect(configuration.identity != LeaderElection.Configuration(name: "main", namespace: "ns").identity)
    }

    @Test(
        "is refused when its parts do not fit together, and the message names the part",
        arguments: [
            ("name", { @Sendable in $0.name = "" }),
            ("namespace", { $0.namespace = "" }),
            ("identity", { $0.identity = "" }),
            ("whole seconds", { $0.leaseDuration = .milliseconds(15_500) }),
            ("whole seconds", { $0.leaseDuration = .zero }),
            ("whole seconds", { $0.leaseDuration = .seconds(Int64.max) }),
            ("renewDeadline", { $0.leaseDuration = .seconds(10) }),
            ("retryPeriod", { $0.retryPeriod = .zero }),
            ("1.2 times retryPeriod", { $0.retryPeriod = .seconds(10) / 1.2 }),
            ("annotations of the handover", { $0.handover?.claim = "" }),
            ("annotations of the handover", { $0.handover = .init(offer: "same", claim: "same") }),
        ] as [(String, @Sendable (inout LeaderElection.Configuration) -> Void)])
    func validation(expected: String, spoil: @Sendable (inout LeaderElection.Configuration) -> Void) async throws {
        var configuration = LeaderElection.Configuration.sample()
        spoil(&configuration)
        let error = try await failure { () async throws(KubernetesError) in try configuration.validate() }
        #expect(error.code == .configuration)
        #expect(error.message.contains(expected))
    }
}
