internal import Foundation
internal import IsthmusTesting
internal import JSON
internal import Testing
internal import ZooKeeper

/// What people are told where something is missing, to the letter: the place, the reason, and what to do next. No
/// library's own words.
@Suite("Messages", .realServers, .serialized, .timeLimit(.minutes(5)))
struct MessageTests {
    private static let orders = "com.acme.Orders"

    private static func url(_ address: String, _ interface: String = orders, scheme: String = "dubbo") -> String {
        "\(scheme)://\(address)/\(interface)?application=shop&interface=\(interface)&side=provider"
    }

    @Test("a file that can't be read is named with the reason")
    func files() async throws {
        let folder = try TemporaryFolder(label: "files")
        try Data([0xFF, 0xFE]).write(to: URL(filePath: folder.path(of: "binary")))
        func configuration(_ registry: String) throws -> String {
            try folder.write(
                """
                registries: [{ name: zk, zookeeper: { servers: ["127.0.0.1:1"], \(registry) } }]
                delivery: { directory: { path: \(folder.path(of: "out")) } }
                """, to: "isthmus.yaml")
        }
        for (path, message) in [
            (folder.path(of: "none.yaml"), "there is no such file"),
            (folder.path(of: ""), "this is a folder, and a file is needed"),
            (folder.path(of: "binary"), "the file is not UTF-8 text"),
        ] {
            let plan = try await Scene.isthmus(["plan", "--config", path])
            #expect(plan.status == .code(78))
            #expect(plan.standardError == "isthmus: \(path): \(message)\n")
        }
        let broken = try folder.write("registries: [\n", to: "broken.yaml")
        let yaml = try await Scene.isthmus(["plan", "--config", broken])
        #expect(yaml.standardError == "isthmus: \(broken):2:1: not YAML: did not find expected node content\n")
        let kubeconfig = try await Scene.isthmus(
            ["plan", "--registry", "zookeeper://127.0.0.1:1", "--kubeconfig", folder.path(of: "")])
        #expect(kubeconfig.status == .code(78))
        #expect(kubeconfig.standardError.contains("this is a folder, and a file is needed"))
        try folder.write("", to: "out")
        let directory = try await Scene.isthmus(["plan", "--config", try configuration("sessionTimeout: 5s")])
        #expect(directory.status == .code(1))
        #expect(
            directory.standardError
                == "isthmus: what 'directory' holds could not be read: \(folder.path(of: "out")): Not a directory\n")
        let password = try configuration("digest: { user: dubbo, passwordFile: /nope }")
        #expect(
            try await Scene.isthmus(["plan", "--config", password]).standardError
                == "isthmus: /nope: there is no such file\n")
    }

    @Test("a name that can't be resolved, another program's port and a closed port are told apart")
    func registries() async throws {
        try await Scene.run { scene in
            func plan(_ servers: String) async throws -> String {
                let flags = ["--kubeconfig", scene.server.kubeconfig, "--namespace", scene.namespace, "--timeout", "2"]
                let output = try await Scene.isthmus(["plan", "--registry", "zookeeper://\(servers)"] + flags)
                #expect(output.status == .code(1))
                let start = "isthmus: not every registry could be read completely within 2 s: registry 'zookeeper': "
                #expect(output.standardError.hasPrefix(start), "\(output.standardError)")
                return String(output.standardError.dropFirst(start.count))
            }
            #expect(
                try await plan("no-such-host.invalid:2181") == """
                    no-such-host.invalid:2181: the host name can't be resolved; check its spelling, and the DNS of this \
                    machine

                    """)
            let port = scene.server.port
            #expect(
                try await plan("127.0.0.1:\(port)") == """
                    127.0.0.1:\(port) closed the connection before a session began, as a ZooKeeper does that is starting, \
                    wants TLS, or has too many connections of this machine (maxClientCnxns), and as another program does

                    """)
            #expect(try await plan("127.0.0.1:1") == "127.0.0.1:1: Connection refused\n")
            let status = try await Scene.isthmus(["status", "--admin", "\(scene.zooKeeper.port)"])
            #expect(status.status == .code(1))
            #expect(status.standardError.contains("what listens there does not speak HTTP"), "\(status.standardError)")
        }
    }

    @Test("a wrong token, a missing permission and a missing namespace say what to do, and nothing passes for done")
    func cluster() async throws {
        try await Scene.run { scene in
            try await scene.register(Self.url("10.1.0.1:20880"), interface: Self.orders)
            let folder = try TemporaryFolder(label: "cluster")
            let kubeconfig = try String(contentsOfFile: scene.server.kubeconfig, encoding: .utf8)
            let wrong = try folder.write(
                kubeconfig.replacingOccurrences(of: "token-of-admin", with: "no-such-token"), to: "kubeconfig")
            let unauthorized = try await Scene.isthmus(["plan"] + scene.connection(kubeconfig: wrong))
            #expect(unauthorized.status == .code(1))
            #expect(
                unauthorized.standardError == """
                    isthmus: what 'default' holds could not be read: GET /apis/networking.istio.io: unauthorized (HTTP 401): \
                    the server does not accept the client's credentials; check the user of the kubeconfig's context, or \
                    the pod's service account

                    """)
            let forbidden = try await Scene.isthmus(["plan"] + scene.connection(context: "nobody"))
            #expect(forbidden.status == .code(1))
            #expect(
                forbidden.standardError.hasSuffix(
                    """
                    the bridge needs get, list, watch, create, patch and delete on serviceentries.networking.istio.io in \
                    namespace '\(scene.namespace)'; docs/configuration.md has the Role

                    """), "\(forbidden.standardError)")

            let missing = "\(scene.namespace)-missing"
            let warning =
                "isthmus: the cluster 'default' has no namespace '\(missing)': create it first, with kubectl create "
                + "namespace \(missing)\n"
            for (command, code) in [("plan", Int32(2)), ("export", 0), ("apply", 1)] {
                let output = try await Scene.isthmus([command] + scene.connection(namespace: missing))
                #expect(output.status == .code(code), "\(command)")
                #expect(output.standardError == warning, "\(command): \(output.standardError)")
                if command == "apply" {
                    #expect(output.standardOutput.contains("create the namespace '\(missing)'"))
                    #expect(output.standardOutput.hasSuffix("\n0 of 2 changes were carried out.\n"))
                }
            }
        }
    }

    @Test("a server that does not answer ends plan within the time limit")
    func silent() async throws {
        try await Scene.run { scene in
            let silence = try SilentServer()
            let folder = try TemporaryFolder(label: "silent")
            let kubeconfig = try String(contentsOfFile: scene.server.kubeconfig, encoding: .utf8)
            let silent = try folder.write(
                kubeconfig.replacingOccurrences(
                    of: "127.0.0.1:\(scene.server.port)", with: "127.0.0.1:\(silence.port)"),
                to: "kubeconfig")
            let start = ContinuousClock.now
            let plan = try await Scene.isthmus(["plan", "--timeout", "2"] + scene.connection(kubeconfig: silent))
            #expect(start.duration(to: .now) < .seconds(8))
            #expect(plan.status == .code(1))
            #expect(
                plan.standardError == """
                    isthmus: what 'default' holds could not be read within 2 s: its server does not answer, or --timeout is \
                    too short

                    """)
        }
    }

    @Test("plan names what is not carried, for people and for programs, and that is no change")
    func leftOut() async throws {
        try await Scene.run { scene in
            try await scene.register(Self.url("0.0.0.0:20880", "com.acme.Zero"), interface: "com.acme.Zero")
            try await scene.register(
                Self.url("10.1.0.9:8081", "com.acme.Hess", scheme: "hessian"), interface: "com.acme.Hess")
            let plan = try await scene.isthmus("plan")
            #expect(plan.status == .code(0), "\(plan.standardError)")
            #expect(
                plan.standardOutput.hasPrefix(
                    """
                    Not carried as the registries have it:
                      ! zookeeper: registrations of the protocol 'hessian': 1 (com.acme.Hess)  this protocol is not carried
                      ! zookeeper: providers that can't be used: 1 (com.acme.Zero)  they are left out: the host '0.0.0.0' \
                    stands for all addresses of its machine; register one of them

                    """), "\(plan.standardOutput)")
            #expect(plan.standardOutput.contains("No changes: the deliveries have all that can be carried."))
            let json = try JSONValue(parsing: try await scene.isthmus("plan", "--output", "json").standardOutput)
            let items = json.array ?? []
            #expect(items.allSatisfy { $0["action"] == "leaveOut" && $0["registry"] == "zookeeper" })
            #expect(
                items.contains {
                    "\($0)".contains("com.acme.Zero") && $0["note"]?.string?.contains("0.0.0.0") == true
                })
            #expect(try await scene.isthmus("apply", "--output", "json").standardOutput == "[]\n")
        }
    }

    @Test("a taken port ends run with its reason alone")
    func takenPort() async throws {
        try await Scene.run { scene in
            let silence = try SilentServer()
            let run = try await Scene.isthmus(["run"] + scene.connection() + ["--admin", "\(silence.port)"])
            #expect(run.status == .code(1))
            #expect(
                run.standardError.hasSuffix(
                    "isthmus: the admin endpoint can't listen on 127.0.0.1:\(silence.port): Address already in use\n"))
            #expect(!run.standardError.contains("level=error"), "\(run.standardError)")
            #expect(!run.standardError.contains("level=warning"), "\(run.standardError)")
        }
    }

    @Test("the log is logfmt, or JSON, line by line")
    func log() async throws {
        try await Scene.run { scene in
            try await scene.register(Self.url("10.1.0.1:20880"), interface: Self.orders)
            try await scene.withBridge(scene.connection() + ["--log-format", "json"]) { bridge in
                _ = try await scene.entry("com.acme.orders") { $0.endpointCount == 1 }
                let lines = bridge.log.split(separator: "\n").dropLast()
                let events = try lines.map { try JSONValue(parsing: String($0)) }
                #expect(events.allSatisfy { $0["time"] != nil && $0["level"] != nil && $0["msg"] != nil })
                #expect(events.contains { $0["msg"] == "registry connected" && $0["registry"] == "zookeeper" })
            }
            try await scene.withBridge { bridge in
                try await scene.wait(for: #"msg="registry read" instances=1 names=1 registry=zookeeper"#, in: bridge)
                #expect(bridge.log.split(separator: "\n").allSatisfy { $0.hasPrefix("time=") })
            }
        }
    }
}

/// Takes connections and says nothing.
private final class SilentServer {
    private let reserved: ReservedPort
    private let socket: Int32

    var port: Int { reserved.port }

    init() throws {
        reserved = try ReservedPort()
        socket = try reserved.listen()
    }

    deinit { close(socket) }
}
