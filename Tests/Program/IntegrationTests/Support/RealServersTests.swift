internal import IsthmusTesting
internal import Testing

/// The helpers themselves: what the other tests build upon holds on this machine.
@Suite("The real servers", .realServers, .timeLimit(.minutes(5)))
struct RealServersTests {
    @Test("ZooKeeper keeps data and sessions over a restart, and answers nothing while it is paused")
    func zooKeeperRestart() async throws {
        try await RealZooKeeper.withServer { zooKeeper in
            let provider = try await PythonDubbo.start(zooKeeper: zooKeeper.connectString)
            await zooKeeper.pause()
            await #expect(throws: TestSupportError.self) {
                try await Loopback.exchange("srvr", port: zooKeeper.port, patience: 1)
            }
            zooKeeper.resume()
            await zooKeeper.kill()
            #expect(!zooKeeper.process.isRunning)
            try await zooKeeper.restart()
            let dump = try await zooKeeper.answer(to: "dump")
            #expect(dump.contains("/dubbo/\(provider.service)/providers/\(provider.znodeName)"))
            await provider.kill()
        }
    }

    @Test("a Python provider registers on the chosen address, and its znode goes by a stop or by the session's end")
    func pythonProviders() async throws {
        try await RealZooKeeper.withServer { zooKeeper in
            let stopped = try await PythonDubbo.start(zooKeeper: zooKeeper.connectString, host: "127.0.0.2")
            let killed = try await PythonDubbo.start(zooKeeper: zooKeeper.connectString, root: "/elsewhere")
            let before = try await zooKeeper.answer(to: "dump")
            #expect(before.contains("/dubbo/\(stopped.service)/providers/\(stopped.znodeName)"))
            #expect(before.contains("/elsewhere/\(killed.service)/providers/\(killed.znodeName)"))
            await stopped.stop()
            #expect(stopped.process.exitStatus == .code(0))
            let after = try await zooKeeper.answer(to: "dump")
            #expect(!after.contains(stopped.znodeName))
            await killed.kill()
            try await eventually("the killed provider's znode is gone") {
                try await zooKeeper.answer(to: "dump")
            } until: {
                !$0.contains(killed.znodeName)
            }
        }
    }

    @Test("each user of the API server has its rights, and the audit log tells who asked for what")
    func apiServerUsers() async throws {
        let server = try await RealAPIServer.shared()
        let namespace = "users"
        try await server.createNamespace(namespace)
        for user in [RealAPIServer.User.admin, .certificate] {
            try await server.kubectl("get", "serviceentries", "-n", namespace, "--context", user.rawValue)
        }
        await #expect(throws: TestSupportError.self) {
            try await server.kubectl("get", "serviceentries", "-n", namespace, "--context", "nobody")
        }
        let requests = try await eventually("all three requests are in the audit log") {
            try server.requests().filter { $0.namespace == namespace && $0.resource == "serviceentries" }
        } until: {
            $0.count == 3
        }
        #expect(requests.map(\.user) == ["admin", "certificate", "nobody"])
        #expect(requests.map(\.status) == [200, 200, 403])
        #expect(requests.allSatisfy { !$0.isWrite })
    }

    @Test("without the watch cache a resource version from before a compaction of etcd is gone")
    func compaction() async throws {
        try await RealAPIServer.withServer(definitions: false, watchCache: false) { server in
            func list(at version: Int) async throws {
                try await server.kubectl(
                    "get", "--raw", "/api/v1/namespaces?resourceVersion=\(version)&resourceVersionMatch=Exact")
            }
            func watch(from version: Int) async throws -> String {
                try await server.kubectl(
                    "get", "--raw", "/api/v1/namespaces?watch=1&timeoutSeconds=1&resourceVersion=\(version)")
            }
            try await server.createNamespace("before")
            let version = try await server.etcd.compact()
            try await list(at: version)
            #expect(try await !watch(from: version).contains("410"))
            await #expect(throws: TestSupportError.self) { try await list(at: version - 1) }
            #expect(try await watch(from: version - 2).contains(#""code":410"#))
        }
    }

    @Test("a client reaches the API server through a proxy, and its watch ends when that cuts the connection")
    func proxiedServer() async throws {
        let server = try await RealAPIServer.shared()
        try await ChaosProxy.withProxy(to: server.port) { proxy in
            let kubectl = try Kubectl(kubeconfig: try server.kubeconfig(through: proxy))
            let uri = "/api/v1/namespaces?timeoutSeconds=601&watch=1"
            let watch = Task { try await kubectl("get", "--raw", uri) }
            try await eventually("the watch is under way") { try server.requests().contains { $0.uri == uri } }
            try await proxy.wait { $0.connections == 1 && $0.toClient.held == 0 }
            await proxy.cut()
            let error = await #expect(throws: TestSupportError.self) { try await watch.value }
            // Not by the signal that ends a command after a minute.
            #expect(error?.description.contains("exit code 1") == true)
        }
    }

    @Test("an ensemble goes on without a member that is paused")
    func pausedMember() async throws {
        try await RealZooKeeperEnsemble.withEnsemble { ensemble in
            let leader = try await ensemble.leader()
            let follower = try #require(ensemble.ports.first { $0 != leader })
            await ensemble.pause(follower)
            await #expect(throws: TestSupportError.self) {
                try await Loopback.exchange("srvr", port: follower, patience: 1)
            }
            #expect(try await ensemble.leader() == leader)
            ensemble.resume(follower)
            try await eventually("the member serves again") {
                try await Loopback.exchange("srvr", port: follower).contains("Mode: ")
            }
        }
    }

    @Test("the check of resources knows Istio's CEL rules and unknown fields, which an old API server doesn't")
    func resourceCheck() async throws {
        func entry(_ rest: String) -> String {
            """
            apiVersion: networking.istio.io/v1beta1
            kind: ServiceEntry
            metadata: {name: demo}
            spec: {hosts: [demo], ports: [{number: 80, name: tcp, protocol: TCP}], \(rest)}
            """
        }
        #expect(
            try await IstioSchema.violations(in: entry("resolution: STATIC, endpoints: [{address: 10.0.0.1}]")) == [])
        #expect(
            try await IstioSchema.violations(in: entry("resolution: NONE, endpoints: [{address: 10.0.0.1}]"))
                == ["ServiceEntry demo: spec: NONE mode cannot set endpoints"])
        #expect(try await IstioSchema.violations(in: entry("resolutoin: NONE")).count == 1)
    }

    @Test("a server that ends before it is ready is an error that shows the end of its log")
    func failedStart() async throws {
        let folder = try TemporaryFolder(label: "failed-start")
        let process = try ChildProcess.start(
            "the server", executable: "/bin/sh", arguments: ["-c", "echo no room; exit 3"],
            log: folder.path(of: "log"))
        let error = await #expect(throws: TestSupportError.self) { try await process.waitUntilReady { false } }
        #expect(error?.description.contains("exit code 3") == true)
        #expect(error?.description.contains("no room") == true)
    }
}
