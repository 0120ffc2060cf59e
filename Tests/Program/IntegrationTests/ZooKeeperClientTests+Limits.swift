internal import IsthmusTesting
internal import Testing
internal import ZooKeeper

@Suite("Long replies of a real ZooKeeper", .realServers, .timeLimit(.minutes(5)))
struct ZooKeeperClientLimitTests {
    private static let providers = "/dubbo/com.acme.Big/providers"

    /// 1,500 names of 800 bytes: each request stays below the server's jute.maxbuffer, and the list of them doesn't.
    private func fill(_ client: ZooKeeperClient) async throws {
        try await client.ensurePath(Self.providers)
        try await client.ensurePath("/dubbo/com.acme.Small/providers/one")
        for thousand in 0..<3 {
            try await client.multi(
                (0..<500).map { number in
                    .create("\(Self.providers)/\(thousand)-\(number)-" + String(repeating: "x", count: 790))
                })
        }
    }

    @Test("a list above jute.maxbuffer is read; above replyLimit it fails alone and the session goes on")
    func list() async throws {
        try await RealZooKeeper.withServer { server in
            try await withClient(server.connectString) { client in
                try await fill(client)
                let children = try await client.children(of: Self.providers)
                #expect(children.count == 1_500)
                #expect(children.reduce(0) { $0 + $1.utf8.count } > 1 << 20)
            }
            var configuration = ZooKeeperClient.Configuration()
            configuration.replyLimit = 64 << 10
            try await withClient(server.connectString, configuration) { client in
                var events = await client.events().makeAsyncIterator()
                let session = try #require(await nextSession(&events))
                for _ in 0..<3 {
                    async let small = client.children(of: "/dubbo/com.acme.Small/providers")
                    let error = await failure { _ = try await client.children(of: Self.providers, watch: true) }
                    #expect(error?.code == .replyTooLarge)
                    #expect(error?.path == Self.providers)
                    #expect(error?.description.contains("raise replyLimit") == true)
                    #expect(try await small == ["one"])
                }
                // The watch that came with the list tells of the next change, over the same connection.
                try await client.create("\(Self.providers)/last")
                #expect(
                    await events.next() == .changed(WatchEvent(kind: .childrenChanged, path: Self.providers)))
                #expect(try await client.exists("/dubbo")?.childCount == 2)
                var state = await client.events().makeAsyncIterator()
                #expect(await state.next() == .connected(session))
            }
        }
    }

    @Test("an event that waited while a list was read is told to be older than the list")
    func order() async throws {
        try await RealZooKeeper.withServer { server in
            try await withClient(server.connectString) { client in
                var events = await client.events().makeAsyncIterator()
                try await client.ensurePath("/dubbo/a")
                try await client.addWatch("/dubbo", mode: .persistentRecursive)
                try await client.delete("/dubbo/a")
                try await client.create("/dubbo/a")
                let list = try await client.childrenInSequence(of: "/dubbo")
                try await client.create("/dubbo/b")
                var sequences: [UInt64] = []
                while sequences.count < 3, let event = await events.next() {
                    if case .changed(let change) = event { sequences.append(change.sequence) }
                }
                #expect(list.children == ["a"])
                #expect(sequences.map { $0 < list.sequence } == [true, true, false])
            }
        }
    }
}
