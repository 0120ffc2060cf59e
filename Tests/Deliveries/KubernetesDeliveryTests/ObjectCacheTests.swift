import IstioAPI
import JSON
import KubernetesDelivery
import Planning
import Testing

@Suite("what is known of the cluster's objects")
struct ObjectCacheTests {
    private let key = ResourceKey(namespace: "dubbo", name: "cart")
    private var cache = ObjectCache()

    private var ticket: ObjectCache.Ticket { cache.ticket(key) }

    private func object(_ version: String, uid: String = "1", name: String = "cart") -> ActualObject {
        ActualObject(
            key: ResourceKey(namespace: "dubbo", name: name), uid: uid, resourceVersion: version, labels: [:],
            annotations: [:], spec: ["version": .string(version)])
    }

    private mutating func observe(_ version: String, uid: String = "1") -> Bool {
        cache.observed(object(version, uid: uid), now: .zero)
    }

    private mutating func observeDeletion(uid: String) -> Bool {
        cache.observedDeletion(key, uid: uid)
    }

    private mutating func list(_ objects: ActualObject...) {
        cache.listBegins()
        for object in objects { cache.listed(object, now: .zero) }
        cache.listComplete()
    }

    @Test(
        "the echo of a write needs no read, whether it comes after the write's answer or before",
        arguments: [true, false])
    mutating func ownEcho(echoFirst: Bool) {
        list(object("1"))
        if echoFirst { #expect(observe("2")) }
        cache.wrote(object("2"), since: ticket)
        if !echoFirst { #expect(!observe("2")) }
        #expect(cache[key]?.object == object("2"))
        #expect(cache[key]?.isOutdated == false)
    }

    private func counted(
        _ version: String, generation: Int64, labels: [String: String] = [:], isBeingDeleted: Bool = false
    ) -> ActualObject {
        ActualObject(
            key: key, uid: "1", resourceVersion: version, labels: labels, annotations: [:], spec: ["a": 1],
            generation: generation, isBeingDeleted: isBeingDeleted)
    }

    @Test("another writer of the status needs no read, and the next write names the newer version")
    mutating func foreignStatus() {
        list(counted("1", generation: 1))
        let isForeign = cache.observed(counted("2", generation: 1), now: .zero)
        #expect(!isForeign)
        #expect(cache[key]?.isOutdated == false)
        #expect(cache[key]?.object == counted("2", generation: 1))
    }

    @Test("another writer of the specification, a label or a deletion needs a read")
    mutating func foreignContent() {
        for seen in [
            counted("2", generation: 2), counted("2", generation: 1, labels: ["a": "b"]),
            counted("2", generation: 1, isBeingDeleted: true),
        ] {
            list(counted("1", generation: 1))
            let isForeign = cache.observed(seen, now: .zero)
            #expect(isForeign)
            #expect(cache[key]?.isOutdated == true)
        }
    }

    @Test("the echo of a create needs no read either", arguments: [true, false])
    mutating func createEcho(echoFirst: Bool) {
        if echoFirst { #expect(observe("1")) }
        cache.wrote(object("1"), since: ticket)
        if !echoFirst { #expect(!observe("1")) }
        #expect(cache[key]?.object == object("1"))
        #expect(cache[key]?.isOutdated == false)
    }

    @Test("several writes may be under way to the watch, which may leave some out")
    mutating func severalEchoes() {
        cache.wrote(object("1"), since: ticket)
        cache.wrote(object("2"), since: ticket)
        cache.wrote(object("3"), since: ticket)
        #expect(!observe("2"))
        #expect(!observe("3"))
        #expect(cache[key]?.isOutdated == false)
        #expect(observe("1"))
    }

    @Test("somebody else's change has to be read, until it was")
    mutating func foreignChange() {
        list(object("1"))
        #expect(observe("2"))
        #expect(cache[key]?.isOutdated == true)
        cache.read(key, object("2"), since: ticket)
        #expect(cache[key]?.isOutdated == false)
        #expect(!observe("2"))
    }

    @Test(
        "somebody else's change after a write has to be read, also where the write's answer comes last",
        arguments: [true, false])
    mutating func foreignAfterWrite(answerFirst: Bool) {
        list(object("1"))
        if answerFirst { cache.wrote(object("2"), since: ticket) }
        #expect(observe("2") != answerFirst)
        #expect(observe("3"))
        if !answerFirst { cache.wrote(object("2"), since: ticket) }
        #expect(cache[key]?.isOutdated == true)
    }

    @Test("an object of ours that nobody here made has to be read")
    mutating func foreignObject() {
        #expect(observe("1"))
        #expect(cache[key]?.isOutdated == true)
        cache.read(key, nil, since: ticket)
        #expect(cache[key] == nil && cache.count == 0)
    }

    @Test("a deletion removes the object that it means, not a later one of the same name")
    mutating func deletion() {
        list(object("1"))
        #expect(!observeDeletion(uid: "0"))
        #expect(cache[key] != nil)
        #expect(observeDeletion(uid: "1"))
        #expect(cache[key] == nil)
        #expect(!observeDeletion(uid: "1"))
        cache.wrote(object("5", uid: "2"), since: ticket)
        #expect(!observeDeletion(uid: "1"))
        #expect(cache[key]?.object == object("5", uid: "2"))
    }

    @Test("an object that was made anew does not inherit what was known of the earlier one")
    mutating func madeAnew() {
        list(object("1"))
        _ = observe("2")
        cache.wrote(object("3", uid: "2"), since: ticket)
        #expect(cache[key]?.isOutdated == false)
    }

    @Test("a list swaps when it is complete")
    mutating func relist() {
        list(object("1"), object("1", name: "order"))
        cache.listBegins()
        cache.listed(object("2"), now: .zero)
        #expect(cache[key]?.object == object("1"))
        #expect(cache.count == 2)
        cache.listComplete()
        #expect(cache[key]?.object == object("2"))
        #expect(cache.count == 1)
        // One that never began says nothing.
        cache.listComplete()
        #expect(cache.count == 1)
    }

    @Test("a write's answer that comes after a list with somebody else's later change leads to a read")
    mutating func answerAfterRelist() {
        list(object("1"))
        let sent = ticket
        list(object("3"))
        cache.wrote(object("2"), since: sent)
        #expect(cache[key]?.isOutdated == true)
    }

    @Test(
        "an object that is deleted before the answer to its write comes is known to be gone", arguments: [true, false])
    mutating func deletedBeforeAnswer(isCreate: Bool) {
        if isCreate { #expect(observe("1")) } else { list(object("1")) }
        #expect(observeDeletion(uid: "1"))
        cache.wrote(object(isCreate ? "1" : "2"), since: ticket)
        #expect(cache[key] == nil)
        cache.wrote(object("4", uid: "2"), since: ticket)
        #expect(cache[key]?.object == object("4", uid: "2"))
    }

    @Test("what a request of ours told of while a list was read leads to a read where the list tells otherwise")
    mutating func answerDuringList() {
        list(object("1"), object("1", name: "order"))
        cache.listBegins()
        for name in ["cart", "order"] { cache.listed(object("1", name: name), now: .zero) }
        cache.wrote(object("2"), since: ticket)
        cache.listComplete()
        #expect(cache[key]?.isOutdated == true)
        #expect(cache[ResourceKey(namespace: "dubbo", name: "order")]?.isOutdated == false)
        cache.listBegins()
        cache.listed(object("2"), now: .zero)
        cache.removed(object("2"))
        cache.listComplete()
        #expect(cache[key]?.isOutdated == true)
    }

    @Test("what was read is not shown by that, but by the watch")
    mutating func readIsNoEcho() {
        list(object("1"))
        #expect(cache[key]?.isEchoed == true)
        cache.invalidate(key)
        cache.read(key, object("1"), since: ticket)
        #expect(cache[key]?.isEchoed == true)
        cache.invalidate(key)
        cache.read(key, object("2"), since: ticket)
        #expect(cache[key]?.isEchoed == false)
        #expect(!observe("2"))
        #expect(cache[key]?.isEchoed == true)
        #expect(observe("3"))
        cache.read(key, object("3"), since: ticket)
        #expect(cache[key]?.isEchoed == true)
    }

    @Test("what a list has shown is shown, however late the answer to an earlier write comes")
    mutating func lateAnswer() {
        list(object("1"))
        let sent = ticket
        list(object("3"))
        cache.wrote(object("2"), since: sent)
        #expect(cache[key]?.isEchoed == false)
        cache.read(key, object("3"), since: ticket)
        #expect(cache[key]?.isEchoed == true)
    }

    @Test("writes of which too many are unseen to be remembered are not taken for shown")
    mutating func forgottenWrites() {
        list(object("1"))
        for version in 2...80 { cache.wrote(object("\(version)"), since: ticket) }
        cache.read(key, object("80"), since: ticket)
        #expect(cache[key]?.isEchoed == false)
        #expect(!observe("80"))
        #expect(cache[key]?.isEchoed == true)
    }

    @Test("a list settles what was in doubt")
    mutating func relistSettles() {
        list(object("1"))
        cache.invalidate(key)
        #expect(cache[key]?.isOutdated == true)
        list(object("1"))
        #expect(cache[key]?.isOutdated == false)
    }

    @Test("a write of whose outcome nobody knows leads to a read")
    mutating func invalid() {
        list(object("1"))
        cache.invalidate(key)
        #expect(cache[key]?.isOutdated == true)
        cache.read(key, object("2"), since: ticket)
        #expect(cache[key]?.isOutdated == false)
    }

    @Test("writes without an echo are not remembered without end")
    mutating func bounded() {
        for version in 1...65 { cache.wrote(object("\(version)"), since: ticket) }
        #expect(cache[key]?.isOutdated == true)
        cache.read(key, object("65"), since: ticket)
        #expect(cache[key]?.isOutdated == false)
    }

    @Test("what the watch tells during a read may be newer than what is read, and is read, too")
    mutating func changedDuringRead() {
        list(object("1"))
        _ = observe("2")
        let sent = ticket
        #expect(observe("3"))
        cache.read(key, object("2"), since: sent)
        #expect(cache[key]?.isOutdated == true)
        cache.read(key, object("3"), since: ticket)
        #expect(cache[key]?.isOutdated == false)
    }

    @Test("a read that shows the change which the watch told of meanwhile is up to date")
    mutating func sameDuringRead() {
        list(object("1"))
        let sent = ticket
        _ = observe("2")
        cache.read(key, object("2"), since: sent)
        #expect(cache[key]?.isOutdated == false)
    }

    @Test("an object that is deleted during a read is known to be gone, and told once as lost")
    mutating func deletedDuringRead() {
        list(object("1"))
        let sent = ticket
        #expect(observeDeletion(uid: "1"))
        cache.read(key, object("1"), since: sent)
        #expect(cache[key] == nil)
        #expect(cache.takeLost(key) == object("1"))
        #expect(cache.takeLost(key) == nil)
    }

    @Test("an object that is made while a read finds none is not forgotten")
    mutating func madeDuringRead() {
        let sent = ticket
        #expect(observe("1"))
        cache.read(key, nil, since: sent)
        #expect(cache[key]?.isOutdated == true)
    }

    @Test("a read that a list has overtaken leads to another one")
    mutating func listedDuringRead() {
        list(object("1"))
        let sent = ticket
        list(object("3"))
        cache.read(key, object("2"), since: sent)
        #expect(cache[key]?.isOutdated == true)
    }

    @Test("what the watch shows late, from before the version that was read, leads to no further read")
    mutating func lateEvents() {
        list(object("1"))
        cache.read(key, object("4"), since: ticket)
        #expect(observe("2") && observe("3"))
        #expect(!observe("4"))
        #expect(cache[key]?.isOutdated == false)
    }

    @Test("our own deletion is none of somebody else's, whether the watch tells of it before its answer or after")
    mutating func ownDeletion() {
        for echoFirst in [true, false] {
            list(object("1"))
            if echoFirst { #expect(observeDeletion(uid: "1")) }
            cache.removed(object("1"))
            if !echoFirst { #expect(!observeDeletion(uid: "1")) }
            #expect(cache[key] == nil && cache.takeLost(key) == nil)
        }
    }

    @Test("the answer to a deletion doesn't take away what somebody made meanwhile")
    mutating func removedAndMadeAnew() {
        list(object("1"))
        _ = observeDeletion(uid: "1")
        _ = observe("3", uid: "2")
        cache.removed(object("1"))
        #expect(cache[key]?.isOutdated == true)
    }

    @Test("writes that change nothing have no echo to wait for")
    mutating func writesWithoutChange() {
        for _ in 1...200 { cache.wrote(object("1"), since: ticket) }
        #expect(cache[key]?.isOutdated == false)
    }
}
