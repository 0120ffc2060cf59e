internal import IsthmusTesting
internal import IstioAPI
internal import IstiodOracle
internal import JSON
internal import Testing

/// Hosts that somebody else has, in a real cluster.
extension FaultTests {
    private static let name = "com.acme.orders"
    private static let host = "com.acme.orders.mesh"

    /// A namespace of somebody else, in which there is an entry of the host while the body runs.
    private func withForeignEntry(
        _ scene: Scene, labels: String = "{owner: somebody}", exportTo: String = "'*'",
        _ body: (_ namespace: String) async throws -> Void
    ) async throws {
        let namespace = scene.namespace + "-shop"
        try await scene.server.createNamespace(namespace)
        let entry = """
            apiVersion: networking.istio.io/v1beta1
            kind: ServiceEntry
            metadata: {name: theirs, namespace: \(namespace), labels: \(labels)}
            spec:
              hosts: [\(Self.host)]
              addresses: [240.17.9.9]
              ports: [{number: 20880, name: tcp-dubbo, protocol: TCP}]
              location: MESH_INTERNAL
              resolution: STATIC
              exportTo: [\(exportTo)]
              endpoints: [{address: 10.9.9.9}]
            """
        try await scene.server.kubectl("create", "--validate=false", "-f", "-", input: entry)
        do {
            try await body(namespace)
        } catch {
            _ = try? await scene.removeForeignEntry(in: namespace)
            throw error
        }
        try await scene.removeForeignEntry(in: namespace)
    }

    private func failure(_ status: JSONValue) -> String? {
        status.delivery["failures"]?.array?.first { $0["kind"] == "hostTaken" }?["reason"]?.string
    }

    @Test("fault 30: an entry of the host in another namespace: ours waits, all say so, it comes when the other goes")
    func theirsFirst() async throws {
        try await Scene.run { scene in
            try await withForeignEntry(scene) { namespace in
                let head =
                    "ServiceEntry \(namespace)/theirs has the host '\(Self.host)': ServiceEntry "
                    + "\(scene.namespace)/\(Self.name) is not created"
                try await scene.register(Provider.many(Self.orders, 0..<1) + Provider.many(Self.stock, 0..<1))
                let plan = try await scene.isthmus("plan")
                #expect(plan.status == .code(2))
                #expect(plan.standardOutput.contains("! \(scene.namespace)/\(Self.name)  \(head)"))
                #expect(plan.standardOutput.contains("+ \(scene.namespace)/com.acme.stock"))
                try await scene.withBridge(configured: BridgeOptions()) { bridge in
                    _ = try await scene.entry("com.acme.stock") { $0.endpointCount == 1 }
                    let status = try await bridge.status("the host is taken") { failure($0) != nil }
                    #expect(failure(status)?.hasPrefix(head) == true)
                    #expect(failure(status)?.contains("istiod sends calls to ServiceEntry \(namespace)/theirs") == true)
                    #expect(bridge.log.contains("host taken by another object") && bridge.log.contains(head))
                    try await scene.register(Provider.many(Self.orders, 1..<2))
                    try await scene.register(Provider.many(Self.stock, 1..<2))
                    _ = try await scene.entry("com.acme.stock") { $0.endpointCount == 2 }
                    #expect(try await scene.entries()[Self.name] == nil)
                    try await scene.removeForeignEntry(in: namespace)
                    _ = try await scene.entry(Self.name, within: .seconds(10)) { $0.endpointCount == 2 }
                    try await bridge.status("nothing is wrong any more") { $0.delivery["failureCount"] == 0 }
                }
            }
        }
    }

    @Test("fault 30: an entry that comes later: ours goes on, and status and plan say which one istiod takes")
    func oursFirst() async throws {
        try await Scene.run { scene in
            try await scene.register(Provider.many(Self.orders, 0..<1))
            try await scene.withBridge(configured: BridgeOptions()) { bridge in
                _ = try await scene.entry(Self.name) { $0.endpointCount == 1 }
                // Creation times count whole seconds.
                try await Task.sleep(for: .seconds(1.1))
                try await withForeignEntry(scene) { namespace in
                    let winner = "istiod takes ServiceEntry \(scene.namespace)/\(Self.name), which is older"
                    let status = try await bridge.status("the host is taken") { failure($0) != nil }
                    #expect(failure(status)?.contains("ServiceEntry \(namespace)/theirs has the host") == true)
                    #expect(failure(status)?.contains(winner) == true)
                    try await scene.register(Provider.many(Self.orders, 1..<3))
                    _ = try await scene.entry(Self.name) { $0.endpointCount == 3 }
                    let plan = try await scene.isthmus("plan")
                    #expect(plan.status == .code(2))
                    #expect(plan.standardOutput.contains(winner))
                    // The oracle of istiod agrees.
                    let view = try await scene.istiod(namespace).view(from: "elsewhere", through: .sidecar)
                    #expect(view.hosts[Self.host]?.endpoints[20880]?.count == 3)
                }
                try await bridge.status("nothing is wrong any more") { $0.delivery["failureCount"] == 0 }
            }
        }
    }

    @Test("fault 30: an entry that no client sees together with ours is no reason to wait")
    func invisible() async throws {
        try await Scene.run { scene in
            try await withForeignEntry(scene, exportTo: "'~'") { _ in
                try await scene.register(Provider.many(Self.orders, 0..<1))
                try await scene.withBridge(configured: BridgeOptions()) { bridge in
                    _ = try await scene.entry(Self.name) { $0.endpointCount == 1 }
                    #expect(try await bridge.status().delivery["failureCount"] == 0)
                }
            }
        }
    }

    @Test("fault 30: what another installation, or this one in a former namespace, has of our hosts is named as theirs")
    func installations() async throws {
        for (instance, words) in [
            ("other", "it is of the installation 'other'"), ("main", "it is of this installation"),
        ] {
            let labels = "{app.kubernetes.io/managed-by: isthmus, isthmus.mesh/instance: \(instance)}"
            try await Scene.run { scene in
                try await withForeignEntry(scene, labels: labels) { namespace in
                    try await scene.register(Provider.many(Self.orders, 0..<1))
                    let plan = try await scene.isthmus("plan")
                    #expect(plan.standardOutput.contains("ServiceEntry \(namespace)/theirs has the host"))
                    #expect(plan.standardOutput.contains(words))
                    let applied = try await scene.isthmus("apply")
                    #expect(applied.status == .code(1))
                    #expect(try await scene.entries().isEmpty)
                }
            }
        }
    }

    @Test("fault 30: the domain becomes a namespace with a Service of the host: what stands goes on, what is new waits")
    func service() async throws {
        try await Scene.run { scene in
            let domain = scene.namespace + "-domain"
            var options = BridgeOptions()
            options.translation = "domain: \(domain)"
            try await scene.register(Provider.many("orders", 0..<1))
            try await scene.withBridge(configured: options) { bridge in
                _ = try await scene.entry("orders") { $0["spec"]?["hosts"] == [.string("orders.\(domain)")] }
                try await scene.server.createNamespace(domain)
                try await scene.server.kubectl("create", "service", "clusterip", "orders", "--tcp=80", "-n", domain)
                let status = try await bridge.status("the Service is seen") {
                    failure($0)?.hasPrefix("Service \(domain)/orders") == true
                }
                #expect(status.delivery["condition"]?["reason"]?.string?.contains("'\(domain)' is a namespace") == true)
                try await scene.register(Provider.many("orders", 1..<2) + Provider.many("stock", 0..<1))
                _ = try await scene.entry("orders") { $0.endpointCount == 2 }
                try await bridge.status("the new one waits") { $0.delivery["failureCount"] == 2 }
                #expect(try await scene.entries()["stock"] == nil)
            }
        }
    }

    @Test("fault 30: without the permission for other namespaces the bridge goes on, and says what it does not see")
    func forbidden() async throws {
        try await Scene.run { scene in
            try await withForeignEntry(scene) { _ in
                let options = try await scene.grantNamespace()
                try await scene.register(Provider.many(Self.orders, 0..<1))
                try await scene.withBridge(configured: options) { bridge in
                    _ = try await scene.entry(Self.name) { $0.endpointCount == 1 }
                    let status = try await bridge.status()
                    let notes = (status.delivery["notes"]?.array ?? []).compactMap(\.string)
                    #expect(notes.contains { $0.contains("ServiceEntries of other namespaces can't be followed") })
                    #expect(status.delivery["condition"] == nil)
                }
            }
        }
    }

    @Test("fault 30: with the ClusterRole of the documentation nothing is unseen, and ours waits")
    func permitted() async throws {
        try await Scene.run { scene in
            try await withForeignEntry(scene) { namespace in
                let options = try await scene.grantNamespace()
                try await scene.register(Provider.many(Self.orders, 0..<1))
                try await scene.withHostPermissions {
                    try await scene.withBridge(configured: options) { bridge in
                        let status = try await bridge.status("the host is taken") { failure($0) != nil }
                        #expect(failure(status)?.contains("ServiceEntry \(namespace)/theirs") == true)
                        try await bridge.status("all is seen") { $0.delivery["notes"] == nil }
                    }
                }
            }
        }
    }
}

extension Scene {
    /// Lets the user `nobody` write what the bridge writes in the scene's namespace.
    /// - Returns: A configuration of a bridge that is this user.
    fileprivate func grantNamespace() async throws -> BridgeOptions {
        try await server.kubectl(
            "create", "role", "isthmus", "-n", namespace, "--verb=get,list,watch,create,patch,delete",
            "--resource=serviceentries.networking.istio.io,workloadentries.networking.istio.io")
        try await server.kubectl(
            "create", "rolebinding", "isthmus", "-n", namespace, "--role=isthmus", "--user=nobody")
        var options = BridgeOptions()
        options.context = "nobody"
        options.translation = "outlierDetection: off"
        return options
    }

    /// Lets the user `nobody` look for other owners of hosts, as docs/configuration.md says, while the body runs.
    fileprivate func withHostPermissions(_ body: () async throws -> Void) async throws {
        let role = """
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRole
            metadata: { name: isthmus-hosts }
            rules:
              - apiGroups: [networking.istio.io]
                resources: [serviceentries]
                verbs: [list, watch]
              - apiGroups: [""]
                resources: [namespaces]
                resourceNames: [mesh]
                verbs: [list, watch]
              - apiGroups: [""]
                resources: [services]
                verbs: [list, watch]
            """
        try await server.kubectl("create", "-f", "-", input: role)
        try await server.kubectl(
            "create", "clusterrolebinding", "isthmus-hosts", "--clusterrole=isthmus-hosts", "--user=nobody")
        var failure: (any Error)?
        do { try await body() } catch { failure = error }
        try await server.kubectl("delete", "clusterrole,clusterrolebinding", "isthmus-hosts")
        if let failure { throw failure }
    }

    fileprivate func removeForeignEntry(in namespace: String) async throws {
        try await server.kubectl("delete", "serviceentries", "theirs", "-n", namespace, "--ignore-not-found")
    }

    /// What istiod makes of the entries of the scene's namespace and of another one.
    fileprivate func istiod(_ other: String) async throws -> Istiod {
        var objects: [ConfigObject] = []
        for namespace in [namespace, other] {
            let output = try await server.kubectl("get", "serviceentries", "-n", namespace, "-o", "json")
            objects += (try JSONValue(parsing: output)["items"]?.array ?? []).compactMap { ConfigObject($0) }
        }
        return Istiod(objects)
    }
}
