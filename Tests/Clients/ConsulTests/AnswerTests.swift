import Foundation
import HTTP
import IsthmusTesting
import JSON
import NIOCore
import NIOHTTP1
import Testing

@testable import Consul

/// A recorded answer of a real server; `Tests/Fixtures/consul/README.md` says how it was recorded.
private func answers(_ file: String) throws -> [(path: String, answer: HTTPAnswer)] {
    let data = try Data(contentsOf: URL(filePath: ServerTools.fixture("consul/\(file).json")))
    return try (JSONValue(parsing: data)["exchanges"]?.array ?? []).map { exchange in
        let response = exchange["response"]
        let headers = (response?["headers"]?.strings ?? [:]).map { ($0.key, $0.value) }
        let answer = HTTPAnswer(
            status: Int(response?["status"]?.integer ?? 0), headers: HTTPHeaders(headers),
            body: ByteBuffer(string: response?["body"]?.string ?? ""))
        return (exchange["request"]?["path"]?.string ?? "", answer)
    }
}

@Suite("recorded answers of Consul")
struct AnswerTests {
    private static func instances(_ answer: HTTPAnswer) throws -> ConsulAnswer<ConsulInstances> {
        try ConsulClient.read(answer, ConsulInstances.init)
    }

    @Test("the checks of an instance and of its node make one state, and weights and metadata come with it")
    func health() throws {
        let answer = try Self.instances(try #require(try answers("health-service").first).answer)
        #expect(answer.index == 16 && !answer.isFiltered && answer.value.unreadable == 0)
        let states = Dictionary(
            uniqueKeysWithValues: answer.value.instances.map { ($0.id, $0.status) })
        #expect(states == ["web-1": .passing, "web-2": .warning, "web-3": .critical, "web-4": .passing])
        let first = try #require(answer.value.instances.first { $0.id == "web-1" })
        #expect(first.passingWeight > 1)
        let last = try #require(answer.value.instances.first { $0.id == "web-4" })
        #expect(last.ownAddress.isEmpty && last.address == last.nodeAddress)
    }

    @Test("maintenance of a service and of a node is told from a failed check")
    func maintenance() throws {
        let states = try answers("maintenance").map { try Self.instances($0.answer).value.instances.map(\.status) }
        #expect(states == [[.passing], [.maintenance], [], [.maintenance], [.passing]])
    }

    @Test("two answers that only differ in their order are equal")
    func order() throws {
        let lists = try answers("catalog-services").prefix(2).map { path, answer in
            #expect(path.hasPrefix("catalog/services"))
            return try ConsulClient.read(answer) { json in
                json.object.map { Dictionary(uniqueKeysWithValues: $0.members.map { ($0.key, Set($0.value.tags)) }) }
            }.value
        }
        #expect(lists[0] == lists[1])
    }

    @Test("a refused token, a server without a leader and a bad request are different failures")
    func refusals() throws {
        func codes(_ file: String) throws -> [ConsulError.Code] {
            try answers(file).filter { $0.answer.status != 200 }.map { ConsulError(refusal: $0.answer).code }
        }
        #expect(Set(try codes("acl")) == [.forbidden])
        #expect(Set(try codes("no-leader")) == [.leaderless])
        #expect(Set(try codes("no-server")) == [.failed])
        #expect(try codes("consistency") == [.invalidRequest, .invalidRequest, .invalidRequest])
    }

    @Test("ports by name are read in either spelling")
    func ports() throws {
        let json = try JSONValue(
            parsing: Array(
                """
                [{"Node": {"Node": "n1", "Address": "10.0.0.1"}, "Service": {"ID": "a", "Service": "a", "Ports":
                [{"Name": "http", "Port": 8080, "Default": true}, {"name": "grpc", "port": 9090}, {"name": "none"}]}},
                {"Node": null, "Service": {}}]
                """.utf8))
        let answer = try #require(ConsulInstances(json))
        #expect(answer.unreadable == 1)
        #expect(
            answer.instances.first?.ports == [
                .init(name: "http", port: 8080, isDefault: true), .init(name: "grpc", port: 9090, isDefault: false),
            ])
    }
}

extension JSONValue {
    fileprivate var tags: [String] { (array ?? []).compactMap(\.string) }
}

@Suite("the index of blocking queries")
struct BlockingIndexTests {
    @Test("an index that goes back is asked for anew, without an index")
    func back() {
        var index = BlockingIndex()
        #expect(index.answered(83) == .taken && index.value == 83)
        #expect(index.answered(83) == .taken && index.value == 83)
        #expect(index.answered(10) == .wentBack && index.value == 0)
        #expect(index.answered(10) == .taken && index.value == 10)
    }

    @Test("a query after a failure does not block")
    func failure() {
        var index = BlockingIndex()
        _ = index.answered(83)
        index.failed()
        #expect(index.value == 0)
        #expect(index.answered(10) == .taken)
    }

    @Test("a blocking query takes any server, the time that it may last, and a sixteenth more")
    func mode() {
        let mode = ConsulMode.blocking(after: 7, wait: .seconds(160))
        #expect(mode.parameters.map { "\($0.name)=\($0.value)" } == ["stale=", "index=7", "wait=160s"])
        #expect(mode.hold == .seconds(170))
        #expect(ConsulMode.leader.parameters.map(\.name) == ["leader"])
    }
}
