import IsthmusTesting
import NIOCore
import Sandbox
import Services
import Sources
import Testing
import ZooKeeper
import ZooKeeperRegistry

@Suite("What stands in Dubbo's tree and is not carried", .timeLimit(.minutes(1)))
struct NotesTests {
    @Test("it is counted as it comes and goes")
    func life() async throws {
        try await withZooKeeperServer { server in
            try await server.makePath("/dubbo")
            try await Scene.watchingNotes(of: server) { notes in
                let node = "/dubbo/a.Cart/providers/rest2%3A%2F%2F10.0.0.1%3A8081%2Fa.Cart"
                try await server.makePath(node)
                await notes.wait { $0 == ["protocol:rest2: 1 (a.Cart)"] }
                try await server.makePath("/services/shop/10.0.0.2:20880")
                await notes.wait {
                    $0 == ["protocol:rest2: 1 (a.Cart)", "applicationInstances: 1 (shop/10.0.0.2:20880)"]
                }
                // It registers interfaces too.
                let url = "dubbo%3A%2F%2F10.0.0.2%3A20880%2Fa.Cart"
                try await server.makePath("/dubbo/a.Cart/providers/\(url)")
                await notes.wait { $0 == ["protocol:rest2: 1 (a.Cart)"] }
                try await server.perform(.delete(path: "/dubbo/a.Cart/providers/\(url)", version: -1))
                await notes.wait { $0.count == 2 }
                try await server.perform(.delete(path: "/services/shop/10.0.0.2:20880", version: -1))
                try await server.perform(.delete(path: node, version: -1))
                await notes.wait { $0 == [] }
            }
        }
    }

    @Test("rules are told by their keys, and overrides by whom they are for", arguments: [true, false])
    func rules(areReadLast: Bool) async throws {
        try await withZooKeeperServer { server in
            try await server.makePath("/dubbo/b.Cart/configurators/override%3A%2F%2F0.0.0.0%2Fb.Cart%3Fside%3Dconsumer")
            try await Scene.watchingNotes(of: server, readsRulesLast: areReadLast) { notes in
                await notes.wait { $0 == ["consumerRules: 1 (b.Cart)"] }
                let rules = "/dubbo/config/dubbo/"
                try await server.makePath(rules + "shop.tag-router")
                try await server.makePath(rules + "a.Cart::.configurators", data: .init(string: "- side: provider"))
                try await server.makePath(rules + "shop.configurators", data: .init(string: "- side: 'consumer'"))
                let route = "/dubbo/a.Cart/routers/route%3A%2F%2F0.0.0.0%2Fa.Cart%3Fcategory%3Drouters"
                try await server.makePath(route)
                await notes.wait {
                    $0 == [
                        "tagRules: 1 (shop.tag-router)", "conditionRules: 1 (a.Cart)",
                        "consumerRules: 2 (b.Cart, shop.configurators)",
                    ]
                }
                try await server.perform(.delete(path: rules + "shop.tag-router", version: -1))
                try await server.perform(.delete(path: route, version: -1))
                await notes.wait { $0 == ["consumerRules: 2 (b.Cart, shop.configurators)"] }
            }
        }
    }

    @Test("what may not be read there keeps nothing from being carried")
    func forbidden() async throws {
        try await withZooKeeperServer { server in
            try await server.makePath("/dubbo/config/dubbo/shop.tag-router")
            try await server.makePath("/dubbo/a.Cart/providers/dubbo%3A%2F%2F10.0.0.2%3A20880%2Fa.Cart")
            try await server.makePath("/services/shop/10.0.0.2:20880")
            for path in ["/services", "/dubbo/config/dubbo", "/dubbo/a.Cart/routers"] {
                await server.refuse(path: path, error: .noAuth)
            }
            let shown = try await Scene.firstView(of: server)
            #expect(shown.lines == ["  a.Cart dubbo: 10.0.0.2:20880 application="])
        }
    }

    @Test("what can't be read any more stays counted as it was")
    func keptCounts() async throws {
        try await withZooKeeperServer { server in
            try await server.makePath("/dubbo/config/dubbo/shop.tag-router")
            try await server.makePath("/dubbo/a.Cart/routers/route%3A%2F%2F0.0.0.0%2Fa.Cart%3Fcategory%3Drouters")
            try await server.makePath("/services/shop/10.0.0.2:20880")
            try await Scene.readingTwice(server) { notes in
                #expect(
                    notes == [
                        "applicationInstances: 1 (shop/10.0.0.2:20880)", "tagRules: 1 (shop.tag-router)",
                        "conditionRules: 1 (a.Cart)",
                    ])
                for path in ["/services", "/dubbo/config/dubbo", "/dubbo/a.Cart/routers"] {
                    await server.refuse(path: path, error: .noAuth)
                }
            } after: { before, notes in
                #expect(notes == before)
            }
        }
    }

    @Test("what went while there was no connection is counted no more")
    func goneMeanwhile() async throws {
        try await withZooKeeperServer { server in
            let paths = [
                "/dubbo/config/dubbo/shop.tag-router", "/dubbo/a.Cart/providers/rest2%3A%2F%2F10.0.0.1%2Fa.Cart",
                "/dubbo/b.Cart/routers/route%3A%2F%2F0.0.0.0%2Fb.Cart%3Fcategory%3Drouters",
                "/services/shop/10.0.0.2:20880",
            ]
            for path in paths { try await server.makePath(path) }
            try await Scene.readingTwice(server) { notes in
                #expect(notes.count == 4)
                await server.refuseConnections()
                await server.dropConnections()
                for path in paths { try await server.perform(.delete(path: path, version: -1)) }
                try await server.perform(.delete(path: "/dubbo/a.Cart/providers", version: -1))
                try await server.perform(.delete(path: "/dubbo/a.Cart", version: -1))
                await server.refuseConnections(false)
            } after: { _, notes in
                #expect(notes == [])
            }
        }
    }

    @Test("rules that stand beside providers are listed once a connection: the watch tells of what changes")
    func ruleLists() async throws {
        try await withZooKeeperServer { server in
            for interface in ["a.Cart", "b.Cart"] { try await server.makePath("/dubbo/\(interface)/routers") }
            let first = Observed(0)
            try await Scene.readingTwice(server) { _ in
                let count = await server.operationCount
                first.change { $0 = count }
            } after: { _, _ in
                let second = await server.operationCount - first.value
                #expect(second == 6, "a sync, the root, the rules, the applications, and one list of each interface")
            }
        }
    }

    @Test("the registration that was created last comes last, whatever its name says", arguments: [true, false])
    func order(persistentWatches: Bool) async throws {
        try await withZooKeeperServer { server in
            let prefix = "/dubbo/a.Cart/providers/dubbo%3A%2F%2F10.0.0.2%3A20880%2Fa.Cart%3Ftimestamp%3D"
            for (time, weight) in [(5, 10), (9, 20), (1, 30)] {
                try await server.makePath(prefix + "\(time)%26weight%3D\(weight)")
            }
            let shown = try await Scene.firstView(of: server, persistentWatches: persistentWatches)
            #expect(shown.lines == ["  a.Cart dubbo: 10.0.0.2:20880 weight=30 application="])
        }
    }
}

extension Scene {
    /// Runs a source of the server, and the body with what the source says is not carried.
    static func watchingNotes(
        of server: ZooKeeperServer, readsRulesLast: Bool = false,
        _ body: (Observed<[String]>) async throws -> Void
    ) async throws {
        let source = try await source(of: server, readsRulesLast: readsRulesLast)
        let notes = Observed<[String]>([])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await source.run(requests: ReadRequests()) { event in
                    if case .notes(let new) = event { notes.change { $0 = new.map(\.text) } }
                }
            }
            try await body(notes)
            group.cancelAll()
        }
    }

    /// Has a source read a server completely, and again after `between`. Both closures are told what the source says is
    /// not carried.
    static func readingTwice(
        _ server: ZooKeeperServer, _ between: ([String]) async throws -> Void,
        after: ([String], [String]) async throws -> Void
    ) async throws {
        let source = try await source(of: server)
        let requests = ReadRequests()
        let state = Observed((notes: [String](), reads: 0))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await source.run(requests: requests) { event in
                    switch event {
                    case .notes(let new): state.change { $0.notes = new.map(\.text) }
                    case .complete: state.change { $0.reads += 1 }
                    default: break
                    }
                }
            }
            await state.wait { $0.reads == 1 }
            let notes = state.value.notes
            try await between(notes)
            requests.readEverything()
            await state.wait { $0.reads >= 2 }
            try await after(notes, state.value.notes)
            group.cancelAll()
        }
    }
}

extension RegistryNote {
    fileprivate var text: String { "\(sort): \(count) (\(examples.joined(separator: ", ")))" }
}
