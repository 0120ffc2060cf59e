import IsthmusTesting
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Testing

@testable import Kubernetes

/// The messages of failures below HTTP: in words, without the text of a library.
@Suite("A failure to reach the server", .timeLimit(.minutes(1)))
struct TransportFailureTests {
    private func get(_ configuration: ClusterConfiguration) async throws -> KubernetesError {
        try await withClient(configuration) { client in
            try await failure { () async throws(KubernetesError) in
                try await client.get(configMaps, name: "a", namespace: "ns")
            }
        }
    }

    @Test("names an unknown host")
    func unknownHost() async throws {
        let error = try await get(ClusterConfiguration(server: "https://no-such-host.invalid:6443"))
        #expect(error.code == .unreachable)
        #expect(error.message == "no-such-host.invalid:6443: the host name is unknown, or cannot be resolved")
    }

    @Test("tells a server without TLS from one with the wrong certificate")
    func noTLS() async throws {
        try await TestServer.run(replies: [.json("{}")]) { server in
            let error = try await get(ClusterConfiguration(server: "https://127.0.0.1:\(server.port)"))
            #expect(error.code == .tlsFailed)
            #expect(error.message == "127.0.0.1:\(server.port): TLS: the server does not speak TLS at this port")
        }
    }

    @Test("says that a certificate is untrusted or expired, or for another name")
    func wrongCertificates() async throws {
        try await withFiles([:]) { folder in
            let certificates = TestCertificates(folder: folder)
            let authority = try await certificates.makeAuthority("ca")
            let trusted = ClusterConfiguration.PEM.file("\(folder)/ca.crt")
            let context = try certificates.context(
                try await certificates.make("server", for: "DNS:api.acme.com", by: authority))
            try await TestServer.run(tls: .init(context), { _ in .json("{}") }) { server in
                let port = server.port
                let untrusted = try await get(ClusterConfiguration(server: server.url))
                #expect(
                    untrusted.message == "127.0.0.1:\(port): TLS: the server's certificate is not signed by the "
                        + "certificate authority, or it is not valid now")
                let misnamed = try await get(
                    ClusterConfiguration(
                        server: server.url, certificateAuthority: trusted, tlsServerName: "api.acme.org"))
                #expect(misnamed.code == .tlsFailed)
                #expect(
                    misnamed.message == "127.0.0.1:\(port): TLS: the server's certificate is for another name; set "
                        + "tls-server-name to that name")
            }
        }
    }

    @Test("of a key without its certificate quotes no library")
    func mismatch() async throws {
        try await withFiles([:]) { folder in
            let certificates = TestCertificates(folder: folder)
            let (one, other) = (try await certificates.makeAuthority("a"), try await certificates.makeAuthority("b"))
            let configuration = ClusterConfiguration(
                server: "https://127.0.0.1:1",
                clientCertificate: .init(
                    chain: .file("\(folder)/\(one.certificate)"), privateKey: .file("\(folder)/\(other.key)")))
            let error = try await failure { () async throws(KubernetesError) in
                do { try await withClient(configuration) { _ in } } catch let error as KubernetesError {
                    throw error
                } catch {}
            }
            #expect(
                error.message
                    == "TLS cannot be set up; check that the client key belongs to the client certificate")
        }
    }

    @Test(
        "does not come from an IPv6 address in the server's URL",
        .enabled("this machine has no ::1") { await hasIPv6() })
    func ipv6() async throws {
        try await TestServer.run(on: "::1", { _ in .json(objectText("a", version: "7")) }) { server in
            try await withClient(ClusterConfiguration(server: "http://[::1]:\(server.port)")) { client in
                let object = try await client.get(configMaps, name: "a", namespace: "ns")
                #expect(object.metadata.resourceVersion == "7")
            }
            #expect(server.requests.map { $0.headers["Host"] } == [["[::1]:\(server.port)"]])
        }
    }

    private static func hasIPv6() async -> Bool {
        do {
            try await ServerBootstrap(group: NIOSingletons.posixEventLoopGroup).bind(host: "::1", port: 0).get()
                .close()
            return true
        } catch {
            return false
        }
    }
}
