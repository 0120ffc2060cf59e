import Testing

@testable import Sources

@Suite("What is read of a configuration centre, and when")
struct DocumentFollowingTests {
    private static func connected() -> DocumentFollowing {
        var following = DocumentFollowing(interval: .seconds(300))
        following.take(.connected)
        #expect(following.next(now: .zero) == .readEverything)
        return following
    }

    @Test("nothing is read without a connection, and each loss of it is told once")
    func disconnected() {
        var following = DocumentFollowing(interval: .seconds(300))
        #expect(following.next(now: .zero) == .wait(until: nil))
        following.take(.changed(name: "a"))
        #expect(following.next(now: .zero) == .wait(until: nil))
        following.take(.disconnected(reason: "refused"))
        #expect(following.next(now: .zero) == .tellInterruption(reason: "refused"))
        #expect(following.next(now: .zero) == .wait(until: nil))
    }

    @Test("everything is read on each connection, and again after the interval")
    func everything() {
        var following = Self.connected()
        #expect(following.next(now: .seconds(1)) == .wait(until: .seconds(300)))
        #expect(following.next(now: .seconds(300)) == .readEverything)
        following.take(.disconnected(reason: "away"))
        following.take(.connected)
        #expect(following.next(now: .seconds(301)) == .readEverything)
    }

    @Test("a changed document is read once, however often it changed meanwhile")
    func changes() {
        var following = Self.connected()
        for name in ["b", "a", "b"] { following.take(.changed(name: name)) }
        #expect(following.next(now: .seconds(1)) == .read(name: "a"))
        #expect(following.next(now: .seconds(1)) == .read(name: "b"))
        #expect(following.next(now: .seconds(1)) == .wait(until: .seconds(300)))
    }

    @Test("a full read that is outdated while it runs is known by its generation")
    func generation() {
        var following = Self.connected()
        let before = following.generation
        following.take(.changed(name: "a"))
        #expect(following.generation == before)
        following.take(.outdated)
        #expect(following.generation > before)
        #expect(following.next(now: .seconds(1)) == .readEverything)
    }

    @Test("after a failure everything is read again when the pause is over")
    func failure() {
        var following = Self.connected()
        following.failed(retryAt: .seconds(2))
        #expect(following.next(now: .seconds(1)) == .wait(until: .seconds(2)))
        #expect(following.next(now: .seconds(2)) == .readEverything)
        following.take(.disconnected(reason: "away"))
        following.failed(retryAt: .seconds(3))
        #expect(following.next(now: .seconds(3)) == .tellInterruption(reason: "away"))
        #expect(following.next(now: .seconds(3)) == .wait(until: nil))
    }
}
