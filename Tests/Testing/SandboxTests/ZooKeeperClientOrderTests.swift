import Sandbox
import Testing
import ZooKeeper

@Suite("The order of events and replies", .timeLimit(.minutes(1)))
struct ZooKeeperClientOrderTests {
    @Test("events that waited while a list was read are told to be older than it, and later ones to be newer")
    func stale() async throws {
        try await withZooKeeperServer { server in
            try await server.makePath("/dubbo/a")
            try await withZooKeeperClient(server.address) { client in
                var events = await client.events().makeAsyncIterator()
                try await client.addWatch("/dubbo", mode: .persistentRecursive)
                // Nobody takes the events meanwhile. Taken at their word later, they would remove what is there.
                try await server.perform(.delete(path: "/dubbo/a", version: -1))
                try await server.makePath("/dubbo/a")
                let list = try await client.childrenInSequence(of: "/dubbo")
                try await server.makePath("/dubbo/b")
                #expect(list.children == ["a"])
                for kind in [WatchEvent.Kind.deleted, .created] {
                    let event = try await events.nextChange()
                    #expect(event == WatchEvent(kind: kind, path: "/dubbo/a"))
                    #expect(event.sequence < list.sequence)
                }
                let event = try await events.nextChange()
                #expect(event == WatchEvent(kind: .created, path: "/dubbo/b"))
                #expect(event.sequence > list.sequence)
            }
        }
    }

    @Test("that there is no list is news with a number too, and other failures are thrown")
    func missing() async throws {
        try await withZooKeeperServer { server in
            try await server.makePath("/secret")
            await server.refuse(path: "/secret", error: .noAuth)
            try await withZooKeeperClient(server.address) { client in
                let first = try await client.childrenInSequence(of: "/missing")
                let second = try await client.childrenInSequence(of: "/missing")
                #expect(first.children == nil)
                #expect(first.sequence < second.sequence)
                await #expect { try await client.childrenInSequence(of: "/secret") } throws: { error in
                    (error as? ZooKeeperError)?.code == .noAuth
                }
            }
        }
    }

    @Test("what comes over a new connection is newer than all that came before it")
    func connections() async throws {
        try await withZooKeeperServer { server in
            try await withZooKeeperClient(server.address) { client in
                var events = await client.events().makeAsyncIterator()
                _ = try await events.nextSession()
                for _ in 0..<20 { _ = try await client.exists("/") }
                let before = try await client.childrenInSequence(of: "/", watch: true)
                try await server.makePath("/a")
                let event = try await events.nextChange()
                await server.dropConnections()
                _ = try await events.nextSession()
                let after = try await client.childrenInSequence(of: "/")
                #expect(before.sequence < event.sequence)
                #expect(event.sequence < after.sequence)
            }
        }
    }

    @Test("every event below the list's number is in the list, whatever the two race", arguments: 0..<8)
    func race(round: Int) async throws {
        try await withZooKeeperServer { server in
            try await server.makePath("/p")
            try await withZooKeeperClient(server.address) { client in
                var events = await client.events().makeAsyncIterator()
                try await client.addWatch("/p", mode: .persistentRecursive)
                async let writing: Void = {
                    for number in 0..<100 { try await server.makePath("/p/\(number)") }
                }()
                let list = try await client.childrenInSequence(of: "/p")
                try await writing
                var older: Set<String> = []
                for _ in 0..<100 {
                    let event = try await events.nextChange()
                    if event.sequence < list.sequence { older.insert(String(event.path.dropFirst(3))) }
                }
                #expect(older == Set(list.children ?? []))
            }
        }
    }
}
