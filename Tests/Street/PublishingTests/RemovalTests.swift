import Catalog
import Deliveries
import IstioAPI
import Publishing
import Sources
import Testing

@Suite("Objects that are no longer published")
struct RemovalTests {
    private static let settle = Duration.milliseconds(500)

    /// A centre with so many documents of one object.
    private static func centre(_ count: Int) -> (Publications, texts: [String: String]) {
        var centre = Publications.sample()
        let texts = Dictionary(uniqueKeysWithValues: (0..<count).map { ("d\($0)", Text.route("d\($0)")) })
        centre.read(texts)
        return (centre, texts)
    }

    private static func without(_ texts: [String: String], _ range: Range<Int>) -> [String: String] {
        texts.filter { name, _ in !range.contains { "d\($0)" == name } }
    }

    @Test("a deleted document's objects go after the settle time")
    func one() {
        var (centre, _) = Self.centre(1)
        _ = centre.accept(.removed(name: "d0"), now: .seconds(1))
        #expect(centre.target("d0") == "v1")
        #expect(centre.nextWake == .seconds(1) + Self.settle)
        let effects = centre.wake(now: .seconds(1) + Self.settle)
        #expect(effects.changed == [.route("d0")])
        #expect(centre.wanted(.route("d0")) == .absent)
    }

    @Test("a document that is published again within the settle time never went")
    func back() {
        var (centre, _) = Self.centre(1)
        _ = centre.accept(.removed(name: "d0"), now: .seconds(1))
        centre.publish("d0", Text.route("d0"), at: .seconds(1.2))
        #expect(centre.nextWake == nil && centre.target("d0") == "v1")
    }

    @Test("an object that leaves its document goes, and one that moves to another document does not")
    func moves() {
        var (centre, _) = Self.centre(2)
        centre.publish("d0", Text.route("other"))
        centre.publish("new", Text.route("d0", to: "v2"))
        _ = centre.wake(now: .seconds(1))
        #expect(centre.target("d0") == "v2" && centre.target("other") == "v1")
    }

    @Test("many that are gone at once are held, and what went shortly before comes back")
    func held() {
        var (centre, texts) = Self.centre(40)
        centre.read(Self.without(texts, 0..<5), at: .seconds(1))
        _ = centre.wake(now: .seconds(2))
        #expect(centre.wanted(.route("d0")) == .absent)
        centre.read(Self.without(texts, 0..<15), at: .seconds(10))
        let effects = centre.wake(now: .seconds(11))
        #expect(effects.holdBegan && centre.report.held.count == 15)
        #expect(centre.target("d0") == "v1" && centre.target("d14") == "v1")
        // They return.
        let returned = centre.read(texts, at: .seconds(20))
        #expect(returned.holdEnded && centre.report.held.isEmpty && centre.target("d0") == "v1")
    }

    @Test("a hold ends when complete reads agree for long enough, and not while the centre can't be read")
    func agreement() {
        var (centre, texts) = Self.centre(40)
        let rest = Self.without(texts, 0..<15)
        centre.read(rest, at: .seconds(1))
        _ = centre.wake(now: .seconds(2))
        centre.read(rest, at: .seconds(10))
        _ = centre.accept(.interrupted(reason: "away"), now: .seconds(200))
        centre.read(rest, at: .seconds(320))
        #expect(centre.target("d0") == "v1")
        let effects = centre.read(rest, at: .seconds(630))
        #expect(effects.holdEnded)
        #expect(centre.wanted(.route("d0")) == .absent && centre.target("d20") == "v1")
    }

    @Test("a loss of most of the centre, and an empty answer, stay held until somebody lets them go")
    func most() throws {
        for rest in [0..<30, 0..<40] {
            var (centre, texts) = Self.centre(40)
            let answer = Self.without(texts, rest)
            centre.read(answer, at: .seconds(1))
            _ = centre.wake(now: .seconds(2))
            for time in [100, 1_000, 10_000] { centre.read(answer, at: .seconds(time)) }
            #expect(centre.target("d0") == "v1")
            let first = centre.release()
            let released = try #require(first)
            #expect(released.released.count == rest.count && released.effects.holdEnded)
            #expect(centre.wanted(.route("d0")) == .absent)
            let second = centre.release()
            #expect(second == nil)
        }
    }

    @Test("an empty answer is held even where there was one object only, and after a restart too")
    func emptyAnswer() {
        var (centre, _) = Self.centre(1)
        let effects = centre.read([:], at: .seconds(1))
        #expect(effects.holdBegan)
        #expect(centre.target("d0") == "v1")

        var restarted = Publications.sample()
        _ = restarted.found([.route("a"): "a"], now: .zero)
        let held = restarted.read([:], at: .seconds(1))
        #expect(held.holdBegan)
        #expect(restarted.wanted(.route("a")) == .undecided)
        // A second cluster tells later what it holds.
        _ = restarted.found([.route("b"): "a"], now: .seconds(2))
        #expect(restarted.wanted(.route("b")) == .undecided)
    }

    @Test("without a guard, what is gone goes at once")
    func noGuard() {
        var centre = Publications.sample(guardPolicy: nil)
        centre.read(["a": Text.route("a")])
        let effects = centre.read([:])
        #expect(effects.changed == [.route("a")])
        #expect(centre.wanted(.route("a")) == .absent)
    }
}
