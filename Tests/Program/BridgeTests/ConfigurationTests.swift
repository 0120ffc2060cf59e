internal import Addressing
internal import Bridge
internal import Catalog
internal import Dubbo
internal import Foundation
internal import IstioAPI
internal import KubernetesDelivery
internal import Services
internal import Settings
internal import Testing
internal import Translation
internal import ZooKeeper
internal import ZooKeeperRegistry

@Suite("The configuration")
struct ConfigurationTests {
    /// A kubeconfig that stands in a folder of the test's own.
    private static func withKubeconfig(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("isthmus-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("kubeconfig").path
        let text = """
            apiVersion: v1
            kind: Config
            clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]
            users: [{name: u, user: {}}]
            contexts: [{name: c, context: {cluster: c, user: u, namespace: mine}}]
            current-context: c
            """
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        try body(file)
    }

    private static let registries = """
        registries:
          - name: zk
            zookeeper: { servers: ["127.0.0.1:2181"] }

        """

    @Test(
        "ambient needs a cluster and endpoints that can be objects of their own, and exportTo is said to have no effect"
    )
    func ambient() throws {
        func read(_ translation: String, delivery: String? = nil) throws -> BridgeConfiguration {
            var read: BridgeConfiguration?
            try Self.withKubeconfig { kubeconfig in
                let delivery = delivery ?? "kubernetes: [{ kubeconfig: \"\(kubeconfig)\" }]"
                read = try BridgeConfiguration(
                    yaml: Self.registries
                        + "mesh: ambient\ntranslation: { \(translation) }\ndelivery: { \(delivery) }\n",
                    file: "isthmus.yaml")
            }
            return try #require(read)
        }
        let configuration = try read("exportTo: [shop]")
        #expect(configuration.translation.mesh == .ambient)
        #expect(configuration.warnings.count == 1)
        #expect(configuration.warnings.first?.contains("'translation.exportTo' has no effect") == true)
        #expect(try read("namespace: dubbo").warnings == [])
        let inline = #expect(throws: ConfigurationError.self) { try read("endpoints: inline") }
        #expect(inline?.description.contains("of two instances at one address one would be lost") == true)
        let directory = #expect(throws: ConfigurationError.self) {
            try read("namespace: dubbo", delivery: "directory: { path: out }")
        }
        #expect(directory?.description.contains("delivery 'directory' does not write there") == true)
    }

    @Test("istiod is served by the bridge itself only where that leads to no service without address or with two")
    func configSource() throws {
        func read(_ xds: String, _ rest: String = "", other: String = "") throws -> BridgeConfiguration {
            try BridgeConfiguration(
                yaml: Self.registries + "\(rest)\ndelivery: { xds: { state: s, \(xds) }\(other) }\n",
                file: "isthmus.yaml")
        }
        func problem(_ xds: String, _ rest: String = "", other: String = "") -> String {
            do {
                _ = try read(xds, rest, other: other)
                return "none"
            } catch {
                return "\(error)"
            }
        }
        #expect(try read("listen: \"127.0.0.1:15010\"").deliveries.map(\.name) == ["xds"])
        #expect(try read("listen: \"0.0.0.0:15010\", insecure: \"true\"").deliveries.count == 1)
        #expect(problem("listen: \"0.0.0.0:15010\"").contains("plain text shows every service to anybody"))
        #expect(problem("listen: 15010").contains("must be HOST:PORT"))
        #expect(problem("revisions: []").contains("names none"))
        #expect(problem("pause: 6s").contains("must be 5s at most"))
        #expect(problem("", "mesh: ambient").contains("istiod's ambient reads Kubernetes only"))
        #expect(problem("", "translation: { addresses: istiod }").contains("istiod allocates no addresses"))
        #expect(problem("", "translation: { addresses: none }").contains("istiod allocates no addresses"))
        try Self.withKubeconfig { kubeconfig in
            let both = problem("", other: ", kubernetes: [{ kubeconfig: \"\(kubeconfig)\" }]")
            #expect(both.contains("both bring every service to istiod"))
        }
        let without = #expect(throws: ConfigurationError.self) {
            try BridgeConfiguration(
                yaml: Self.registries + "delivery: { xds: { listen: \"127.0.0.1:1\" } }\n", file: "isthmus.yaml")
        }
        #expect(without?.description.contains("state") == true)
    }

    @Test("a whole file is read, and what it leaves out has the documented default")
    func whole() throws {
        try Self.withKubeconfig { kubeconfig in
            let configuration = try BridgeConfiguration(
                yaml: """
                    instance: blue
                    registries:
                      - name: zk-main
                        zookeeper:
                          servers: ["127.0.0.1:2181", "[::1]:2182"]
                          sessionTimeout: 1m30s
                          replyLimit: 128MiB
                          digest: { user: dubbo, passwordEnv: PATH }
                          dubbo: { root: /rpc/dubbo }
                    translation:
                      namespace: dubbo
                      addresses: { cidr: 10.96.0.0/16 }
                      exportTo: ["*"]
                      ports: { tri: 50052 }
                      labels: { keep: [version] }
                      emptyRetention: 10m
                      allowedHosts: ["com.acme.*"]
                    delivery:
                      kubernetes:
                        - { kubeconfig: "\(kubeconfig)", context: c }
                    """, file: "isthmus.yaml")
            #expect(configuration.registries.map(\.name) == ["zk-main"])
            let registry = try #require(configuration.registries.first?.settings as? ZooKeeperSettings)
            #expect(registry.servers.description == "127.0.0.1:2181,[::1]:2182")
            #expect(registry.root == "/rpc/dubbo")
            #expect(registry.sessionTimeout == .seconds(90))
            #expect(registry.replyLimit == 128 << 20)
            let password = try #require(ProcessInfo.processInfo.environment["PATH"])
            #expect(registry.credentials == [.digest(user: "dubbo", password: password)])
            var policy = TranslationPolicy(
                instance: "blue", namespace: "dubbo", formats: Kinds.standard.formats)
            policy.addresses = .block(try #require(CIDRBlock("10.96.0.0/16")))
            policy.exportTo = ["*"]
            policy.ports[.tri] = 50052
            policy.keptLabels = ["version"]
            policy.emptyRetention = .seconds(600)
            policy.allowedHosts = ["com.acme.*"]
            policy.outlierDetection = OutlierDetection()
            #expect(configuration.translation == policy)
            #expect(configuration.deliveries.map(\.name) == ["c"])
        }
    }

    @Test(
        "TLS to ZooKeeper trusts the system's authorities and checks the name, unless the file says otherwise"
    )
    func tls() throws {
        func tls(_ text: String) throws -> TLS? {
            let yaml =
                "registries: [{ name: zk, zookeeper: { servers: [a]\(text) } }]\ndelivery: { directory: { path: out } }"
            let registry = try BridgeConfiguration(yaml: yaml, file: "isthmus.yaml").registries.first
            return try #require(registry?.settings as? ZooKeeperSettings).tls
        }
        #expect(try tls("") == nil)
        let plain = try #require(try tls(", tls: {}"))
        #expect(plain.certificateAuthority == nil && plain.identity == nil && plain.serverName == nil)
        #expect(plain.verifiesHostName)
        let named = try #require(try tls(", tls: { serverName: zk.internal, verifyHostName: off }"))
        #expect(named.serverName == "zk.internal")
        #expect(!named.verifiesHostName)
    }

    @Test(
        "the silence after a burst of writes is 130 ms unless the file says otherwise",
        arguments: [(", pause: 250ms", Duration.milliseconds(250)), (", pause: 0", .zero), ("", .milliseconds(130))])
    func pause(text: String, pause: Duration) throws {
        try Self.withKubeconfig { kubeconfig in
            let delivery = "delivery: { kubernetes: [{ kubeconfig: \"\(kubeconfig)\"\(text) }] }"
            let configuration = try BridgeConfiguration(yaml: Self.registries + delivery, file: "isthmus.yaml")
            let cluster = try #require(configuration.deliveries.first as? ClusterSettings)
            #expect(cluster.pause == pause)
        }
    }

    @Test("a rule ejects endpoints that refuse connections, with the numbers of the file, unless it is off")
    func outlierDetection() throws {
        func detection(_ translation: String) throws -> OutlierDetection? {
            let yaml = Self.registries + "delivery: { directory: { path: out } }\n\(translation)"
            return try BridgeConfiguration(yaml: yaml, file: "isthmus.yaml").translation.outlierDetection
        }
        #expect(try detection("") == OutlierDetection())
        #expect(try detection("translation: { outlierDetection: off }") == nil)
        let numbers = "{ failures: 3, interval: 2s, ejection: 30s, maxPercent: 100 }"
        #expect(
            try detection("translation: { outlierDetection: \(numbers) }")
                == OutlierDetection(failures: 3, interval: .seconds(2), ejection: .seconds(30), maxPercent: 100))
        #expect(throws: ConfigurationError.self) {
            try detection("translation: { outlierDetection: { interval: 0s } }")
        }
        try Self.withKubeconfig { kubeconfig in
            let flags = try BridgeConfiguration(
                registry: "zookeeper://127.0.0.1:2181", kubeconfig: kubeconfig, context: nil, namespace: nil,
                instance: nil)
            #expect(flags.translation.outlierDetection == OutlierDetection())
        }
    }

    @Test("the namespace of the kubeconfig's context is the default")
    func namespace() throws {
        try Self.withKubeconfig { kubeconfig in
            let yaml = Self.registries + "delivery: { kubernetes: [{ kubeconfig: \"\(kubeconfig)\" }] }"
            let configuration = try BridgeConfiguration(yaml: yaml, file: "f")
            #expect(configuration.translation.namespace == "mine")
        }
    }

    @Test(
        "what must survive a restart lies with the files where no cluster remembers it, and where the operator wants it"
    )
    func state() throws {
        try Self.withKubeconfig { kubeconfig in
            let cluster = "kubernetes: [{ kubeconfig: \"\(kubeconfig)\" }]"
            let directory = "directory: { path: out }"
            let expected: [(rest: String, path: String?)] = [
                ("delivery: { \(directory) }", "out/.isthmus-main.state"),
                ("delivery: { \(directory) }\ninstance: blue", "out/.isthmus-blue.state"),
                ("delivery: { \(cluster) }", nil),
                ("delivery: { \(cluster), \(directory) }", nil),
                ("delivery: { \(cluster) }\nstate: { path: /var/state }", "/var/state"),
                ("delivery: { \(directory) }\nstate: { path: /var/state }", "/var/state"),
            ]
            for (rest, path) in expected {
                let configuration = try BridgeConfiguration(yaml: Self.registries + rest, file: "f")
                #expect(configuration.statePath == path, "\(rest)")
            }
        }
    }

    @Test(
        "what can't be meant is refused with its place, its key and what to do",
        arguments: [
            ("registris: []", "f:1:1: unknown key 'registris'; did you mean 'registries'?"),
            (
                "colour: red",
                "f:1:1: unknown key 'colour'; known here: admin, configurations, delivery, guard, instance, leadership, limits, mesh, registries, state, translation"
            ),
            ("registries: []", "f:1:13: 'registries': at least one is needed, or there is nothing to watch"),
            ("instance: main", "f:1:1: 'registries': is needed: what to watch"),
            ("- a\n- b", "f: a mapping of keys to values is expected"),
            ("a: [", ": not YAML: did not find expected node content"),
            (
                "registries: [{ name: zk }]",
                "f:1:22: 'registries[0].name': the registry 'zk' has no kind: give 'zookeeper'"
            ),
            (
                "registries: [{ name: zk, zookeeper: { server: [a] } }]",
                "f:1:39: unknown key 'registries[0].zookeeper.server'; did you mean 'servers'?"
            ),
            (
                "registries: [{ name: zk, zookeeper: { servers: [\"a:99999\"] } }]",
                "connection string 'a:99999': '99999' is not a port"
            ),
            (
                "registries: [{ name: zk, zookeeper: { servers: [a], tls: { keyFile: b } } }]",
                "'registries[0].zookeeper.tls.keyFile': needs its certificateFile"
            ),
            (
                "registries: [{ name: zk, zookeeper: { servers: [a], tls: { certificateFile: b } } }]",
                "'registries[0].zookeeper.tls.certificateFile': needs its keyFile"
            ),
            (
                "registries: [{ name: zk, zookeeper: { servers: [a], tls: { caFile: /nowhere/ca.pem } } }]",
                "'registries[0].zookeeper.tls': can't be used: the certificate authority in /nowhere/ca.pem is missing"
            ),
            (
                "registries: [{ name: zk, zookeeper: { servers: [a], digest: { user: b } } }]",
                "'registries[0].zookeeper.digest.user': has no password: give passwordFile or passwordEnv"
            ),
            (
                "registries: [{ name: zk, zookeeper: { servers: [a], digest: { user: 'b:c', passwordEnv: HOME } } }]",
                "'registries[0].zookeeper.digest.user': must be a name without ':'"
            ),
            (
                "registries: [{ name: zk, zookeeper: { servers: [a], digest: { user: b, passwordFile: /nowhere } } }]",
                "/nowhere"
            ),
            (
                "registries: [{ name: zk, zookeeper: { servers: [a], sessionTimeout: soon } }]",
                "must be a time such as 250ms, 30s, 5m or 1h, and is 'soon'"
            ),
            (
                "registries: [{ name: zk, zookeeper: { servers: [a], replyLimit: 64MB } }]",
                "f:1:65: 'registries[0].zookeeper.replyLimit' must be a size such as 64MiB, 512KiB, 1GiB or a plain "
                    + "number of bytes, and is '64MB'; did you mean '64MiB'?"
            ),
            (
                "registries: [{ name: zk, zookeeper: { servers: [a], replyLimit: 1024 } }]",
                "must be a size from 64KiB to 2147483647 bytes, and is '1024'"
            ),
            (
                "registries: [{ name: zk, zookeeper: { servers: [a], replyLimit: 2GiB } }]",
                "must be a size from 64KiB to 2147483647 bytes, and is '2GiB'"
            ),
            (
                "registries: [{ name: zk, zookeeper: { servers: [a], replyLimit: [1] } }]",
                "'registries[0].zookeeper.replyLimit' must be text"
            ),
            (
                "registries: [{ name: zk, zookeeper: { servers: [a], dubbo: { root: dubbo } } }]",
                "must be a path such as /dubbo: the path does not begin with '/'"
            ),
            (
                "registries: [{ name: zk, zookeeper: { servers: [a], dubbo: { root: /rpc//dubbo } } }]",
                "must be a path such as /dubbo: the path has an empty segment"
            ),
            (
                "registries: [{ name: zk, zookeeper: { servers: [a], dubbo: { root: /rpc/../dubbo } } }]",
                "must be a path such as /dubbo: the path is relative"
            ),
            (
                "registries: [{ name: zk, zookeeper: { servers: [a] } }, { name: zk, zookeeper: { servers: [b] } }]",
                "another registry is called 'zk' too"
            ),
            (
                ConfigurationTests.registries + "delivery: { directory: { path: out } }\nstate: { path: here/ }",
                "f:5:16: 'state.path': must be the path of a file"
            ),
            (
                ConfigurationTests.registries + "delivery: { directory: { path: out } }\nstate: here",
                "'state' must be a mapping"
            ),
        ])
    func refused(yaml: String, message: String) {
        let error = #expect(throws: ConfigurationError.self) { try BridgeConfiguration(yaml: yaml, file: "f") }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    }

    @Test(
        "a translation that can't be is refused",
        arguments: [
            ("namespace: Not_One", "can't be the name of a namespace"),
            ("addresses: { cidr: 240.16.0.1/12 }", "must be a block of addresses such as 240.16.0.0/12"),
            ("addresses: sometimes", "must be istiod, none or a mapping, and is 'sometimes'"),
            (
                "domain: kube-system",
                "is a namespace: a host such as 'orders.kube-system' would be the Service 'orders'"
            ),
            ("domain: Mesh", "can't be the end of a host name"),
            ("plainProtocols: [dubo]", "there is no protocol 'dubo'; there are bolt, dubbo, grpc, http"),
            ("ports: { tri: 70000 }", "must be a number from 1 to 65535"),
            ("labels: { keep: [topology.istio.io/network] }", "steers the mesh; a registry may not set it"),
            ("labels: { keep: [\"a b\"] }", "can't be the key of a label"),
            ("exportTo: ['.', 'nope nope']", "'nope nope' is neither '.', '*', '~' nor a namespace"),
            ("exportTo: ['*', shop]", "'*' stands alone"), ("exportTo: [shop, shop]", "an entry stands twice"),
            ("allowedHosts: ['com.*.orders']", "'com.*.orders' is no host in lower case, with '*' at one end"),
            ("allowedHosts: ['com.Acme.*']", "is no host in lower case"),
            ("addresses: { cidr: 127.0.0.0/8 }", "overlaps 127.0.0.0/8, whose addresses can't be a service's"),
            ("addresses: { cidr: 224.0.0.0/3 }", "overlaps 224.0.0.0/4"),
            ("addresses: { cidr: 'fe80::/64' }", "overlaps fe80::/10"),
            ("addresses: { cidr: 240.240.7.0/24 }", "overlaps 240.240.0.0/16, from which istiod gives addresses"),
            ("addresses: { cidr: 10.0.0.0/30 }", "has 2 usable addresses, fewer than 100: each service needs one"),
            ("addresses: { cidr: 248.0.0.0/5 }", "overlaps 255.255.255.255/32"),
            ("hostNames: no", "must be allow or refuse"),
            ("exportTo: all", "'translation.exportTo' must be a list"),
        ])
    func refusedTranslation(section: String, message: String) throws {
        try Self.withKubeconfig { kubeconfig in
            let yaml =
                Self.registries
                + "translation:\n  \(section)\ndelivery:\n  kubernetes: [{ kubeconfig: \"\(kubeconfig)\" }]"
            let error = #expect(throws: ConfigurationError.self) { try BridgeConfiguration(yaml: yaml, file: "f") }
            #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
        }
    }

    @Test("the flag for a registry takes servers and Dubbo's root")
    func flags() throws {
        try Self.withKubeconfig { kubeconfig in
            let configuration = try BridgeConfiguration(
                registry: "zookeeper://a:1,b:2/rpc", kubeconfig: kubeconfig, context: nil, namespace: nil, instance: nil
            )
            let registry = try #require(configuration.registries.first?.settings as? ZooKeeperSettings)
            #expect(registry.servers.description == "a:1,b:2")
            #expect(registry.root == "/rpc")
            #expect(configuration.translation.namespace == "mine")
            let error = #expect(throws: ConfigurationError.self) {
                try BridgeConfiguration(
                    registry: "redis://a", kubeconfig: kubeconfig, context: nil, namespace: nil, instance: nil)
            }
            #expect(error?.description.contains("zookeeper://HOST:PORT") == true)
        }
    }

    @Test(
        "sizes are written in binary units or as plain numbers",
        arguments: [("64MiB", 64 << 20), ("512KiB", 512 << 10), ("1GiB", 1 << 30), ("1048577", 1_048_577), ("0", 0)])
    func sizes(text: String, bytes: Int) {
        #expect(ByteCount.parse(text) == bytes)
    }

    @Test("what is no size is none", arguments: ["", "MiB", "64MB", "64M", "-1", "1.5MiB", "64 MiB", "9999999999GiB"])
    func noSizes(text: String) {
        #expect(ByteCount.parse(text) == nil)
    }

    @Test("times are written as in Go", arguments: [("250ms", 250), ("30s", 30_000), ("1h30m", 5_400_000)])
    func times(text: String, milliseconds: Int) {
        #expect(Duration(unitText: text) == .milliseconds(milliseconds))
    }

    @Test("what is no time is none", arguments: ["", "5", "s", "1d", "-1s", "1.5s", "9999999999999999999s"])
    func noTimes(text: String) {
        #expect(Duration(unitText: text) == nil)
    }
}
