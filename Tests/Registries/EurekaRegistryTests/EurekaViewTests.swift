import Eureka
import Testing

@testable import EurekaRegistry

@Suite("what of a Eureka's answers counts")
struct EurekaViewTests {
    private static func instance(
        _ id: String, registered: Int64 = 100, status: EurekaInstance.Status = .up,
        action: EurekaInstance.Action = .added
    ) -> EurekaInstance {
        var instance = EurekaInstance(application: "CART", id: id)
        instance.registered = registered
        instance.status = status
        instance.action = action
        return instance
    }

    private static func document(_ instances: EurekaInstance..., digest: String? = nil) -> EurekaDocument {
        EurekaDocument(
            instances, digest: digest ?? EurekaDocument.digest(of: instances), serverTime: 1_000_000)
    }

    private static func key(_ id: String) -> EurekaInstance.Key { .init(application: "CART", id: id) }

    private static func view(_ instances: EurekaInstance...) -> EurekaView {
        var view = EurekaView(absenceDelay: .seconds(60))
        _ = view.take(all: EurekaDocument(instances), from: "a", now: .zero)
        return view
    }

    @Test("an absence counts at once where the server remembers another instance")
    func remembers() {
        var view = Self.view(Self.instance("1"), Self.instance("2"))
        #expect(view.take(all: Self.document(Self.instance("1")), from: "a", now: .seconds(1)) == [Self.key("2")])
        #expect(view[Self.key("2")] == nil && view.awaited.isEmpty)
    }

    @Test("an empty answer of a server that was restarted removes nothing before the delay is over")
    func restarted() {
        var view = Self.view(Self.instance("1"), Self.instance("2"))
        #expect(view.take(all: Self.document(), from: "a", now: .seconds(10)).isEmpty)
        #expect(view[Self.key("1")] != nil && view.absenceEnd == .seconds(70))
        // One has come back: it registered anew.
        let back = Self.instance("1", registered: 200)
        #expect(view.take(all: Self.document(back), from: "a", now: .seconds(40)) == [Self.key("1")])
        #expect(Set(view.awaited.keys) == [Self.key("2")] && view.absenceEnd == .seconds(70))
        #expect(!view.isAbsenceDue(now: .seconds(69)) && view.isAbsenceDue(now: .seconds(70)))
        #expect(view.believeAbsence(others: nil, now: .seconds(70)) == [Self.key("2")])
        #expect(view[Self.key("2")] == nil && view.absenceEnd == nil)
    }

    @Test("a change of the server removes nothing before the delay is over, and what another server shows stays")
    func changedServer() {
        var view = Self.view(Self.instance("1"), Self.instance("2"), Self.instance("3"))
        // The same time of registration proves nothing at another server.
        #expect(view.take(all: Self.document(Self.instance("1")), from: "b", now: .seconds(10)).isEmpty)
        #expect(view.believeAbsence(others: [Self.key("2")], now: .seconds(70)) == [Self.key("3")])
        #expect(Set(view.awaited.keys) == [Self.key("2")] && view.absenceEnd == .seconds(130))
        #expect(view.believeAbsence(others: [], now: .seconds(130)) == [Self.key("2")])
    }

    @Test("a delta that says DELETED counts at once, also for an instance whose absence is not believed yet")
    func deleted() {
        var view = Self.view(Self.instance("1"), Self.instance("2"))
        _ = view.take(all: Self.document(), from: "a", now: .seconds(10))
        let delta = Self.document(Self.instance("2", action: .deleted), digest: "")
        let outcome = view.take(changes: delta)
        #expect(outcome.changed == [Self.key("2")] && outcome.isComplete)
        #expect(view[Self.key("2")] == nil && view[Self.key("1")] != nil)
    }

    @Test("changes are taken over as often as they are told, and a digest that differs asks for everything")
    func deltas() {
        var view = Self.view(Self.instance("1"))
        let delta = Self.document(
            Self.instance("1", status: .down, action: .modified), Self.instance("2"), digest: "DOWN_1_UP_1_")
        #expect(view.take(changes: delta).changed == [Self.key("1"), Self.key("2")])
        let again = view.take(changes: delta)
        #expect(again.changed.isEmpty && again.isComplete)
        #expect(!view.take(changes: Self.document(digest: "UP_3_")).isComplete)
    }

    @Test("the first answer of a server that has just started is doubted for as long as clients need to come back")
    func young() {
        var view = EurekaView(absenceDelay: .seconds(60))
        #expect(view.doubt(about: Self.document(), from: "a", now: .seconds(5)) == .seconds(60))
        let young = Self.document(Self.instance("1", registered: 990_000))
        #expect(view.doubt(about: young, from: "a", now: .seconds(35)) == .seconds(30))
        #expect(view.doubt(about: young, from: "a", now: .seconds(65)) == nil)
        let old = Self.document(Self.instance("1", registered: 900_000))
        #expect(view.doubt(about: old, from: "b", now: .seconds(70)) == nil)
        _ = view.take(all: old, from: "b", now: .seconds(70))
        #expect(view.doubt(about: Self.document(), from: "c", now: .seconds(71)) == nil)
    }

    @Test("without a delay an absence counts at once")
    func noDelay() {
        var view = EurekaView(absenceDelay: .zero)
        #expect(view.doubt(about: Self.document(), from: "a", now: .zero) == nil)
        _ = view.take(all: Self.document(Self.instance("1")), from: "a", now: .zero)
        #expect(view.take(all: Self.document(), from: "b", now: .zero) == [Self.key("1")])
    }
}
