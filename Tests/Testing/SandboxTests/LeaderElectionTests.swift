import IsthmusTesting
import JSON
import Kubernetes
import Logging
import Sandbox
import Synchronization
import Testing

@Suite("A leader election", .timeLimit(.minutes(1)))
struct LeaderElectionTests {
    @Test("takes a free lease, keeps what others wrote into it, and releases it when it is cancelled")
    func leadsAndReleases() async throws {
        try await withAPIServer { server in
            try await server.perform(
                .lease(.create, ["metadata": ["labels": ["team": "a"]], "spec": ["leaseTransitions": 4]]))
            try await withCandidate("one", of: server) { one in
                #expect(!one.election.isLeading)
                one.start()
                #expect(await one.nextChange() == true)
                #expect(one.election.isLeading)
                #expect(one.election.holder == "one")
                let lease = try #require(await server.lease)
                #expect(lease["spec"]?["holderIdentity"] == "one")
                #expect(lease["spec"]?["leaseDurationSeconds"] == 15)
                #expect(lease["spec"]?["leaseTransitions"] == 5)
                #expect(lease["metadata"]?["labels"] == ["team": "a"])

                await one.stop()
                #expect(await one.nextChange() == false)
                #expect(!one.election.isLeading)
                #expect(one.election.holder == nil)
                let released = try #require(await server.lease)
                #expect(released["spec"]?["holderIdentity"] == "")
                #expect(released["spec"]?["leaseDurationSeconds"] == 1)
                #expect(released["spec"]?["leaseTransitions"] == 5)
                #expect(released["metadata"]?["labels"] == ["team": "a"])
            }
        }
    }

    @Test("passes from one that stops to one that waits, after the first has reported its loss")
    func handover() async throws {
        try await withAPIServer { server in
            try await withCandidate("one", of: server) { one in
                try await withCandidate("two", of: server) { two in
                    one.start()
                    #expect(await one.nextChange() == true)
                    two.start()
                    try await eventually("two knows who leads") { two.election.holder == "one" }
                    await two.clock.someoneSleeps()

                    one.holdReports()
                    let stopping = Task { await one.stop() }
                    #expect(await one.nextChange() == false)
                    #expect(!one.election.isLeading)
                    // Its writers may still be at work.
                    #expect(await server.lease?["spec"]?["holderIdentity"] == "one")
                    one.letReportsGo()
                    await stopping.value

                    // At most 2.2 retry periods.
                    two.clock.advance(by: .seconds(4.4))
                    #expect(await two.nextChange() == true)
                    #expect(await server.lease?["spec"]?["leaseTransitions"] == 1)
                }
            }
        }
    }

    @Test("does not lead when its process was stopped past the term, reports that, and may lead again")
    func stoppedAndWoken() async throws {
        try await withAPIServer { server in
            try await withCandidate("one", of: server) { one in
                one.start()
                #expect(await one.nextChange() == true)
                await one.clock.someoneSleeps()
                one.holdReports()
                one.clock.advance(by: .seconds(30))
                #expect(!one.election.isLeading)
                #expect(await one.nextChange() == false)
                // The lease is its own again long before that report has returned.
                try await server.waitForRequests { $0[.update, "leases"] == 1 }
                await one.clock.someoneSleeps()
                #expect(!one.election.isLeading)
                one.letReportsGo()
                #expect(await one.nextChange() == true)
                #expect(one.election.isLeading)
            }
        }
    }

    @Test("does not lead when it wakes and another has taken the lease")
    func takenWhileStopped() async throws {
        try await withAPIServer { server in
            try await withCandidate("one", of: server) { one in
                one.start()
                #expect(await one.nextChange() == true)
                await one.clock.someoneSleeps()
                try await server.perform(.lease(.patch, ["spec": ["holderIdentity": "two"]]))
                one.clock.advance(by: .seconds(30))
                #expect(await one.nextChange() == false)
                try await eventually("one knows who leads") { one.election.holder == "two" }
                await one.stop()
                // Not its own to release.
                #expect(await server.lease?["spec"]?["holderIdentity"] == "two")
            }
        }
    }

    @Test("goes on leading while the server fails for less than the term, and not longer")
    func outage() async throws {
        try await withAPIServer { server in
            try await withCandidate("one", of: server) { one in
                one.start()
                #expect(await one.nextChange() == true)
                for fault in [
                    APIServerFault.dropConnection, .loseReply, .respond(status: 500),
                    .respond(status: 429, headers: [("Retry-After", "7")]),
                ] {
                    let version = await server.lease?["metadata"]?["resourceVersion"]
                    await server.inject(fault, where: { $0.verb == .update })
                    while await server.lease?["metadata"]?["resourceVersion"] == version, one.election.isLeading {
                        await one.clock.someoneSleeps()
                        one.clock.advance(by: .seconds(2))
                    }
                    await one.clock.someoneSleeps()
                    #expect(one.election.isLeading)
                    #expect(await server.lease?["metadata"]?["resourceVersion"] != version)
                }

                await server.inject(.respond(status: 503), times: .max)
                while one.election.isLeading {
                    await one.clock.someoneSleeps()
                    one.clock.advance(by: .seconds(2))
                }
                #expect(await one.nextChange() == false)
                #expect(one.election.interruption?.code == .unavailable)
                await server.removeFaults()
                await one.clock.someoneSleeps()
                one.clock.advance(by: .seconds(5))
                #expect(await one.nextChange() == true)
                #expect(one.election.interruption == nil)
            }
        }
    }

    @Test("names the permission that it lacks, and leads when it has it")
    func forbidden() async throws {
        try await withAPIServer { server in
            await server.inject(.respond(status: 403), where: { $0.verb == .create })
            try await withCandidate("one", of: server) { one in
                one.start()
                await one.clock.someoneSleeps()
                let error = try #require(one.election.interruption)
                #expect(error.code == .forbidden)
                #expect(
                    error.message.hasPrefix(
                        "the client's user may not create leases.coordination.k8s.io in namespace 'default'; leader "
                            + "election needs a Role with get, create and update there"))
                one.clock.advance(by: .seconds(5))
                #expect(await one.nextChange() == true)
            }
        }
    }

    @Test("gives up a request that hangs in time to try another, and to leave off when the term is over")
    func hangs() async throws {
        try await withAPIServer { server in
            try await withCandidate("one", of: server, isRealTime: true) { one in
                one.start()
                #expect(await one.nextChange() == true)
                await server.inject(.hang, where: { $0.verb == .update })
                let updates = await server.requestCounts[.update, "leases"]
                // After the one that hangs it reads, and then renews.
                try await server.waitForRequests { $0[.update, "leases"] >= updates + 3 }
                await server.inject(.hang, times: .max)
                #expect(await one.nextChange() == false)
                await server.removeFaults()
                #expect(await one.nextChange() == true)
            }
        }
    }

    @Test("releases the lease although it is cancelled in the middle of a renewal")
    func cancelledRenewal() async throws {
        try await withAPIServer { server in
            try await withCandidate("one", of: server) { one in
                one.start()
                #expect(await one.nextChange() == true)
                await one.clock.someoneSleeps()
                await server.inject(.hang, where: { $0.verb == .update })
                one.clock.advance(by: .seconds(2))
                try await server.waitForRequests { $0[.update, "leases"] == 1 }
                await one.stop()
                #expect(await one.nextChange() == false)
                #expect(await server.lease?["spec"]?["holderIdentity"] == "")
            }
        }
    }

    @Test("ends within moments when it is cancelled and the server does not answer")
    func unreleasable() async throws {
        try await withAPIServer { server in
            try await withCandidate("one", of: server, isRealTime: true) { one in
                one.start()
                #expect(await one.nextChange() == true)
                await server.inject(.hang, times: .max)
                let start = ContinuousClock.now
                await one.stop()
                // A request alone may take thirty.
                #expect(ContinuousClock.now - start < .seconds(20))
                #expect(await server.lease?["spec"]?["holderIdentity"] == "one")
            }
        }
    }

    @Test("ends when its client is shut down, and leaves the lease to run out")
    func clientShutDown() async throws {
        try await withAPIServer { server in
            try await withCandidate("one", of: server) { one in
                one.start()
                #expect(await one.nextChange() == true)
                await one.clock.someoneSleeps()
                await one.client.shutdown()
                one.clock.advance(by: .seconds(2))
                #expect(await one.nextChange() == false)
                await one.ended()
                #expect(await server.lease?["spec"]?["holderIdentity"] == "one")
            }
        }
    }

    @Test("renews whatever the wall clock shows")
    func wallClock() async throws {
        try await withAPIServer { server in
            let times = Mutex<[Duration]>([.seconds(2_000_000_000), .seconds(0), .seconds(0), .seconds(4_000_000_000)])
            let jumping = { @Sendable in times.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] } }
            try await withCandidate("one", of: server, wallClock: jumping) { one in
                one.start()
                #expect(await one.nextChange() == true)
                var versions: Set<String> = []
                for _ in 0..<20 {
                    await one.clock.someoneSleeps()
                    versions.insert(await server.lease?["metadata"]?["resourceVersion"]?.string ?? "")
                    #expect(one.election.isLeading)
                    one.clock.advance(by: .seconds(2))
                }
                // Each renewal was seen by others.
                #expect(versions.count == 20)
            }
        }
    }

    @Test("is refused when its times do not fit together")
    func configuration() async throws {
        let client = try KubernetesClient(
            ClusterConfiguration(server: "http://127.0.0.1:1"), userAgent: "test", logger: .silent)
        var configuration = LeaderElection.Configuration(name: "main", namespace: "default")
        configuration.renewDeadline = .seconds(20)
        #expect(throws: KubernetesError.self) {
            try LeaderElection(client: client, configuration: configuration, logger: .silent)
        }
        await client.shutdown()
    }
}
