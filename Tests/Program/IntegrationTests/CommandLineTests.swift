internal import Foundation
internal import IsthmusTesting
internal import JSON
internal import Testing
internal import ZooKeeper

/// The commands that look once, as people and programs run them: what they print and how they end.
@Suite("The command line", .realServers, .serialized, .timeLimit(.minutes(5)))
struct CommandLineTests {
    private static let orders = "com.acme.Orders"

    private static func url(_ address: String, _ interface: String = orders) -> String {
        "dubbo://\(address)/\(interface)?application=shop&interface=\(interface)&side=provider"
    }

    @Test("plan shows what apply then does, and after that there is nothing left to plan")
    func planAndApply() async throws {
        try await Scene.run { scene in
            let name = "\(scene.namespace)/com.acme.orders"
            try await scene.register(Self.url("10.1.0.1:20880"), interface: Self.orders)
            let first = try await scene.isthmus("plan")
            #expect(first.status == .code(2), "\(first.standardError)")
            #expect(first.standardOutput.contains("+ \(name)  full push, because the service is new"))
            #expect(first.standardOutput.contains("+ endpoint 10.1.0.1:20880"))
            #expect(first.standardOutput.contains("are called in plain text"))
            #expect(first.standardOutput.contains("Plan: 2 to create."))
            #expect(!first.standardOutput.contains("\u{1B}"), "colours are for terminals")
            #expect(try await scene.entries().isEmpty)

            let applied = try await scene.isthmus("apply")
            #expect(applied.status == .code(0), "\(applied.standardError)")
            #expect(applied.standardOutput.contains("2 of 2 changes were carried out."))
            #expect(try await scene.entries()["com.acme.orders"]?.endpoints(on: "tcp-dubbo") == ["10.1.0.1:20880"])
            let second = try await scene.isthmus("plan")
            #expect(second.status == .code(0))
            #expect(second.standardOutput == "No changes: the deliveries match the registries.\n")

            try await scene.register(Self.url("10.1.0.2:20880"), interface: Self.orders)
            let third = try await scene.isthmus("plan")
            #expect(third.status == .code(2))
            #expect(third.standardOutput.contains("~ \(name)  endpoints only"))
            #expect(third.standardOutput.contains("+ endpoint 10.1.0.2:20880"))
            #expect(!third.standardOutput.contains("10.1.0.1"), "what stays is not shown")
            #expect(try scene.writes().count == 1)
        }
    }

    @Test("what only its owner may read in ZooKeeper takes the owner's password, and nothing is planned without it")
    func digest() async throws {
        try await Scene.run { scene in
            var settings = ZooKeeperClient.Configuration()
            settings.credentials = [.digest(user: "dubbo", password: "a secret")]
            try await withClient(scene.connectString, settings) { owner in
                var path = ""
                for name in ["dubbo", Self.orders, "providers", Scene.encoded(Self.url("10.1.0.1:20880"))] {
                    path += "/" + name
                    try await owner.create(path, acl: .creatorOnly)
                }
            }
            let folder = try TemporaryFolder(label: "configuration")
            let password = try folder.write("a secret\n", to: "password")
            let allowed = try folder.write(
                scene.configuration(zooKeeper: ", digest: { user: dubbo, passwordFile: \(password) }"),
                to: "allowed.yaml")
            let plan = try await Scene.isthmus(["plan", "--config", allowed])
            #expect(plan.status == .code(2), "\(plan.standardError)")
            #expect(plan.standardOutput.contains("+ endpoint 10.1.0.1:20880"))
            let refused = try folder.write(scene.configuration(), to: "refused.yaml")
            let failure = try await Scene.isthmus(["plan", "--config", refused, "--timeout", "3"])
            #expect(failure.status == .code(1))
            #expect(failure.standardError.contains("/dubbo"), "\(failure.standardError)")
            for output in [plan, failure] {
                #expect(!output.standardOutput.contains("a secret") && !output.standardError.contains("a secret"))
            }
        }
    }

    @Test(
        "a registry is read over TLS with a certificate, and not where its authority is another or the client has none")
    func tls() async throws {
        let certificates = try await TestCertificates.make()
        let others = try await TestCertificates.make()
        try await Scene.runAlone(certificates: certificates) { scene in
            try await scene.register(Self.url("10.1.0.1:20880"), interface: Self.orders)
            let folder = try TemporaryFolder(label: "configuration")
            let port = try #require(scene.zooKeeper.securePort)
            func plan(authority: String, identity: String, timeout: Int = 10) async throws -> CommandOutput {
                let settings = ", tls: { caFile: \(authority)\(identity) }"
                let file = try folder.write(
                    scene.configuration(servers: "localhost:\(port)", zooKeeper: settings), to: "isthmus.yaml")
                return try await Scene.isthmus(["plan", "--config", file, "--timeout", "\(timeout)"])
            }
            let identity = ", certificateFile: \(certificates.clientCertificate), keyFile: \(certificates.clientKey)"
            let read = try await plan(authority: certificates.authority, identity: identity, timeout: 30)
            #expect(read.status == .code(2), "\(read.standardError)")
            #expect(read.standardOutput.contains("+ endpoint 10.1.0.1:20880"))
            let stranger = try await plan(authority: others.authority, identity: identity)
            #expect(stranger.status == .code(1))
            #expect(stranger.standardError.contains("authority that is trusted"), "\(stranger.standardError)")
            let anonymous = try await plan(authority: certificates.authority, identity: "")
            #expect(anonymous.status == .code(1))
            #expect(anonymous.standardError.contains("client's certificate"), "\(anonymous.standardError)")
        }
    }

    @Test("a change of the service itself is marked as a full push, with its reason")
    func fullPush() async throws {
        try await Scene.run { scene in
            try await scene.register(Self.url("10.1.0.1:20880"), interface: Self.orders)
            let folder = try TemporaryFolder(label: "configuration")
            let before = try folder.write(scene.configuration(), to: "before.yaml")
            let after = try folder.write(scene.configuration(translation: "exportTo: ['.']"), to: "after.yaml")
            #expect(try await Scene.isthmus(["apply", "--config", before]).status == .code(0))
            let plan = try await Scene.isthmus(["plan", "--config", after])
            #expect(plan.status == .code(2), "\(plan.standardError)")
            #expect(plan.standardOutput.contains("full push, because spec.exportTo changes"))
            #expect(plan.standardOutput.contains(#"~ spec.exportTo: nothing → ["."]"#))
        }
    }

    @Test("a service that everyone left loses its endpoints, and an object of ours that nothing asks for goes")
    func removals() async throws {
        try await Scene.run { scene in
            try await scene.register(Self.url("10.1.0.1:20880"), interface: Self.orders)
            #expect(try await scene.isthmus("apply").status == .code(0))
            try await scene.deregister(Self.url("10.1.0.1:20880"), interface: Self.orders)
            let orphan = """
                apiVersion: networking.istio.io/v1beta1
                kind: ServiceEntry
                metadata:
                  name: orphan
                  namespace: \(scene.namespace)
                  labels: {app.kubernetes.io/managed-by: isthmus, isthmus.mesh/instance: main}
                spec: {hosts: [o.example], ports: [{number: 80, name: http, protocol: HTTP}], resolution: STATIC}
                """
            try await scene.server.kubectl("create", "--validate=false", "-f", "-", input: orphan)
            // That nothing at all is left is not believed without a word from whoever runs the command.
            let held = try await scene.isthmus("plan")
            #expect(held.standardOutput.contains("Plan: 1 to delete."))
            #expect(held.standardError.contains("it answered that there is nothing at all"))
            let plan = try await scene.isthmus("plan", "--release", "zookeeper")
            #expect(plan.status == .code(2), "\(plan.standardError)")
            #expect(plan.standardOutput.contains("- endpoint 10.1.0.1:20880"))
            #expect(plan.standardOutput.contains("- \(scene.namespace)/orphan  full push, because the service goes"))
            #expect(plan.standardOutput.contains("Plan: 1 to change, 1 to delete."))
            #expect(try await scene.isthmus("apply", "--release", "zookeeper").status == .code(0))
            let left = try await scene.entries()
            #expect(left.keys.sorted() == ["com.acme.orders"])
            #expect(left["com.acme.orders"]?.endpointCount == 0)
            #expect(try await scene.isthmus("plan").status == .code(0))
        }
    }

    @Test("what export prints is taken by kubectl and by Istio's schema, and equals what apply writes")
    func export() async throws {
        try await Scene.run { scene in
            try await scene.register(Self.url("10.1.0.1:20880"), interface: Self.orders)
            try await scene.register(Self.url("[fd00::1]:20881"), interface: Self.orders)
            try await scene.register(
                "tri://10.1.0.3:50051/\(Self.orders)?application=shop&version=1.0.0&region=eu&zone=a",
                interface: Self.orders)
            let yaml = try await scene.isthmus("export")
            #expect(yaml.status == .code(0), "\(yaml.standardError)")
            #expect(try await IstioSchema.violations(in: yaml.standardOutput) == [])
            try await scene.server.kubectl("apply", "--dry-run=client", "-f", "-", input: yaml.standardOutput)
            try await scene.server.kubectl("create", "--dry-run=server", "-f", "-", input: yaml.standardOutput)

            let json = try await scene.isthmus("export", "--output", "json")
            let items = try JSONValue(parsing: json.standardOutput)["items"]?.array ?? []
            #expect(
                items.compactMap { $0["kind"]?.string }.sorted() == ["DestinationRule", "ServiceEntry", "ServiceEntry"])
            #expect(try await scene.isthmus("apply").status == .code(0))
            let entries = try await scene.entries()
            for item in items where item["kind"] == "ServiceEntry" {
                #expect(entries[item["metadata"]?["name"]?.string ?? ""]?["spec"] == item["spec"])
            }
            // The addresses that were given out are found again.
            #expect(try await scene.isthmus("export").standardOutput == yaml.standardOutput)
        }
    }

    @Test("for programs, plan and apply print one JSON array each, also where there is nothing to do")
    func json() async throws {
        try await Scene.run { scene in
            try await scene.register(Self.url("10.1.0.1:20880"), interface: Self.orders)
            let plan = try await scene.isthmus("plan", "--output", "json")
            #expect(plan.status == .code(2))
            let changes = try JSONValue(parsing: plan.standardOutput).array ?? []
            #expect(changes.map { $0["action"] } == ["create", "create"])
            #expect(changes.first?["name"] == "com.acme.orders")
            #expect(changes.first?["namespace"] == .string(scene.namespace))
            #expect(changes.first?["note"] == "full push, because the service is new")
            #expect(changes.first?["details"]?.array?.contains { $0.string?.hasPrefix("+ endpoint") ?? false } == true)

            let apply = try await scene.isthmus("apply", "--output", "json")
            #expect(apply.status == .code(0))
            let applied = try JSONValue(parsing: apply.standardOutput).array ?? []
            #expect(Set(applied) == Set(changes), "what was planned is what was carried out")
            for command in ["plan", "apply"] {
                #expect(try await scene.isthmus(command, "--output", "json").standardOutput == "[]\n")
            }
        }
    }

    @Test("a conflict is planned as one, fails apply, and the foreign object is not touched")
    func conflict() async throws {
        try await Scene.run { scene in
            let foreign = """
                apiVersion: networking.istio.io/v1beta1
                kind: ServiceEntry
                metadata: {name: com.acme.orders, namespace: \(scene.namespace), labels: {owner: somebody}}
                spec: {hosts: [theirs.example], ports: [{number: 80, name: http, protocol: HTTP}], resolution: NONE}
                """
            try await scene.server.kubectl("create", "--validate=false", "-f", "-", input: foreign)
            let before = try await scene.entries()
            try await scene.register(Self.url("10.1.0.1:20880"), interface: Self.orders)
            try await scene.register(Self.url("10.1.0.1:20881", "com.acme.Stock"), interface: "com.acme.Stock")
            let plan = try await scene.isthmus("plan")
            #expect(plan.status == .code(2))
            #expect(plan.standardOutput.contains("! \(scene.namespace)/com.acme.orders"))
            #expect(plan.standardOutput.contains("exists and is not ours"))
            #expect(plan.standardOutput.contains("Plan: 2 to create, 1 in conflict."))
            let apply = try await scene.isthmus("apply")
            #expect(apply.status == .code(1))
            #expect(apply.standardOutput.contains("exists and is not ours"))
            #expect(apply.standardOutput.contains("2 of 3 changes were carried out."))
            var after = try await scene.entries()
            #expect(after["com.acme.stock"]?.endpointCount == 1)
            after["com.acme.stock"] = nil
            #expect(after == before)
        }
    }

    @Test("with a directory, apply writes the files that export prints, and run keeps them up to date")
    func directory() async throws {
        try await Scene.run { scene in
            try await scene.register(Self.url("10.1.0.1:20880"), interface: Self.orders)
            let folder = try TemporaryFolder(label: "directory")
            let file = folder.path(of: "out/\(scene.namespace)/com.acme.orders.yaml")
            let configuration = try folder.write(
                scene.configuration(
                    translation: "outlierDetection: off", delivery: "directory: { path: \(folder.path(of: "out")) }"),
                to: "isthmus.yaml")
            let apply = try await Scene.isthmus(["apply", "--config", configuration])
            #expect(apply.status == .code(0), "\(apply.standardError)")
            let export = try await Scene.isthmus(["export", "--config", configuration])
            #expect(export.standardOutput == "---\n" + (try String(contentsOfFile: file, encoding: .utf8)))
            #expect(try await Scene.isthmus(["plan", "--config", configuration]).status == .code(0))

            // One file that can't be read is named, and stops no other one.
            let broken = try folder.write("a: [", to: "out/\(scene.namespace)/com.acme.stock.yaml")
            for interface in ["com.acme.Stock", "com.acme.Users"] {
                try await scene.register(Self.url("10.1.0.1:20880", interface), interface: interface)
            }
            let conflict = try await Scene.isthmus(["plan", "--config", configuration])
            #expect(conflict.status == .code(2))
            #expect(conflict.standardOutput.contains("Plan: 1 to create, 1 in conflict."))
            #expect(conflict.standardOutput.contains("could not be read"))
            #expect(try await Scene.isthmus(["apply", "--config", configuration]).status == .code(1))
            #expect(try String(contentsOfFile: broken, encoding: .utf8) == "a: [")
            #expect(
                FileManager.default.fileExists(atPath: folder.path(of: "out/\(scene.namespace)/com.acme.users.yaml")))
            try await scene.withBridge(["--config", configuration]) { _ in
                try await scene.register(Self.url("10.1.0.2:20880"), interface: Self.orders)
                try await eventually("the file has the second endpoint") {
                    try String(contentsOfFile: file, encoding: .utf8)
                } until: {
                    $0.contains("10.1.0.2") && $0.contains("10.1.0.1")
                }
            }
        }
    }

    @Test("export warns of a resource that a plain kubectl apply would not take")
    func exportOfLargeService() async throws {
        try await Scene.run { scene in
            let folder = try TemporaryFolder(label: "large")
            try await scene.register(Provider.many("com.acme.Large", 0..<2_500))
            let configuration = try folder.write(
                scene.configuration(
                    translation: "endpoints: inline", delivery: "directory: { path: \(folder.path(of: "out")) }"),
                to: "isthmus.yaml")
            let export = try await Scene.isthmus(["export", "--config", configuration])
            #expect(export.status == .code(0), "\(export.standardError)")
            let warning =
                "com.acme.large is too large for a plain kubectl apply, which keeps a copy of it in an annotation: use "
                + "kubectl apply --server-side"
            #expect(export.standardError.contains(warning), "\(export.standardError)")
            #expect(!export.standardOutput.contains("kubectl"))
        }
    }

    @Test("a registry that can't be read ends plan, apply and export with code 1, its reason, and no change")
    func unreachableRegistry() async throws {
        try await Scene.runAlone { scene in
            try await scene.register(Self.url("10.1.0.1:20880"), interface: Self.orders)
            #expect(try await scene.isthmus("apply").status == .code(0))
            #expect(try await scene.writes(expecting: ["create": 1]) == ["create": 1])
            await scene.zooKeeper.kill()
            for command in ["plan", "apply", "export"] {
                let output = try await scene.isthmus(command, "--timeout", "2")
                #expect(output.status == .code(1))
                #expect(output.standardOutput.isEmpty)
                #expect(output.standardError.contains("not every registry could be read completely within 2"))
                #expect(output.standardError.contains("registry 'zookeeper': "))
                #expect(output.standardError.contains("127.0.0.1:\(scene.zooKeeper.port)"), "\(output.standardError)")
            }
            #expect(try scene.writes().count == 1)
        }
    }

    @Test("a wrong key ends each command with code 78, and names file, line, column and the nearest key")
    func wrongKey() async throws {
        let folder = try TemporaryFolder(label: "configuration")
        let file = try folder.write(
            """
            registries:
              - name: zk-main
                zookeper: { servers: ["127.0.0.1:2181"] }
            """, to: "isthmus.yaml")
        for command in ["run", "plan", "apply", "export"] {
            let output = try await Scene.isthmus([command, "--config", file])
            #expect(output.status == .code(78))
            #expect(
                output.standardError
                    == "isthmus: \(file):3:5: unknown key 'registries[0].zookeper'; did you mean 'zookeeper'?\n")
        }
        let missing = try await Scene.isthmus(["plan", "--config", folder.path(of: "none.yaml")])
        #expect(missing.status == .code(78))
        #expect(missing.standardError.contains(folder.path(of: "none.yaml")))
        let kubeconfig = try await Scene.isthmus(
            ["plan", "--registry", "zookeeper://127.0.0.1:1", "--kubeconfig", folder.path(of: "none")])
        #expect(kubeconfig.status == .code(78))
        #expect(kubeconfig.standardError.contains(folder.path(of: "none")))
    }

    @Test("a wrong command line ends with code 64 and says what is wanted")
    func wrongCommandLine() async throws {
        for (arguments, message) in [
            (["plan"], "Give either --config or --registry."),
            (["plan", "--config", "a", "--registry", "zookeeper://b:1"], "Give either --config or --registry."),
            (["run", "--config", "a", "--namespace", "b"], "the file has all other settings"),
            (["plan", "--registry", "zookeeper://b:1", "--output", "xml"], "--output"),
            (["plan", "--registry", "zookeeper://b:1", "--timeout", "0"], "--timeout takes 1 to 86400 seconds."),
            (["plan", "--registry", "zookeeper://b:1", "--timeout", "-1"], "--timeout takes 1 to 86400 seconds."),
            (["run"], "The bridge at work without any server: isthmus demo"),
        ] {
            let output = try await Scene.isthmus(arguments)
            #expect(output.status == .code(64), "\(arguments)")
            #expect(output.standardError.contains(message), "\(output.standardError)")
        }
    }

    @Test("each command's help fits a terminal, shows how it is called, and names the levels of the log once")
    func help() async throws {
        for command in ["run", "plan", "apply", "export", "status", "release", "demo", "reference"] {
            let help = try await Scene.isthmus([command, "--help"])
            #expect(help.status == .code(0))
            let lines = help.standardOutput.split(separator: "\n")
            // The form of a registry's URL is one word.
            #expect(
                lines.allSatisfy { $0.count <= 80 || $0.contains("://") }, "\(command): \(help.standardOutput)")
            #expect(help.standardOutput.contains("isthmus \(command)"))
            #expect(help.standardOutput.components(separatedBy: "critical").count <= 2)
            let usage = try await Scene.isthmus([command, "--no-such-flag"])
            #expect(usage.status == .code(64))
            #expect(usage.standardError.split(separator: "\n").allSatisfy { $0.count <= 80 }, "\(usage.standardError)")
        }
    }
}
