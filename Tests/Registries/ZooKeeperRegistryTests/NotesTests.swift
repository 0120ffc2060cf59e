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

    @Test("rules are told by their keys, and overrides by whom they are for")
    func rules() async throws {
        try await withZooKeeperServer { server in
            try await server.makePath("/dubbo")
            try await Scene.watchingNotes(of: server) { notes in
                let rules = "/dubbo/config/dubbo/"
                try await server.makePath(rules + "shop.tag-router")
                try await server.makePath(rules + "a.Cart::.configurators", data: .init(string: "- side: provider"))
                try await server.makePath(rules + "shop.configurators", data: .init(string: "- side: 'consumer'"))
                let route = "/dubbo/a.Cart/routers/route%3A%2F%2F0.0.0.0%2Fa.Cart%3Fcategory%3Drouters"
                try await server.makePath(route)
                await notes.wait {
                    $0 == [
                        "tagRules: 1 (shop.tag-router)", "conditionRules: 1 (a.Cart)",
                        "consumerRules: 1 (shop.configurators)",
                    ]
                }
                try await server.perform(.delete(path: rules + "shop.tag-router", version: -1))
                try await server.perform(.delete(path: route, version: -1))
                await notes.wait { $0 == ["consumerRules: 1 (shop.configurators)"] }
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
        of server: ZooKeeperServer, _ body: (Observed<[String]>) async throws -> Void
    ) async throws {
        let source = try await source(of: server)
        let notes = Observed<[String]>([])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await source.run(requests: ReadRequests()) { event in
                    guard case .notes(let new) = event else { return }
                    notes.change { notes in
                        notes = new.map { "\($0.sort): \($0.count) (\($0.examples.joined(separator: ", ")))" }
                    }
                }
            }
            try await body(notes)
            group.cancelAll()
        }
    }
}
