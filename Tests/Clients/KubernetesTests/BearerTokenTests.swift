import Concurrency
import Foundation
import IsthmusTesting
import NIOHTTP1
import Testing

@testable import Kubernetes

@Suite("A token from a file", .timeLimit(.minutes(1)))
struct BearerTokenTests {
    private func write(_ text: String, to path: String) throws {
        try Data(text.utf8).write(to: URL(filePath: path))
    }

    @Test("is read again after a minute, and the last token stays in use when that fails")
    func rotation() async throws {
        let recorder = LogRecorder()
        try await withFiles(["token": "one\n"]) { folder in
            let path = "\(folder)/token"
            let clock = SkippingClock()
            let token = BearerToken(path: path, stopwatch: Stopwatch(clock), logger: recorder.logger)
            #expect(try await token.current() == "one")
            try write("two", to: path)
            #expect(try await token.current() == "one")
            clock.advance(by: .seconds(61))
            #expect(try await token.current() == "two")
            try FileManager.default.removeItem(atPath: path)
            clock.advance(by: .seconds(61))
            #expect(try await token.current() == "two")
            #expect(recorder.messages.count == 1)
            #expect(recorder.messages.allSatisfy { !$0.contains("two") })
        }
    }

    @Test("that does not exist is a configuration error")
    func missing() async throws {
        let token = BearerToken(
            path: "/absent/token", stopwatch: Stopwatch(ContinuousClock()), logger: LogRecorder().logger)
        let error = try await failure { () async throws(KubernetesError) in try await token.current() }
        #expect(error.code == .configuration)
        #expect(error.message.contains("/absent/token: there is no such file"))
    }

    @Test("is read again when the server refuses it, and the request repeated once")
    func unauthorized() async throws {
        try await withFiles(["token": "old"]) { folder in
            let path = "\(folder)/token"
            let handler = { @Sendable (request: TestServer.Request) -> TestServer.Reply in
                request.headers["Authorization"] == ["Bearer new"]
                    ? .json(objectText("a", version: "1")) : .json("Unauthorized", status: 401)
            }
            try await TestServer.run(handler) { server in
                let configuration = ClusterConfiguration(server: server.url, token: .file(path))
                try await withClient(configuration) { client in
                    let refused = try await failure { () async throws(KubernetesError) in
                        try await client.get(configMaps, name: "a", namespace: "ns")
                    }
                    #expect(refused.code == .unauthorized)
                    // The file still held the refused token, so another attempt would have been pointless.
                    #expect(server.requests.count == 1)
                    try write("new", to: path)
                    #expect(try await client.get(configMaps, name: "a", namespace: "ns").metadata.name == "a")
                    #expect(server.requests.count == 3)
                }
            }
        }
    }
}
