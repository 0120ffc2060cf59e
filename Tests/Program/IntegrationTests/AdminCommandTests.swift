internal import IsthmusTesting
internal import JSON
internal import Testing

/// The commands that talk to a running bridge. It needs no server but itself: its registry may stay away.
@Suite("The commands that talk to a bridge", .timeLimit(.minutes(5)))
struct AdminCommandTests {
    private let folder: TemporaryFolder
    private let port: Int
    private let configuration: String

    init() throws {
        folder = try TemporaryFolder(label: "admin")
        port = try Loopback.freePort()
        try folder.write("secret\n", to: "token")
        configuration = try folder.write(
            """
            registries: [{ name: zk-main, zookeeper: { servers: ["127.0.0.1:1"] } }]
            translation: { namespace: dubbo }
            delivery: { directory: { path: \(folder.path(of: "out")) } }
            admin: { listen: "127.0.0.1:\(port)", tokenFile: \(folder.path(of: "token")) }
            """, to: "isthmus.yaml")
    }

    private func start(_ log: String) throws -> ChildProcess {
        try ChildProcess.start(
            "isthmus", executable: ServerTools.builtProduct("isthmus"), arguments: ["run", "--config", configuration],
            log: folder.path(of: log))
    }

    @Test("status shows the bridge, release asks for a token, and SIGTERM still ends it with code 0")
    func talk() async throws {
        let bridge = try start("log")
        try await eventually("the endpoint listens") { bridge.log.contains("admin endpoint listening") }
        let status = try await Scene.isthmus(["status", "--config", configuration])
        #expect(status.status == .code(0), "\(status.standardError)")
        #expect(status.standardOutput.hasPrefix("isthmus "))
        #expect(status.standardOutput.contains("\nREGISTRY  HEALTH"))
        let json = try await Scene.isthmus(["status", "--admin", "127.0.0.1:\(port)", "--output", "json"])
        #expect(json.status == .code(0), "\(json.standardError)")
        #expect(try JSONValue(parsing: json.standardOutput)["version"]?.string != nil)

        let release = try await Scene.isthmus(["release", "zk-main", "--config", configuration])
        #expect(release.status == .code(1))
        let nothingHeld = "nothing is held or left over of a registry 'zk-main'"
        #expect(release.standardError.contains(nothingHeld), "\(release.standardError)")
        let wrong = try await ChildProcess.run(
            ServerTools.builtProduct("isthmus"), ["release", "zk-main", "--config", configuration],
            environment: ["ISTHMUS_ADMIN_TOKEN": "wrong"])
        #expect(wrong.status == .code(1))
        #expect(wrong.standardError.contains("the token is missing or wrong"), "\(wrong.standardError)")
        let none = try await Scene.isthmus(["release", "zk-main", "--admin", "127.0.0.1:\(port)"])
        #expect(none.status == .code(78))
        #expect(none.standardError.contains("ISTHMUS_ADMIN_TOKEN"), "\(none.standardError)")

        // A second bridge can't have the port.
        let second = try start("second")
        #expect(await second.waitForExit() == .code(1))
        #expect(
            second.log.contains(
                "isthmus: the admin endpoint can't listen on 127.0.0.1:\(port): Address already in use"),
            "\(second.log)")
        #expect(await bridge.stop() == .code(0), "\(bridge.log)")
    }

    @Test("where no bridge answers, the commands end with code 1 and say what to look at")
    func unreachable() async throws {
        for arguments in [["status"], ["release", "zk-main"]] {
            let output = try await Scene.isthmus(arguments + ["--config", configuration])
            #expect(output.status == .code(1))
            #expect(
                output.standardError
                    == """
                    isthmus: no bridge answers at 127.0.0.1:\(port): Connection refused; is 'isthmus run' running, with \
                    'admin' in its configuration?

                    """)
        }
    }

    @Test("a configuration without the section ends the commands with code 78, a wrong command line with 64")
    func wrong() async throws {
        let file = try folder.write(
            """
            registries: [{ name: zk-main, zookeeper: { servers: ["127.0.0.1:1"] } }]
            """, to: "without.yaml")
        let without = try await Scene.isthmus(["status", "--config", file])
        #expect(without.status == .code(78))
        #expect(
            without.standardError
                == "isthmus: \(file): without 'admin' the bridge has no admin endpoint; add admin: {}\n")
        #expect(try await Scene.isthmus(["status"]).status == .code(64))
        #expect(try await Scene.isthmus(["status", "--admin", "nowhere"]).status == .code(78))
        #expect(try await Scene.isthmus(["run", "--config", file, "--admin", "127.0.0.1:1"]).status == .code(64))
    }
}
