import IsthmusTesting
import IstioAPI
import Services
import Sources
import Testing

@testable import Declarations

@Suite("the feed of declared layouts")
struct DeclaredFeedTests {
    private static func feed(
        window: Duration = .zero, limit: Int = 100, clock: some Clock<Duration> = ContinuousClock()
    ) throws -> DeclaredFeed {
        var declaration = Declaration(name: "test", root: "", key: "/{service}/{id}")
        declaration.address = "value"
        let decoder = DeclarationDecoder(declaration, protocols: ProtocolDefaults.standard, keptAttributes: [])
        return DeclaredFeed(decoders: [decoder], window: window, limit: limit, clock: clock)
    }

    private static func entry(_ key: String, _ port: Int) -> DeclaredEntry {
        DeclaredEntry(key: key, value: Array("10.0.0.1:\(port)".utf8))
    }

    /// What a follower is told until a condition holds, in words.
    private static func told(
        by feed: DeclaredFeed, while body: () async -> Void = {}, until isEnough: @escaping @Sendable ([String]) -> Bool
    ) async -> [String] {
        let lines = Observed<[String]>([])
        return await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await feed.run { change in lines.change { $0.append(Self.words(change)) } }
            }
            await body()
            await lines.wait { isEnough($0) }
            group.cancelAll()
            return lines.value
        }
    }

    private static func words(_ change: RegistryChange) -> String {
        switch change {
        case .instance(let change):
            "\(change.instance == nil ? "-" : "+")\(change.endpoint?.port ?? 0)@\(change.position)"
        case .changesLost: "lost"
        case .disconnected: "disconnected"
        case .changed(let name): "changed \(name)"
        default: "other"
        }
    }

    @Test("changes are told in order with what the connection does")
    func order() async throws {
        let feed = try Self.feed()
        feed.apply([.put(Self.entry("/cart/1", 80))], position: 5)
        feed.report(.disconnected(reason: ""))
        feed.apply([.put(Self.entry("/cart/1", 81)), .remove(key: "/cart/1")], position: 6)
        let told = await Self.told(by: feed) { $0.count == 4 }
        #expect(told == ["+80@5", "disconnected", "+81@6", "-81@6"])
    }

    @Test("a removal waits for another key with the same endpoint, and no longer than the window")
    func rejoining() async throws {
        let clock = ManualClock()
        let feed = try Self.feed(window: .milliseconds(200), clock: clock)
        feed.apply([.put(Self.entry("/cart/1", 80)), .put(Self.entry("/cart/2", 81))], position: 5)
        feed.apply([.remove(key: "/cart/1"), .remove(key: "/cart/2")], position: 6)
        feed.apply([.put(Self.entry("/cart/3", 80))], position: 7)
        let told = await Self.told(by: feed) {
            await clock.someoneSleeps()
            clock.advance(by: .milliseconds(200))
        } until: {
            $0.count == 5
        }
        #expect(told == ["+80@5", "+81@5", "+80@7", "-80@7", "-81@7"])
    }

    @Test("what changed during a full read counts in it, although the read has missed it")
    func overlapping() throws {
        let feed = try Self.feed()
        var view = feed.renewedView(isLive: true)
        view.put(Self.entry("/cart/1", 80))
        feed.apply([.remove(key: "/cart/1"), .put(Self.entry("/cart/2", 81))], position: 9)
        let readings = feed.readCompletely(view, position: 3)
        guard case .services(let services)? = readings["cart"]?.content else {
            Issue.record("\(readings)")
            return
        }
        #expect(services.values.flatMap { $0.values.map(\.port) } == [81])
        #expect(readings["cart"]?.position == 3)
    }

    @Test("more changes than the follower takes are given up for a full read")
    func overflow() async throws {
        let feed = try Self.feed()
        for number in 0...100 {
            feed.apply([.put(Self.entry("/cart/1", 1 + number))], position: Position(number))
        }
        feed.report(.disconnected(reason: ""))
        let told = await Self.told(by: feed) { $0.count >= 2 }
        #expect(told == ["lost", "disconnected"])
    }

    @Test("a name that has no key yet is known to have none at the position of the newest update")
    func unknownName() throws {
        let feed = try Self.feed()
        feed.apply([.put(Self.entry("/cart/1", 80))], position: 7)
        #expect(feed.folders(of: "other").isEmpty)
        #expect(feed.position == 7)
    }
}
