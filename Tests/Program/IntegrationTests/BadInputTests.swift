internal import Foundation
internal import IsthmusTesting
internal import NIOCore
internal import Testing
internal import ZooKeeper

/// What is wrong around the bridge gets a message that says what to do, harms nothing else, and is over as soon as it
/// is mended.
@Suite("Bad input", .realServers, .serialized, .timeLimit(.minutes(5)))
struct BadInputTests {
    private static let orders = "com.acme.Orders"
    private static let stock = "com.acme.Stock"

    private static func url(_ address: String, _ interface: String) -> String {
        "dubbo://\(address)/\(interface)?application=shop&interface=\(interface)&side=provider"
    }

    @Test("garbage beside good providers is left out with its reason, and the good ones are delivered")
    func garbageZnodes() async throws {
        try await Scene.run { scene in
            func register(node: String, _ interface: String) async throws {
                try await scene.withZooKeeper { client in
                    try await client.ensurePath("/dubbo/\(interface)/providers")
                    try await client.create("/dubbo/\(interface)/providers/\(node)")
                }
            }
            try await scene.register(Self.url("10.1.0.1:20880", Self.orders), interface: Self.orders)
            try await register(node: "not a URL", Self.orders)
            try await scene.withZooKeeper { client in
                try await client.ensurePath("/dubbo/no.providers")
                try await client.create("/dubbo/loose-node", data: ByteBuffer(bytes: [0xFF, 0x00, 0xFE]))
            }
            try await scene.withBridge { bridge in
                _ = try await scene.entry("com.acme.orders") { $0.endpointCount == 1 }
                try await scene.wait(for: "interface=\(Self.orders)", in: bridge)
                let garbage = [
                    (Scene.encoded(Self.url("10.1.0.2:99999", Self.orders)), "99999"),
                    (Scene.encoded(Self.url("0.0.0.0:20880", Self.orders)), "0.0.0.0"),
                    ("dubbo%3A%2F%2F%FF%FE", "reason="),
                    ("%ZZ", "reason="),
                    (Scene.encoded("thrift://10.1.0.2:20880/\(Self.orders)"), "the protocol 'thrift' is none of"),
                    (Scene.encoded("dubbo://me:hunter2@:1/\(Self.orders)"), "reason="),
                ]
                for (node, reason) in garbage {
                    let seen = bridge.log.utf8.count
                    try await register(node: node, Self.orders)
                    try await eventually("the log says why \(node) is left out") {
                        String(bridge.log.dropFirst(seen))
                    } until: {
                        $0.contains("left out") && $0.contains(reason)
                    }
                }
                // What came after the garbage arrives, and nothing of the garbage does.
                try await scene.register(Self.url("10.1.0.3:20880", Self.orders), interface: Self.orders)
                let entry = try await scene.entry("com.acme.orders") { $0.endpointCount == 2 }
                #expect(entry.endpoints(on: "tcp-dubbo") == ["10.1.0.1:20880", "10.1.0.3:20880"])
                #expect(try await scene.entries().count == 1)
                #expect(!bridge.log.contains("hunter2"))
            }
        }
    }

    @Test("a service none of whose providers can be understood any more keeps its last good form over a restart")
    func onlyGarbage() async throws {
        try await Scene.run { scene in
            let good = Self.url("10.1.0.1:20880", Self.orders)
            try await scene.register(good, interface: Self.orders)
            try await scene.withBridge { _ in
                _ = try await scene.entry("com.acme.orders") { $0.endpointCount == 1 }
            }
            let before = try await scene.entries()
            try await scene.deregister(good, interface: Self.orders)
            try await scene.register("dubbo://10.1.0.1:99999/\(Self.orders)", interface: Self.orders)
            try await scene.withBridge { bridge in
                try await scene.wait(for: "is not a port", in: bridge)
                try await scene.register(Self.url("10.1.0.2:20880", Self.stock), interface: Self.stock)
                _ = try await scene.entry("com.acme.stock") { $0.endpointCount == 1 }
                #expect(try await scene.entries()["com.acme.orders"] == before["com.acme.orders"])
            }
        }
    }

    @Test("while ZooKeeper can't be reached at the start, objects stay; once it is there, changes are delivered")
    func unreachableRegistry() async throws {
        try await Scene.runAlone { scene in
            try await scene.register(Self.url("10.1.0.1:20880", Self.orders), interface: Self.orders)
            try await scene.withBridge { _ in
                _ = try await scene.entry("com.acme.orders") { $0.endpointCount == 1 }
            }
            let before = try await scene.entries()
            #expect(try await scene.writes(expecting: ["create": 1]) == ["create": 1])
            await scene.zooKeeper.kill()
            try await scene.withBridge { bridge in
                try await scene.wait(for: "registry disconnected", in: bridge)
                try await scene.wait(for: "127.0.0.1:\(scene.zooKeeper.port)", in: bridge)
                try await scene.wait(for: "owned objects read", in: bridge)
                #expect(try await scene.entries() == before)
                try await scene.zooKeeper.restart()
                try await scene.register(Self.url("10.1.0.2:20880", Self.orders), interface: Self.orders)
                // A server that is starting may take a connection and never answer on it.
                let after = try await scene.entry("com.acme.orders") { $0.endpointCount == 2 }
                #expect(after.virtualAddresses == before["com.acme.orders"]?.virtualAddresses)
                #expect(try scene.writes().dropFirst().allSatisfy { $0.verb == "patch" })
            }
        }
    }

    @Test("a missing root is said to be missing and not taken for an empty registry; when it is made, it is read")
    func missingRoot() async throws {
        try await Scene.run { scene in
            try await scene.register(Self.url("10.1.0.1:20880", Self.orders), interface: Self.orders)
            try await scene.withBridge { _ in
                _ = try await scene.entry("com.acme.orders") { $0.endpointCount == 1 }
            }
            let before = try await scene.entries()
            try await scene.withBridge(scene.connection(root: "/dubo")) { bridge in
                try await scene.wait(for: "there is no znode \(scene.chroot)/dubo", in: bridge)
                try await scene.wait(for: "Check the root's name", in: bridge)
                try await scene.wait(for: "owned objects read", in: bridge)
                #expect(try await scene.entries() == before)
                try await scene.withZooKeeper { client in
                    let providers = "/dubo/\(Self.stock)/providers"
                    try await client.ensurePath(providers)
                    try await client.create(
                        providers + "/" + Scene.encoded(Self.url("10.1.0.2:20880", Self.stock)))
                }
                _ = try await scene.entry("com.acme.stock") { $0.endpointCount == 1 }
            }
        }
    }

    @Test("an API server without Istio's definitions is named as such, and delivered to when it has them")
    func missingDefinitions() async throws {
        try await RealAPIServer.withServer(definitions: false) { server in
            try await Scene.run(server: server) { scene in
                try await scene.register(Self.url("10.1.0.1:20880", Self.orders), interface: Self.orders)
                try await scene.withBridge { bridge in
                    try await scene.wait(
                        for: "does not know networking.istio.io/ServiceEntry: install Istio's CRDs", in: bridge)
                    try await server.loadDefinitions()
                    _ = try await scene.entry("com.acme.orders") { $0.endpointCount == 1 }
                }
            }
        }
    }

    @Test("a missing permission is named, with the user who lacks it, and delivery begins when it is granted")
    func missingPermission() async throws {
        try await Scene.run { scene in
            try await scene.register(Self.url("10.1.0.1:20880", Self.orders), interface: Self.orders)
            try await scene.withBridge(scene.connection(context: RealAPIServer.User.nobody.rawValue)) { bridge in
                try await scene.wait(for: "cluster view interrupted", in: bridge)
                try await scene.wait(for: #"User \"nobody\" cannot list resource \"serviceentries\""#, in: bridge)
                try await scene.server.kubectl(
                    "create", "role", "isthmus", "-n", scene.namespace, "--verb=get,list,watch",
                    "--resource=serviceentries.networking.istio.io")
                try await scene.server.kubectl(
                    "create", "rolebinding", "isthmus", "-n", scene.namespace, "--role=isthmus", "--user=nobody")
                try await scene.wait(for: "leader election needs a Role with get, create and update there", in: bridge)
                try await scene.server.kubectl(
                    "create", "role", "election", "-n", scene.namespace, "--verb=get,create,update",
                    "--resource=leases.coordination.k8s.io")
                try await scene.server.kubectl(
                    "create", "rolebinding", "election", "-n", scene.namespace, "--role=election", "--user=nobody")
                try await scene.wait(for: "the bridge needs get, list, watch, create, patch and delete on", in: bridge)
                try await scene.server.kubectl(
                    "patch", "role", "isthmus", "-n", scene.namespace, "--type=json",
                    "-p=[{op: add, path: /rules/0/verbs/-, value: create}]")
                _ = try await scene.entry("com.acme.orders") { $0.endpointCount == 1 }
            }
        }
    }

    @Test("a missing namespace is named, and delivered to when it is made")
    func missingNamespace() async throws {
        try await Scene.run { scene in
            let namespace = scene.namespace + "-later"
            try await scene.register(Self.url("10.1.0.1:20880", Self.orders), interface: Self.orders)
            try await scene.withBridge(scene.connection(namespace: namespace)) { bridge in
                try await scene.wait(for: "create the namespace '\(namespace)'", in: bridge)
                try await scene.server.createNamespace(namespace)
                try await eventually("the entry is there") {
                    try await scene.server.kubectl("get", "serviceentries", "-n", namespace)
                } until: {
                    $0.contains("com.acme.orders")
                }
            }
        }
    }

    @Test("a server whose certificate another authority signed is refused with a message that says so")
    func wrongAuthority() async throws {
        try await Scene.run { scene in
            let folder = try TemporaryFolder(label: "authority")
            let authority = folder.path(of: "other.crt")
            try await ChildProcess.outputOfRunning(
                try ServerTools.locate().openssl,
                [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=another authority", "-keyout", folder.path(of: "other.key"), "-out", authority,
                ])
            let kubeconfig = try String(contentsOfFile: scene.server.kubeconfig, encoding: .utf8)
            let lines = kubeconfig.split(separator: "\n").map { line in
                line.contains("certificate-authority-data:") ? "    certificate-authority: \(authority)" : String(line)
            }
            let changed = try folder.write(lines.joined(separator: "\n"), to: "kubeconfig")
            let message = "TLS: the server's certificate is not signed by the certificate authority"
            try await scene.withBridge(scene.connection(kubeconfig: changed)) { bridge in
                try await scene.wait(for: "resource type unavailable", in: bridge)
                try await scene.wait(for: message, in: bridge)
            }
            let plan = try await Scene.isthmus(["plan"] + scene.connection(kubeconfig: changed))
            #expect(plan.status == .code(1))
            #expect(plan.standardError.contains(message))
        }
    }
}
