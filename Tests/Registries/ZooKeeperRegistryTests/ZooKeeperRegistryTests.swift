import Catalog
import Sandbox
import Sources
import Testing
import ZooKeeper

@Suite("What a source says of Dubbo's tree in ZooKeeper", .timeLimit(.minutes(1)))
struct ZooKeeperRegistryTests {
    @Test("a full read is framed, and changes follow as they happen")
    func life() async throws {
        try await Scene.run { scene in
            #expect(await scene.firstRead() == ["begin", "complete"])
            try await scene.register("a.Cart", 1)
            #expect(await scene.next() == ["a.Cart + 10.0.0.1"])
            try await scene.deregister("a.Cart", 1)
            #expect(await scene.next() == ["a.Cart -"])
        }
    }

    @Test("names are read again on request, and everything is, framed", arguments: [true, false])
    func requests(persistentWatches: Bool) async throws {
        try await Scene.run(persistentWatches: persistentWatches) { scene in
            #expect(await scene.firstRead() == ["begin", "complete"])
            scene.requests.read(["a.Cart"])
            #expect(await scene.next() == ["a.Cart: "])
            try await scene.register("a.Cart", 1)
            #expect(await scene.next().first?.hasSuffix("10.0.0.1") == true)
            scene.requests.read(["a.Cart"])
            #expect(await scene.next() == ["a.Cart: 10.0.0.1"])
            scene.requests.readEverything()
            // Without persistent watches, each znode that is made on the way leads to a read of its own.
            var seen = await scene.next(3)
            while seen.suffix(3) != ["begin", "a.Cart: 10.0.0.1", "complete"] {
                try Task.checkCancellation()
                seen += await scene.next()
            }
        }
    }

    @Test("what is asked for while there is no connection is left to the read that the next one begins with")
    func unconnected() async throws {
        try await Scene.run { scene in
            #expect(await scene.firstRead() == ["begin", "complete"])
            await scene.server.refuseConnections()
            await scene.server.dropConnections()
            #expect(await scene.next() == ["interrupted"])
            scene.requests.read(["a.Cart"])
            scene.requests.readEverything()
            await scene.server.refuseConnections(false)
            // It may have tried in vain meanwhile.
            var event = await scene.next()
            while event == ["interrupted"] { event = await scene.next() }
            #expect(event + (await scene.next()) == ["begin", "complete"])
        }
    }

    @Test("without persistent watches too, a root that is made later is read as a whole")
    func lateRoot() async throws {
        try await Scene.run(persistentWatches: false, root: false) { scene in
            #expect(await scene.next() == ["interrupted"])
            try await scene.register("a.Cart", 1)
            var seen = await scene.next(2)
            while seen.first != "begin" || seen.last != "complete" {
                try Task.checkCancellation()
                seen = Array((seen + (await scene.next())).drop { $0 != "begin" })
            }
            while !seen.contains("a.Cart: 10.0.0.1") {
                try Task.checkCancellation()
                seen += await scene.next()
            }
        }
    }

    @Test("an interface of which nothing could be used is read again when that goes")
    func unusableLeaves() async throws {
        try await Scene.run { scene in
            #expect(await scene.firstRead() == ["begin", "complete"])
            let path = "/dubbo/a.Cart/providers/garbage"
            try await scene.server.makePath(path)
            scene.requests.readEverything()
            #expect(await scene.next(3) == ["begin", "a.Cart is unreadable", "complete"])
            try await scene.server.perform(.delete(path: path, version: -1))
            #expect(await scene.next() == ["a.Cart: "])
        }
    }

    @Test(
        "a provider of another protocol, or at an address that leads nowhere, is no provider, by whatever way it comes",
        arguments: [
            "hessian%3A%2F%2F10.0.0.1%3A20880%2Fa.Cart", "dubbo%3A%2F%2F0.0.0.0%3A20880%2Fa.Cart",
            "dubbo%3A%2F%2Flocalhost%3A20880%2Fa.Cart",
        ])
    func notCarried(node: String) async throws {
        try await Scene.run { scene in
            #expect(await scene.firstRead() == ["begin", "complete"])
            try await scene.register("a.Cart", 2)
            #expect(await scene.next() == ["a.Cart + 10.0.0.2"])
            try await scene.server.makePath("/dubbo/a.Cart/providers/\(node)")
            try await scene.deregister("a.Cart", 2)
            #expect(await scene.next() == ["a.Cart -"])
            scene.requests.readEverything()
            #expect(await scene.next(3) == ["begin", "a.Cart: ", "complete"])
        }
    }

    @Test("a missing root says nothing of a name, nor of everything")
    func missingRoot() async throws {
        try await Scene.run(root: false) { scene in
            #expect(await scene.next() == ["interrupted"])
            scene.requests.read(["a.Cart"])
            #expect(await scene.next() == ["interrupted"])
            try await scene.register("a.Cart", 1)
            #expect(await scene.next(3) == ["begin", "a.Cart: 10.0.0.1", "complete"])
        }
    }

    @Test("a list that can't be read concerns its own interface, and is read again by itself when that may help")
    func partial() async throws {
        try await Scene.run { scene in
            #expect(await scene.firstRead() == ["begin", "complete"])
            for interface in ["a.Cart", "a.Order"] { try await scene.register(interface, 1) }
            _ = await scene.next(2)
            await scene.server.refuse(path: "/dubbo/a.Cart/providers", error: .quotaExceeded)
            scene.requests.readEverything()
            let read = await scene.next(4)
            #expect(Set(read) == ["begin", "a.Cart is unreadable", "a.Order: 10.0.0.1", "complete"])
            await scene.server.refuse(path: "/dubbo/a.Cart/providers", error: nil)
            var event = await scene.next()
            while event == ["a.Cart is unreadable"] { event = await scene.next() }
            #expect(event == ["a.Cart: 10.0.0.1"])
        }
    }

    @Test("a list that was refused is read again after a while, since nothing tells when it is allowed")
    func refused() async throws {
        var pauses = FollowerPauses()
        pauses.refusal = .milliseconds(100)
        try await Scene.run(pauses: pauses) { scene in
            #expect(await scene.firstRead() == ["begin", "complete"])
            try await scene.register("a.Cart", 1)
            _ = await scene.next()
            await scene.server.refuse(path: "/dubbo/a.Cart/providers", error: .noAuth)
            scene.requests.readEverything()
            #expect(await scene.next(4) == ["begin", "a.Cart is unreadable", "complete", "a.Cart is unreadable"])
            await scene.server.refuse(path: "/dubbo/a.Cart/providers", error: nil)
            var event = await scene.next()
            while event == ["a.Cart is unreadable"] { event = await scene.next() }
            #expect(event == ["a.Cart: 10.0.0.1"])
        }
    }

    @Test("a list beyond the limit concerns its own interface")
    func tooLarge() async throws {
        try await Scene.run(replyLimit: 4096) { scene in
            #expect(await scene.firstRead() == ["begin", "complete"])
            for host in 1...100 { try await scene.register("a.Cart", host) }
            try await scene.register("a.Order", 1)
            _ = await scene.next(101)
            scene.requests.readEverything()
            #expect(
                Set(await scene.next(4)) == ["begin", "a.Cart is unreadable", "a.Order: 10.0.0.1", "complete"])
            try await scene.deregister("a.Cart", 7)
            #expect(await scene.next() == ["a.Cart -"])
        }
    }

    @Test(
        "an interface is read again when one leaves an unread list, or the first usable one joins"
    )
    func joiningUnreadable() async throws {
        try await Scene.run { scene in
            #expect(await scene.firstRead() == ["begin", "complete"])
            for host in 1...2 { try await scene.register("a.Cart", host) }
            _ = await scene.next(2)
            await scene.server.refuse(path: "/dubbo/a.Cart/providers", error: .noAuth)
            scene.requests.readEverything()
            #expect(await scene.next(3) == ["begin", "a.Cart is unreadable", "complete"])
            try await scene.register("a.Cart", 3)
            #expect(await scene.next() == ["a.Cart + 10.0.0.3"])
            await scene.server.refuse(path: "/dubbo/a.Cart/providers", error: nil)
            try await scene.deregister("a.Cart", 1)
            #expect(await scene.next(2) == ["a.Cart -", "a.Cart: 10.0.0.2 10.0.0.3"])

            try await scene.server.makePath("/dubbo/a.Odd/providers/garbage")
            scene.requests.read(["a.Odd"])
            #expect(await scene.next() == ["a.Odd is unreadable"])
            try await scene.register("a.Odd", 1)
            #expect(await scene.next(2) == ["a.Odd + 10.0.0.1", "a.Odd: 10.0.0.1"])
        }
    }

    @Test("an interface whose directory's name is encoded is read again under that name")
    func encodedDirectory() async throws {
        try await Scene.run { scene in
            _ = await scene.firstRead()
            try await scene.server.makePath(
                "/dubbo/a.Outer%24Inner/providers/dubbo%3A%2F%2F10.0.0.1%3A20880%2Fa.Outer%24Inner")
            _ = await scene.next()
            scene.requests.read(["a.Outer$Inner"])
            #expect(await scene.next() == ["a.Outer$Inner: 10.0.0.1"])
            // Both spellings are one name.
            try await scene.server.makePath(
                "/dubbo/a.Outer$Inner/providers/dubbo%3A%2F%2F10.0.0.2%3A20880%2Fa.Outer%24Inner")
            _ = await scene.next()
            scene.requests.read(["a.Outer$Inner"])
            #expect(await scene.next() == ["a.Outer$Inner: 10.0.0.1 10.0.0.2"])
        }
    }

    @Test("a full read and a second look see what the leader has, and names that are asked for together are one look")
    func synchronizing() async throws {
        try await Scene.run { scene in
            #expect(await scene.firstRead() == ["begin", "complete"])
            #expect(await scene.server.tree.syncCount == 1)
            scene.requests.read(["a.A", "a.B", "a.C"])
            #expect(await scene.next(3).sorted() == ["a.A: ", "a.B: ", "a.C: "])
            #expect(await scene.server.tree.syncCount == 2)
            await scene.server.dropConnections()
            #expect(await scene.next(3) == ["interrupted", "begin", "complete"])
            #expect(await scene.server.tree.syncCount == 3)
        }
    }

    @Test("what other trees hold is no concern, however much of it changes")
    func otherTrees() async throws {
        try await Scene.run(eventCapacity: 10) { scene in
            #expect(await scene.firstRead() == ["begin", "complete"])
            scene.holdUp()
            for number in 0..<100 { try await scene.server.makePath("/dubbo/a.Cart/consumers/\(number)") }
            try await scene.register("a.Cart", 1)
            scene.goOn()
            #expect(await scene.next() == ["a.Cart + 10.0.0.1"])
        }
    }

    @Test("an event that waited while its list was read says nothing new")
    func oldEvents() async throws {
        try await Scene.run { scene in
            #expect(await scene.firstRead() == ["begin", "complete"])
            scene.holdUp()
            try await scene.register("a.Cart", 1)
            // The source waits with this event while the others queue up behind it.
            try await scene.register("a.Cart", 2)
            try await scene.deregister("a.Cart", 2)
            try await scene.register("a.Cart", 3)
            scene.requests.readEverything()
            scene.goOn()
            var seen: [String] = []
            while seen.last != "complete" { seen += await scene.next() }
            try await scene.register("a.Order", 4)
            while seen.last != "a.Order + 10.0.0.4" { seen += await scene.next() }
            let read = try #require(seen.firstIndex(of: "a.Cart: 10.0.0.1 10.0.0.3"))
            #expect(Array(seen[(read + 1)...]) == ["complete", "a.Order + 10.0.0.4"])
        }
    }
}
