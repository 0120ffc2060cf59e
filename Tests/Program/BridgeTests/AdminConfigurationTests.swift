internal import Bridge
internal import Foundation
internal import IsthmusTesting
internal import Settings
internal import Testing

@Suite("The configuration of the admin endpoint")
struct AdminConfigurationTests {
    private static func configuration(_ admin: String) throws -> BridgeConfiguration {
        try BridgeConfiguration(
            yaml: """
                registries: [{ name: zk, zookeeper: { servers: ["127.0.0.1:2181"] } }]
                delivery: { directory: { path: out } }
                \(admin)
                """, file: "f")
    }

    @Test("without the section there is none, and with an empty one it listens on the loopback, without a token")
    func standard() throws {
        #expect(try Self.configuration("").admin == nil)
        #expect(try Self.configuration("admin: {}").admin == .init(host: "127.0.0.1", port: 8080, token: .none))
    }

    @Test(
        "it listens where it is told to",
        arguments: [("0.0.0.0:9090", "0.0.0.0", 9090), ("[::1]:80", "::1", 80), ("localhost:1", "localhost", 1)])
    func listen(text: String, host: String, port: Int) throws {
        let admin = try #require(try Self.configuration("admin: { listen: '\(text)' }").admin)
        #expect(admin == .init(host: host, port: port))
        #expect(admin.address == text)
        #expect(
            try BridgeConfiguration.Admin(flag: text)
                == .init(host: host, port: port, token: .environment("ISTHMUS_ADMIN_TOKEN")))
    }

    @Test(
        "a port alone is on the loopback, and one behind a colon is on every address",
        arguments: [("9090", "127.0.0.1:9090"), (":9090", "0.0.0.0:9090")])
    func ports(text: String, address: String) throws {
        #expect(try Self.configuration("admin: { listen: '\(text)' }").admin?.address == address)
        #expect(try BridgeConfiguration.Admin(flag: text).address == address)
    }

    @Test("a port in the file needs no quotes")
    func number() throws {
        #expect(try Self.configuration("admin: { listen: 9090 }").admin?.address == "127.0.0.1:9090")
    }

    @Test(
        "an address that can't be is refused",
        arguments: [
            "", ":", "0", ":0", "70000", ":70000", "localhost", "localhost:", "localhost:0", "localhost:70000",
            "::1:80",
            "[]:80", "[::1]",
        ])
    func refused(text: String) {
        let message =
            "must be HOST:PORT such as 127.0.0.1:8080, with IPv6 in brackets, PORT or :PORT, and is '\(text)'"
        let error = #expect(throws: ConfigurationError.self) { try Self.configuration("admin: { listen: '\(text)' }") }
        #expect(error?.message == "'admin.listen': \(message)")
        let flag = #expect(throws: ConfigurationError.self) { try BridgeConfiguration.Admin(flag: text) }
        #expect(flag?.description == "--admin: \(message)")
    }

    @Test("the token comes from a file or from the environment, not from both")
    func tokens() throws {
        #expect(try Self.configuration("admin: { tokenFile: /t }").admin?.token == .file("/t"))
        #expect(try Self.configuration("admin: { tokenEnv: T }").admin?.token == .environment("T"))
        for (keys, message) in [
            ("tokenFile: /t, tokenEnv: T", "'admin.tokenEnv': tokenFile is set too; set one of them"),
            ("tokenFile: ''", "'admin.tokenFile': must name a file"),
            ("tokenEnv: ''", "'admin.tokenEnv': must name an environment variable"),
            ("token: secret", "unknown key 'admin.token'"),
        ] {
            let error = #expect(throws: ConfigurationError.self) { try Self.configuration("admin: { \(keys) }") }
            #expect(error?.message.hasPrefix(message) == true, "\(error?.message ?? "")")
        }
    }

    @Test("a token's file is read again each time, without the white space around the token")
    func tokenFile() async throws {
        let folder = try TemporaryFolder(label: "token")
        let token = SecretReference.file(try folder.write("\n secret\n", to: "token"))
        #expect(try await token.token() == "secret")
        try folder.write("new", to: "token")
        #expect(try await token.token() == "new")
        try folder.write(" \n", to: "token")
        let empty = await #expect(throws: ConfigurationError.self) { try await token.token() }
        #expect(empty?.description == "\(folder.path(of: "token")): it has no token: it is empty")
        let missing = SecretReference.file(folder.path(of: "none"))
        let error = await #expect(throws: ConfigurationError.self) { try await missing.token() }
        #expect(error?.place == folder.path(of: "none"))
        #expect(try await SecretReference.none.token() == nil)
        let unset = SecretReference.environment("ISTHMUS_TEST_NO_SUCH_VARIABLE")
        await #expect(throws: ConfigurationError.self) { try await unset.token() }
    }

    @Test("commands find the endpoint of a file whose kubeconfig is not at hand")
    func endpointAlone() throws {
        let folder = try TemporaryFolder(label: "configuration")
        let text = """
            registries: [{ name: zk, zookeeper: { servers: ["127.0.0.1:2181"] } }]
            delivery: { kubernetes: [{ kubeconfig: /nowhere }] }
            admin: { listen: "127.0.0.1:9" }
            """
        let file = try folder.write(text, to: "isthmus.yaml")
        #expect(try BridgeConfiguration.admin(file: file) == .init(port: 9))
        let wrong = try folder.write(text + "\nadmim: {}", to: "wrong.yaml")
        #expect(throws: ConfigurationError.self) { try BridgeConfiguration.admin(file: wrong) }
    }
}
