internal import Foundation
internal import IsthmusTesting
internal import Testing
internal import ZooKeeper

/// What `isthmus export` makes of typical registrations, to the byte, and held against the schema and the CEL rules of
/// Istio's CRDs.
///
/// `ISTHMUS_RENEW_GOLDEN=1 swift test --filter GoldenTests` writes the files anew; what changed in them is then to be
/// reviewed.
@Suite("Golden resources", .realServers, .timeLimit(.minutes(5)))
struct GoldenTests {
    /// Providers of a registry of its own, and a name for the file.
    struct Case: Sendable {
        var name: String
        var interface = "com.acme.Orders"
        var providers: [String]
        /// Providers that are there before the others, and leave again.
        var left: [String] = []
        var translation = ""
    }

    static let cases = [
        Case(name: "one-provider", providers: ["dubbo://10.1.0.1:20880/com.acme.Orders?application=shop"]),
        Case(
            name: "two-protocols",
            providers: [
                "dubbo://10.1.0.1:20880/com.acme.Orders?application=shop",
                "tri://10.1.0.1:50051/com.acme.Orders?application=shop",
            ]),
        Case(
            name: "every-protocol",
            providers: ["dubbo", "tri", "rest", "grpc"].enumerated().map { index, scheme in
                "\(scheme)://10.1.0.\(index + 1):\(9000 + index)/com.acme.Orders?application=shop"
            }),
        Case(
            name: "group-and-version",
            providers: [
                "dubbo://10.1.0.1:20880/com.acme.Orders?group=blue&version=1.2.0",
                "dubbo://10.1.0.2:20880/com.acme.Orders?group=blue&version=2.0.0",
                "dubbo://10.1.0.3:20880/com.acme.Orders?version=1.2.0",
                "dubbo://10.1.0.4:20880/com.acme.Orders",
            ]),
        Case(
            name: "ipv6",
            providers: [
                "dubbo://[2001:db8::1]:20880/com.acme.Orders", "dubbo://[2001:DB8:0:0::2]:20881/com.acme.Orders",
                "dubbo://10.1.0.1:20880/com.acme.Orders",
            ]),
        Case(
            name: "weights",
            providers: [
                "dubbo://10.1.0.1:20880/com.acme.Orders?weight=200", "dubbo://10.1.0.2:20880/com.acme.Orders",
                "dubbo://10.1.0.3:20880/com.acme.Orders?weight=4000000000",
            ]),
        Case(
            name: "labels-and-locality",
            providers: [
                "dubbo://10.1.0.1:20880/com.acme.Orders?application=shop&region=eu-west&zone=a&version=1.0",
                "dubbo://10.1.0.2:20880/com.acme.Orders?application=shop / eu&region=eu-west&version=1.0",
                "dubbo://10.1.0.3:20880/com.acme.Orders?application=shop&dubbo.tag=gray&zone=b&token=secret&version=1.0",
            ]),
        Case(
            name: "disabled",
            providers: [
                "dubbo://10.1.0.1:20880/com.acme.Orders?disabled=true",
                "dubbo://10.1.0.2:20880/com.acme.Orders?weight=0", "dubbo://10.1.0.3:20880/com.acme.Orders",
            ]),
        Case(
            name: "everyone-left", providers: [],
            left: ["dubbo://10.1.0.1:20880/com.acme.Orders", "tri://10.1.0.2:50051/com.acme.Orders"]),
        Case(
            name: "odd-name", interface: "com.Acme_GmbH.$Outer$Inner.42",
            providers: ["dubbo://10.1.0.1:20880/com.Acme_GmbH.$Outer$Inner.42?group=Blau/Grün"]),
        Case(
            name: "long-name", interface: "com." + String(repeating: "verylong", count: 10) + ".Orders",
            providers: [
                "dubbo://10.1.0.1:20880/com." + String(repeating: "verylong", count: 10) + ".Orders?version="
                    + String(repeating: "1.", count: 90) + "0"
            ]),
        Case(
            name: "export-to", providers: ["dubbo://10.1.0.1:20880/com.acme.Orders"],
            translation: "exportTo: [istio-system, shop]"),
        Case(
            name: "addresses-none", providers: ["dubbo://10.1.0.1:20880/com.acme.Orders"],
            translation: "addresses: none"),
        Case(
            name: "workload-entries",
            providers: [
                "dubbo://10.1.0.1:20880/com.acme.Orders?application=shop&zone=a&version=1.0",
                "dubbo://[2001:db8::1]:20881/com.acme.Orders?application=shop&weight=200&version=1.0",
                "tri://10.1.0.1:50051/com.acme.Orders?application=shop&version=1.0",
            ],
            translation: "endpoints: workloadEntry"),
        Case(
            name: "own-ports-and-labels", providers: ["dubbo://10.1.0.1:20880/com.acme.Orders?version=1.0&zone=a"],
            translation: "{ ports: { dubbo: 31000 }, labels: { keep: [zone] }, addresses: { cidr: 10.96.0.0/24 } }"),
    ]

    @Test("typical registrations become the resources of the golden files, which Istio's schema takes")
    func resources() async throws {
        let renews = ProcessInfo.processInfo.environment["ISTHMUS_RENEW_GOLDEN"] == "1"
        let folder = "\(ServerTools.packageRoot)/Tests/Fixtures/golden"
        var all = ""
        try await RealZooKeeper.withServer { zooKeeper in
            for example in Self.cases {
                let yaml = try await Self.export(example, from: zooKeeper)
                all += yaml
                let file = "\(folder)/\(example.name).yaml"
                if renews { try yaml.write(toFile: file, atomically: true, encoding: .utf8) }
                let golden = try String(contentsOfFile: file, encoding: .utf8)
                #expect(yaml == golden, "\(example.name)")
            }
        }
        #expect(!all.contains("secret"), "what may be a secret is in no resource")
        #expect(try await IstioSchema.violations(in: all) == [])
    }

    /// The resources of one example, from a registry and a folder of its own.
    private static func export(_ example: Case, from zooKeeper: RealZooKeeper) async throws -> String {
        let root = "/\(example.name)"
        let folder = try TemporaryFolder(label: "golden")
        let translation =
            example.translation.hasPrefix("{")
            ? String(example.translation.dropFirst().dropLast()) : example.translation
        let configuration = try folder.write(
            """
            registries:
              - name: zk-main
                zookeeper: { servers: ["\(zooKeeper.connectString)"], dubbo: { root: \(root) } }
            translation: { namespace: dubbo, outlierDetection: off\(translation.isEmpty ? "" : ", " + translation) }
            delivery:
              directory: { path: \(folder.path(of: "out")) }

            """, to: "isthmus.yaml")
        func isthmus(_ command: String...) async throws -> String {
            let output = try await Scene.isthmus(command + ["--config", configuration])
            guard output.status == .code(0) else {
                throw TestSupportError(
                    "\(example.name): \(command[0]) ended with \(output.status): \(output.standardError)")
            }
            return output.standardOutput
        }
        let providers = "\(root)/\(Scene.encoded(example.interface))/providers"
        try await zooKeeper.withClient { client in
            try await client.ensurePath(providers)
            for url in example.providers + example.left {
                try await client.create(providers + "/" + Scene.encoded(url))
            }
        }
        if !example.left.isEmpty {
            _ = try await isthmus("apply")
            try await zooKeeper.withClient { client in
                for url in example.left { try await client.delete(providers + "/" + Scene.encoded(url)) }
            }
            // A registry that has nothing left at all is not believed by itself.
            return try await isthmus("export", "--release", "zk-main")
        }
        return try await isthmus("export")
    }
}
