internal import Foundation
internal import IsthmusTesting
internal import Testing

/// Half a list must not pass for a whole one.
@Suite("Standard output", .realServers, .serialized, .timeLimit(.minutes(5)))
struct StandardOutputTests {
    private static let orders = "com.acme.Orders"

    /// Runs the program in a shell, with this behind its arguments.
    private static func shell(_ arguments: [String], _ redirection: String) async throws -> CommandOutput {
        let words = ([ServerTools.builtProduct("isthmus")] + arguments).map { "'\($0)'" }.joined(separator: " ")
        return try await ChildProcess.run("/bin/bash", ["-c", "\(words) \(redirection)"])
    }

    @Test("34: what can't be written ends each command with code 1 and a reason; a reader that has enough needs none")
    func fullAndClosed() async throws {
        try await Scene.run { scene in
            try await scene.register(
                (0..<40).map { Provider(interface: "com.acme.Service\($0)", address: "10.1.0.1:20880") })
            for command in [["reference"]] + ["export", "plan"].map({ [$0] + scene.connection() }) {
                let full = try await Self.shell(command, "> /dev/full")
                #expect(full.status == .code(1), "\(command[0])")
                #expect(
                    full.standardError == "isthmus: standard output can't be written: No space left on device\n",
                    "\(command[0])")
                let closed = try await Self.shell(command, ">&-")
                #expect(closed.status == .code(1), "\(command[0])")
                #expect(
                    closed.standardError == "isthmus: standard output can't be written: Bad file descriptor\n",
                    "\(command[0])")
                let head = try await Self.shell(command, "| head -1; echo ${PIPESTATUS[0]}")
                #expect(head.standardError == "", "\(command[0])")
                let code = head.standardOutput.split(separator: "\n").last.map(String.init)
                // A reader may be slow enough to be written everything.
                #expect(["141", "0", "2"].contains(code), "\(command[0]): \(code ?? "")")
            }
            // What was carried out is carried out, and who can't see it is told.
            let apply = try await Self.shell(["apply"] + scene.connection(), "> /dev/full")
            #expect(apply.status == .code(1))
            #expect(apply.standardError.hasSuffix("standard output can't be written: No space left on device\n"))
            #expect(try await scene.entries().count == 40)
        }
    }

    @Test("34: status on a full disk ends with code 1 and a reason")
    func status() async throws {
        let folder = try TemporaryFolder(label: "status")
        let port = try Loopback.freePort()
        let configuration = try folder.write(
            """
            registries: [{ name: zk-main, zookeeper: { servers: ["127.0.0.1:1"] } }]
            translation: { namespace: dubbo }
            delivery: { directory: { path: \(folder.path(of: "out")) } }
            admin: { listen: \(port) }
            """, to: "isthmus.yaml")
        let bridge = try ChildProcess.start(
            "isthmus", executable: ServerTools.builtProduct("isthmus"), arguments: ["run", "--config", configuration],
            log: folder.path(of: "log"))
        try await eventually("the endpoint listens") { bridge.log.contains("admin endpoint listening") }
        for output in [[], ["--output", "json"]] {
            let full = try await Self.shell(["status", "--admin", "\(port)"] + output, "> /dev/full")
            #expect(full.status == .code(1))
            #expect(full.standardError == "isthmus: standard output can't be written: No space left on device\n")
            #expect(try await Self.shell(["status", "--admin", ":\(port)"] + output, "").status == .code(0))
        }
        #expect(await bridge.stop() == .code(0), "\(bridge.log)")
    }
}
