import Testing

@testable import Sources

@Suite("events and lists in their order")
struct ReadOrderTests {
    private var order = ReadOrder()

    @Test("before any read nothing is old")
    mutating func nothing() {
        let isOld = order.isOld(1, in: "a")
        #expect(!isOld)
    }

    @Test("an event is old where its list was read after it")
    mutating func lists() {
        order.rootWasRead(at: 10)
        order.wasRead("a", at: 12)
        order.wasRead("b", at: 20)
        let old1 = order.isOld(5, in: "a")
        #expect(old1)
        let old2 = order.isOld(11, in: "a")
        #expect(old2)
        let old3 = order.isOld(13, in: "a")
        #expect(!old3)
        let old4 = order.isOld(13, in: "b")
        #expect(old4)
        let old5 = order.isOld(21, in: "b")
        #expect(!old5)
    }

    @Test("where a directory was gone when the root was read, what happened in it before is old")
    mutating func gone() {
        order.rootWasRead(at: 10)
        order.wasRead("b", at: 20)
        let old6 = order.isOld(9, in: "a")
        #expect(old6)
        let old7 = order.isOld(11, in: "a")
        #expect(!old7)
    }

    @Test("a list that could not be read makes nothing old")
    mutating func unread() {
        order.rootWasRead(at: 10)
        order.showsNothing(of: "a")
        order.wasRead("b", at: 20)
        let old8 = order.isOld(5, in: "a")
        #expect(!old8)
    }
}
