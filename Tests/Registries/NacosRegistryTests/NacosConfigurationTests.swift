import Addressing
import IsthmusTesting
import Nacos
import Settings
import Sources
import Testing

@testable import NacosRegistry

/// Nacos' configuration in memory, and a client of it.
private final class FakeConfigurations: ConfigurationClient {
    struct State {
        var contents: [ConfigKey: String] = [:]
        var listening: [ConfigKey: String] = [:]
        var listFailure: NacosError?
        var lists = 0
        var changes: [ConfigurationChange] = []
    }

    let state = Observed(State())
    private let events = AsyncStream.makeStream(of: NacosEvent.self)

    func tell(_ event: NacosEvent) { events.continuation.yield(event) }

    func connect(watchesNames: Bool = false) {
        tell(
            .connected(
                NacosConnection(
                    generation: 1, server: NacosServer(HostPort(host: "nacos", port: 8848)), kind: .grpc,
                    supportsFuzzyWatch: watchesNames)))
    }

    func run() async { try? await Task.sleep(for: .seconds(3600)) }

    func eachEvent(_ body: @Sendable (NacosEvent) async -> Void) async {
        for await event in events.stream { await body(event) }
    }

    func config(_ key: ConfigKey) async throws(NacosError) -> ConfigContent? {
        state.value.contents[key].map { ConfigContent(content: $0, md5: "md5 of \($0)", type: nil) }
    }

    func configs(group: String) async throws(NacosError) -> Set<ConfigKey> {
        let state = state.change { state in
            state.lists += 1
            return state
        }
        if let failure = state.listFailure { throw failure }
        return Set(state.contents.keys.filter { $0.group == group })
    }

    func listen(_ key: ConfigKey, md5: String) async { state.change { $0.listening[key] = md5 } }
    func stopListening(_ key: ConfigKey) async { state.change { $0.listening[key] = nil } }
    func watchNames(group: String) async {}

    func waitForChange(_ change: ConfigurationChange) async { await state.wait { $0.changes.contains(change) } }
}

@Suite("Documents in Nacos' configuration", .timeLimit(.minutes(1)))
struct NacosConfigurationTests {
    private static let one = ConfigKey(group: "MESH", dataID: "one.yaml")
    private static let two = ConfigKey(group: "MESH", dataID: "two.yaml")

    private static func withReader(
        _ dataIDs: [String], clock: any Clock<Duration> = ManualClock(),
        _ body: (NacosConfigurationReader, FakeConfigurations) async throws -> Void
    ) async throws {
        let client = FakeConfigurations()
        client.state.change { $0.contents = [one: "1", two: "2", ConfigKey(group: "MESH", dataID: "other"): "3"] }
        let reader = NacosConfigurationReader(
            client: client, group: "MESH", dataIDs: NameFilter(included: dataIDs), clock: clock)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await reader.run { change in client.state.change { $0.changes.append(change) } } }
            defer { group.cancelAll() }
            try await body(reader, client)
        }
    }

    @Test("data ids that are named in full need no list")
    func names() async throws {
        try await Self.withReader(["one.yaml", "three.yaml"]) { reader, client in
            client.connect(watchesNames: true)
            await client.waitForChange(.connected)
            let seen1 = try await reader.names()
            #expect(seen1 == ["MESH/one.yaml", "MESH/three.yaml"])
            let seen2 = try await reader.text("MESH/one.yaml")
            #expect(seen2 == "1")
            let seen3 = try await reader.text("MESH/three.yaml")
            #expect(seen3 == nil)
            #expect(client.state.value.lists == 0)
            let listening = client.state.value.listening
            #expect(listening == [Self.one: "md5 of 1", ConfigKey(group: "MESH", dataID: "three.yaml"): ""])
            client.tell(.configChanged(Self.one))
            await client.waitForChange(.changed(name: "MESH/one.yaml"))
        }
    }

    @Test("a fuzzy watch tells the data ids of a pattern, and which come and go")
    func watch() async throws {
        try await Self.withReader(["*.yaml"]) { reader, client in
            client.connect(watchesNames: true)
            await client.waitForChange(.connected)
            let all = Set(client.state.value.contents.keys)
            client.tell(.configs(all, isComplete: true))
            await client.waitForChange(.outdated)
            let seen4 = try await reader.names()
            #expect(seen4 == ["MESH/one.yaml", "MESH/two.yaml"])
            #expect(client.state.value.lists == 0)
            client.tell(.configRemoved(Self.two))
            await client.waitForChange(.changed(name: "MESH/two.yaml"))
            let seen5 = try await reader.names()
            #expect(seen5 == ["MESH/one.yaml"])
            client.tell(.configAdded(Self.two))
            await client.state.wait { $0.changes.count == 4 }
            let seen6 = try await reader.names()
            #expect(seen6 == ["MESH/one.yaml", "MESH/two.yaml"])
        }
    }

    @Test("where a watch can't tell all, the group is listed, again and again")
    func lists() async throws {
        let clock = ManualClock()
        try await Self.withReader(["*.yaml"], clock: clock) { reader, client in
            client.connect()
            await client.waitForChange(.connected)
            let seen7 = try await reader.names()
            #expect(seen7 == ["MESH/one.yaml", "MESH/two.yaml"])
            _ = try await reader.text("MESH/two.yaml")
            client.state.change { $0.contents[Self.two] = nil }
            await clock.someoneSleeps()
            clock.advance(by: NacosConfigurationReader.standardListInterval)
            await client.waitForChange(.outdated)
            let seen8 = try await reader.names()
            #expect(seen8 == ["MESH/one.yaml"])
            #expect(client.state.value.listening.isEmpty)
        }
    }

    @Test("a list that fails is no empty list, and the reason says what to do")
    func failure() async throws {
        try await Self.withReader(["*"]) { reader, client in
            client.connect()
            await client.waitForChange(.connected)
            client.state.change { $0.listFailure = NacosError(.unsupported) }
            let failure = await #expect(throws: ReadFailure.self) { try await reader.names() }
            #expect(failure?.cause == .refused && failure?.reason.contains("name them in full") == true)
            client.state.change { $0.listFailure = NacosError(.disconnected) }
            // The connection that the follower knows stands.
            let passing = await #expect(throws: ReadFailure.self) { try await reader.names() }
            #expect(passing?.cause == .passing)
        }
    }

    @Test(
        "settings that can't be meant are refused",
        arguments: [
            "group: MESH", "dataIds: [a]", "{ group: \"*\", dataIds: [a] }", "{ group: MESH, dataIds: [] }",
            "{ group: MESH, dataIds: [\"\"] }", "{ group: a/b, dataIds: [a] }",
        ])
    func settings(text: String) throws {
        let body = text.hasPrefix("{") ? String(text.dropFirst().dropLast()) : text
        let section = try ConfigurationSection("{ servers: [\"127.0.0.1:8848\"], \(body) }", file: "test.yaml")
        #expect(throws: ConfigurationError.self) { try NacosConfigurationKind().settings(section) }
    }
}

extension NacosConfigurationReader {
    // A macro doesn't know which error a typed `throws` is.
    fileprivate func names() async throws -> Set<String> { try await list() }
    fileprivate func text(_ name: String) async throws -> String? { try await read(name) }
}
