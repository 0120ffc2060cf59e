import Testing

@testable import ZooKeeper

@Suite("The settings of TLS")
struct TLSTests {
    private func problem(_ tls: TLS) -> ZooKeeperError? {
        do throws(ZooKeeperError) {
            try tls.validate()
            return nil
        } catch {
            return error
        }
    }

    @Test("the authorities of the system are the default")
    func system() {
        #expect(problem(TLS()) == nil)
    }

    @Test("an error names the item that is missing or no PEM, with its file")
    func unreadable() {
        let missing = problem(TLS(certificateAuthority: .file("/no/such/ca.pem")))
        #expect(missing?.code == .invalidInput)
        #expect(missing?.message.contains("certificate authority in /no/such/ca.pem") == true)
        let garbage = problem(TLS(certificateAuthority: .bytes(Array("not PEM".utf8))))
        #expect(garbage?.message.contains("holds no certificate") == true)
        let chain = TLS.Identity(certificateChain: .bytes([]), privateKey: .file("/no/such/key.pem"))
        #expect(problem(TLS(identity: chain))?.message.contains("client certificate") == true)
    }

    @Test("no description contains the bytes of a key")
    func redaction() {
        let key = TLS.PEM.bytes(Array("secret".utf8))
        let identity = TLS.Identity(certificateChain: .file("/chain.pem"), privateKey: key)
        var dumped = ""
        dump(TLS(identity: identity), to: &dumped)
        for text in ["\(key)", String(reflecting: key), dumped] {
            #expect(!text.contains("115"))
            #expect(text.contains("6 bytes"))
        }
    }

    @Test("a host name is sent and verified; an address is not sent")
    func names() {
        var tls = TLS()
        #expect(tls.name(for: .init(host: "zk-1.internal", port: 2281)) == "zk-1.internal")
        #expect(tls.name(for: .init(host: "127.0.0.1", port: 2281)) == nil)
        #expect(tls.name(for: .init(host: "::1", port: 2281)) == nil)
        tls.serverName = "zookeeper"
        #expect(tls.name(for: .init(host: "127.0.0.1", port: 2281)) == "zookeeper")
    }

    @Test("a client reports unreadable certificates and tries again")
    func reported() async throws {
        var configuration = ZooKeeperClient.Configuration()
        configuration.tls = TLS(certificateAuthority: .file("/no/such/ca.pem"))
        let client = ZooKeeperClient(try ConnectionString("127.0.0.1:1"), configuration: configuration)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await client.run() }
            var reasons: [String] = []
            for await event in await client.events() {
                if case .disconnected(let reason) = event { reasons.append(reason) }
                if reasons.count == 2 { break }
            }
            #expect(reasons.allSatisfy { $0.contains("/no/such/ca.pem") })
            group.cancelAll()
        }
    }
}
