import Foundation
import IsthmusTesting
import NIOHTTP1
import Testing

@testable import Kubernetes

@Suite("Certificates in files", .timeLimit(.minutes(1)))
struct CertificateRotationTests {
    private let closing = TestServer.Reply.json(objectText("a", version: "1"), headers: ["Connection": "close"])

    @Test("of the authority are read again at once when the server's certificate is not trusted")
    func authority() async throws {
        try await withFiles([:]) { folder in
            let certificates = TestCertificates(folder: folder)
            let old = try await certificates.makeAuthority("old")
            let new = try await certificates.makeAuthority("new")
            let tls = try await TestServer.TLS(certificates.context(certificates.make("server-1", by: old)))
            try certificates.replace("ca.crt", by: old.certificate)
            try await TestServer.run(tls: tls, { _ in closing }) { server in
                let configuration = ClusterConfiguration(
                    server: server.url, certificateAuthority: .file("\(folder)/ca.crt"))
                try await withClient(configuration) { client in
                    _ = try await client.get(configMaps, name: "a", namespace: "ns")
                    tls.current = try await certificates.context(certificates.make("server-2", by: new))
                    let error = try await failure { () async throws(KubernetesError) in
                        try await client.get(configMaps, name: "a", namespace: "ns")
                    }
                    #expect(error.code == .tlsFailed)
                    #expect(error.message.contains("not signed by the certificate authority"))
                    // A write that failed in the handshake was never sent, and may be repeated.
                    try certificates.replace("ca.crt", by: new.certificate)
                    try await client.delete(configMaps, name: "a", namespace: "ns")
                    #expect(server.requests.map(\.method) == [.GET, .DELETE])
                }
            }
        }
    }

    @Test("of the client are read again after a minute, and a watch that is open stays so")
    func client() async throws {
        try await withFiles([:]) { folder in
            let certificates = TestCertificates(folder: folder)
            let authority = try await certificates.makeAuthority("ca")
            let (old, new) = (
                try await certificates.make("old", by: authority), try await certificates.make("new", by: authority)
            )
            try certificates.replace("client.crt", by: old.certificate)
            try certificates.replace("client.key", by: old.key)
            let tls = try await TestServer.TLS(certificates.context(certificates.make("server", by: authority)))
            let (later, feed) = AsyncStream.makeStream(of: String.self)
            let handler = { @Sendable (request: TestServer.Request) -> TestServer.Reply in
                request.isWatch ? .init(later: later) : .json(objectText("a", version: "1"))
            }
            try await TestServer.run(tls: tls, handler) { server in
                let configuration = ClusterConfiguration(
                    server: server.url, certificateAuthority: .file("\(folder)/\(authority.certificate)"),
                    clientCertificate: .init(
                        chain: .file("\(folder)/client.crt"), privateKey: .file("\(folder)/client.key")))
                let (clock, recorder) = (SkippingClock(), LogRecorder())
                try await withClient(configuration, options: Self.patient, logger: recorder.logger, clock: clock) {
                    client in
                    var watch = client.watch(configMaps, from: "1").makeAsyncIterator()
                    feed.yield(eventText("ADDED", "a", version: "2") + "\n")
                    _ = try await watch.next()
                    func get() async throws { _ = try await client.get(configMaps, name: "a", namespace: "ns") }
                    try await get()
                    // The rotation is half done: certificate and key do not fit together.
                    try certificates.replace("client.crt", by: new.certificate)
                    clock.advance(by: .seconds(61))
                    try await get()
                    #expect(
                        recorder.messages.contains {
                            $0.contains("certificate files cannot be used: the last certificates stay in use")
                        })
                    try certificates.replace("client.key", by: new.key)
                    // The files are not read again before a minute is over.
                    try await get()
                    clock.advance(by: .seconds(61))
                    try await get()
                    try await get()
                    feed.yield(eventText("MODIFIED", "a", version: "3") + "\n")
                    let event = try await watch.next()
                    #expect(try event == .modified(object("a", version: "3")))

                    let (first, second) = (
                        try certificates.serialNumber(old), try certificates.serialNumber(new)
                    )
                    #expect(server.requests.map(\.clientCertificate) == [first, first, first, first, second, second])
                    #expect(server.requests.map(\.connection) == [0, 1, 1, 1, 2, 2])
                }
            }
        }
    }

    @Test("from a plug-in replace the previous ones")
    func plugin() async throws {
        try await withFiles([:]) { folder in
            let certificates = TestCertificates(folder: folder)
            let authority = try await certificates.makeAuthority("ca")
            let (old, new) = (
                try await certificates.make("old", by: authority), try await certificates.make("new", by: authority)
            )
            for (name, pair) in [("1", old), ("2", new)] {
                let status = try ["clientCertificateData": pair.certificate, "clientKeyData": pair.key]
                    .mapValues { try certificates.text($0) }
                let credential: [String: Any] = [
                    "kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1", "status": status,
                ]
                try JSONSerialization.data(withJSONObject: credential).write(to: URL(filePath: "\(folder)/\(name)"))
            }
            // Supplies the second certificate from its second run on.
            let script = "cat \(folder)/1; cp \(folder)/2 \(folder)/1"
            let tls = try await TestServer.TLS(certificates.context(certificates.make("server", by: authority)))
            let accepted = try certificates.serialNumber(new)
            let handler = { @Sendable (request: TestServer.Request) -> TestServer.Reply in
                request.clientCertificate == accepted
                    ? .json(objectText("a", version: "1")) : .json("Unauthorized", status: 401)
            }
            try await TestServer.run(tls: tls, handler) { server in
                let configuration = ClusterConfiguration(
                    server: server.url, certificateAuthority: .file("\(folder)/\(authority.certificate)"),
                    credentialPlugin: .init(command: "/bin/sh", arguments: ["-c", script]))
                try await withClient(configuration) { client in
                    for _ in 0..<2 { _ = try await client.get(configMaps, name: "a", namespace: "ns") }
                    #expect(
                        try server.requests.map(\.clientCertificate)
                            == [certificates.serialNumber(old), accepted, accepted])
                }
            }
        }
    }

    /// Time limits longer than those that the clock skips.
    private static var patient: KubernetesClient.Options {
        var options = KubernetesClient.Options()
        options.requestTimeout = .seconds(3600)
        return options
    }
}

@Suite("A token from a plug-in", .timeLimit(.minutes(1)))
struct PluginTokenTests {
    @Test("is renewed once when the server refuses it, and the request repeated")
    func renewal() async throws {
        try await withFiles(["n": "0"]) { folder in
            let script = """
                n=$(($(cat \(folder)/n) + 1)); echo $n > \(folder)/n
                echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"'$n'"}}'
                """
            let handler = { @Sendable (request: TestServer.Request) -> TestServer.Reply in
                request.headers["Authorization"] == ["Bearer 2"]
                    ? .json(objectText("a", version: "1")) : .json("Unauthorized", status: 401)
            }
            try await TestServer.run(handler) { server in
                let configuration = ClusterConfiguration(
                    server: server.url, credentialPlugin: .init(command: "/bin/sh", arguments: ["-c", script]))
                try await withClient(configuration) { client in
                    for _ in 0..<3 { _ = try await client.get(configMaps, name: "a", namespace: "ns") }
                }
                #expect(
                    server.requests.map { $0.headers["Authorization"] }
                        == [["Bearer 1"], ["Bearer 2"], ["Bearer 2"], ["Bearer 2"]])
            }
        }
    }

    @Test("that is unavailable fails the request before it is sent, and the error names the plug-in")
    func failing() async throws {
        try await TestServer.run(replies: [.json("{}")]) { server in
            let configuration = ClusterConfiguration(
                server: server.url, credentialPlugin: .init(command: "no-such-plugin", installHint: "brew install it"))
            try await withClient(configuration) { client in
                let error = try await failure { () async throws(KubernetesError) in
                    try await client.delete(configMaps, name: "a", namespace: "ns")
                }
                #expect(error.code == .credentialsUnavailable)
                #expect(error.path == "DELETE /api/v1/namespaces/ns/configmaps/a")
                #expect(error.message.contains("brew install it"))
                #expect(!error.isOutcomeUnknown)
            }
            #expect(server.requests.isEmpty)
        }
    }
}
