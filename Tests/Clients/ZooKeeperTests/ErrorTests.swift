import Testing

@testable import ZooKeeper

@Suite("Errors")
struct ErrorTests {
    private struct Cause: Error {}

    @Test("an error says what happened, where, in which step and whether the outcome is unknown")
    func description() {
        #expect(ZooKeeperError(.noNode, path: "/a").description == "ZooKeeper: there is no such znode (/a)")
        #expect(
            ZooKeeperError(.badVersion, path: "/a", message: "no", operationIndex: 2, isOutcomeUnknown: true)
                .description
                == "ZooKeeper: step 2 of the multi: no (/a); it is unknown whether the write took effect")
    }

    @Test("the cause is carried and takes no part in equality")
    func cause() {
        let error = ZooKeeperError(.connectionLoss, cause: Cause())
        #expect(error.cause is Cause)
        #expect(error == ZooKeeperError(.connectionLoss))
        #expect(error.hashValue == ZooKeeperError(.connectionLoss).hashValue)
        #expect(error != ZooKeeperError(.connectionLoss, isOutcomeUnknown: true))
    }

    @Test("a code has a name, and those of ZooKeeper have their number")
    func codes() {
        #expect("\(ZooKeeperError.Code.noNode)" == "noNode")
        #expect(ZooKeeperError.Code.noNode.keeperExceptionCode == -101)
        #expect(ZooKeeperError.Code.requestTimeout.keeperExceptionCode == -122)
        #expect(ZooKeeperError.Code.cancelled.keeperExceptionCode == nil)
        let unknown = ZooKeeperError.Code(rawValue: -130)
        #expect("\(unknown)" == "error -130")
        #expect(ZooKeeperError(unknown).message.contains("-130"))
    }

    @Test("a request before run() fails at once and says what to do")
    func notRunning() async throws {
        let client = ZooKeeperClient(try ConnectionString("127.0.0.1:1"))
        let error = await #expect(throws: ZooKeeperError.self) { try await client.children(of: "/a") }
        #expect(error?.code == .notRunning)
        #expect(error?.path == "/a")
        #expect(error?.message.contains("call run() in a task") == true)
    }

    @Test("a failed attempt is the cause of the requests that waited for it")
    func attempt() async throws {
        let error = await #expect(throws: ZooKeeperError.self) {
            try await ZooKeeperClient.withClient(try ConnectionString("127.0.0.1:1")) { client in
                _ = try await client.children(of: "/a")
            }
        }
        #expect(error?.code == .connectionLoss)
        #expect(error?.cause != nil)
        #expect(error?.message.contains("refused") == true)
        #expect(error?.isOutcomeUnknown == false)
    }
}
