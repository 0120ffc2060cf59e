internal import IsthmusTesting
internal import JSON
internal import Kubernetes
internal import Logging
internal import Testing

/// What the leader election promises, against a real API server.
@Suite("The leader election", .realServers, .timeLimit(.minutes(5)))
struct LeaderElectionTests {
    /// A candidate that stands for election while the body runs.
    private struct Candidate {
        static let leaseDuration = Duration.seconds(10)
        static let retryPeriod = Duration.milliseconds(500)

        let election: LeaderElection
        let client: KubernetesClient
        private let task: Task<Void, Never>
        private let changes: AsyncStream<Bool>

        init(_ identity: String, of server: RealAPIServer, context: String? = nil, namespace: String) throws {
            let logger = Logger(label: "test")
            client = try KubernetesClient(
                ClusterConfiguration.kubeconfig(path: server.kubeconfig, context: context),
                userAgent: "leader-election-tests/1", logger: logger)
            var configuration = LeaderElection.Configuration(name: "main", namespace: namespace, identity: identity)
            configuration.leaseDuration = Self.leaseDuration
            configuration.renewDeadline = .seconds(8)
            configuration.retryPeriod = Self.retryPeriod
            let election = try LeaderElection(client: client, configuration: configuration, logger: logger)
            let (changes, report) = AsyncStream.makeStream(of: Bool.self)
            task = Task { await election.run { report.yield($0) } }
            self.election = election
            self.changes = changes
        }

        func nextChange() async -> Bool? {
            for await change in changes { return change }
            return nil
        }

        func stop() async {
            task.cancel()
            await task.value
            await client.shutdown()
        }

        /// As if its process were killed: nothing is sent any more.
        func abandon() async {
            await client.shutdown()
            await task.value
        }
    }

    @Test("passes at once from a leader that stops, and within the lease's duration from one that is killed")
    func succession() async throws {
        let server = try await RealAPIServer.shared()
        let namespace = "election-succession"
        try await server.createNamespace(namespace)
        let one = try Candidate("one", of: server, namespace: namespace)
        #expect(await one.nextChange() == true)
        try await server.kubectl("label", "lease", "main", "-n", namespace, "team=a")
        let two = try Candidate("two", of: server, namespace: namespace)
        try await eventually("two knows who leads") { two.election.holder == "one" }

        await one.stop()
        let stopped = ContinuousClock.now
        #expect(await two.nextChange() == true)
        // Its longest wait, and a margin for a busy machine that still is less than the lease.
        #expect(ContinuousClock.now - stopped < Candidate.retryPeriod * 2.2 + .seconds(6))

        let three = try Candidate("three", of: server, namespace: namespace)
        try await eventually("three knows who leads") { three.election.holder == "two" }
        await two.abandon()
        #expect(await two.nextChange() == false)
        let abandoned = ContinuousClock.now
        #expect(await three.nextChange() == true)
        // The last renewal may be seen one wait late.
        #expect(
            ContinuousClock.now - abandoned < Candidate.leaseDuration + Candidate.retryPeriod * 2.2 + .seconds(6))

        let lease = try JSONValue(
            parsing: try await server.kubectl("get", "lease", "main", "-n", namespace, "-o", "json"))
        #expect(lease["spec"]?["holderIdentity"] == "three")
        #expect(lease["spec"]?["leaseTransitions"] == 2)
        #expect(lease["metadata"]?["labels"] == ["team": "a"])
        await three.stop()
    }

    @Test("goes on when the lease is deleted under the leader")
    func deletedLease() async throws {
        let server = try await RealAPIServer.shared()
        let namespace = "election-deleted"
        try await server.createNamespace(namespace)
        let one = try Candidate("one", of: server, namespace: namespace)
        #expect(await one.nextChange() == true)
        try await server.kubectl("delete", "lease", "main", "-n", namespace)
        try await eventually("there is a lease again") {
            try await server.kubectl("get", "lease", "main", "-n", namespace, "-o", "jsonpath={.spec.holderIdentity}")
                == "one"
        }
        #expect(one.election.isLeading)
        await one.stop()
        #expect(await one.nextChange() == false)
    }

    @Test("names the permission that is missing, and needs no other than get, create and update")
    func permissions() async throws {
        let server = try await RealAPIServer.shared()
        let namespace = "election-permissions"
        try await server.createNamespace(namespace)
        let one = try Candidate("one", of: server, context: "nobody", namespace: namespace)
        try await eventually("the missing permission is named") {
            one.election.interruption?.message.contains(
                "may not get leases.coordination.k8s.io in namespace '\(namespace)'; leader election needs a Role with "
                    + "get, create and update") == true
        }
        try await server.kubectl(
            "create", "role", "election", "-n", namespace, "--verb=get,create,update",
            "--resource=leases.coordination.k8s.io")
        try await server.kubectl(
            "create", "rolebinding", "election", "-n", namespace, "--role=election", "--user=nobody")
        #expect(await one.nextChange() == true)
        #expect(one.election.interruption == nil)
        await one.stop()
        #expect(
            try await server.kubectl("get", "lease", "main", "-n", namespace, "-o", "jsonpath={.spec.holderIdentity}")
                == "")
    }
}
