import IstioAPI
import JSON
import KubernetesDelivery
import Planning
import Testing

@Suite("what is known of the cluster's objects")
struct ObjectCacheTests {
    private let key = ResourceKey(namespace: "dubbo", name: "cart")
    private var cache = ObjectCache()

    private func object(_ version: String, uid: String = "1", name: String = "cart") -> ActualObject {
        ActualObject(
            key: ResourceKey(namespace: "dubbo", name: name), uid: uid, resourceVersion: version, labels: [:],
            annotations: [:], spec: ["version": .string(version)])
    }

    private mutating func observe(_ version: String, uid: String = "1") -> Bool {
        cache.observed(key, uid: uid, resourceVersion: version)
    }

    private mutating func observeDeletion(uid: String) -> Bool {
        cache.observedDeletion(key, uid: uid)
    }

    private mutating func list(_ objects: ActualObject...) -> Set<ResourceKey> {
        cache.listBegins()
        for object in objects { cache.listed(object) }
        return cache.listComplete()
    }

    @Test(
        "the echo of a write needs no read, whether it comes after the write's answer or before",
        arguments: [true, false])
    mutating func ownEcho(echoFirst: Bool) {
        _ = list(object("1"))
        if echoFirst { #expect(observe("2")) }
        cache.wrote(object("2"), sentAt: cache.listCount)
        if !echoFirst { #expect(!observe("2")) }
        #expect(cache[key]?.object == object("2"))
        #expect(cache[key]?.isOutdated == false)
    }

    @Test("the echo of a create needs no read either", arguments: [true, false])
    mutating func createEcho(echoFirst: Bool) {
        if echoFirst { #expect(observe("1")) }
        cache.wrote(object("1"), sentAt: cache.listCount)
        if !echoFirst { #expect(!observe("1")) }
        #expect(cache[key]?.object == object("1"))
        #expect(cache[key]?.isOutdated == false)
    }

    @Test("several writes may be under way to the watch, which may leave some out")
    mutating func severalEchoes() {
        cache.wrote(object("1"), sentAt: cache.listCount)
        cache.wrote(object("2"), sentAt: cache.listCount)
        cache.wrote(object("3"), sentAt: cache.listCount)
        #expect(!observe("2"))
        #expect(!observe("3"))
        #expect(cache[key]?.isOutdated == false)
        #expect(observe("1"))
    }

    @Test("somebody else's change has to be read, until it was")
    mutating func foreignChange() {
        _ = list(object("1"))
        #expect(observe("2"))
        #expect(cache[key]?.isOutdated == true)
        cache.read(key, object("2"))
        #expect(cache[key]?.isOutdated == false)
        #expect(!observe("2"))
    }

    @Test(
        "somebody else's change after a write has to be read, also where the write's answer comes last",
        arguments: [true, false])
    mutating func foreignAfterWrite(answerFirst: Bool) {
        _ = list(object("1"))
        if answerFirst { cache.wrote(object("2"), sentAt: cache.listCount) }
        #expect(observe("2") != answerFirst)
        #expect(observe("3"))
        if !answerFirst { cache.wrote(object("2"), sentAt: cache.listCount) }
        #expect(cache[key]?.isOutdated == true)
    }

    @Test("an object of ours that nobody here made has to be read")
    mutating func foreignObject() {
        #expect(observe("1"))
        #expect(cache[key]?.isOutdated == true)
        cache.read(key, nil)
        #expect(cache[key] == nil && cache.count == 0)
    }

    @Test("a deletion removes the object that it means, not a later one of the same name")
    mutating func deletion() {
        _ = list(object("1"))
        #expect(!observeDeletion(uid: "0"))
        #expect(cache[key] != nil)
        #expect(observeDeletion(uid: "1"))
        #expect(cache[key] == nil)
        #expect(!observeDeletion(uid: "1"))
        cache.wrote(object("5", uid: "2"), sentAt: cache.listCount)
        #expect(!observeDeletion(uid: "1"))
        #expect(cache[key]?.object == object("5", uid: "2"))
    }

    @Test("an object that was made anew does not inherit what was known of the earlier one")
    mutating func madeAnew() {
        _ = list(object("1"))
        _ = observe("2")
        cache.wrote(object("3", uid: "2"), sentAt: cache.listCount)
        #expect(cache[key]?.isOutdated == false)
    }

    @Test("a list swaps when it is complete, and tells what differs")
    mutating func relist() {
        #expect(list(object("1"), object("1", name: "order")).count == 2)
        cache.listBegins()
        cache.listed(object("2"))
        #expect(cache[key]?.object == object("1"))
        #expect(cache.count == 2)
        #expect(cache.listComplete() == [key, object("1", name: "order").key])
        #expect(cache[key]?.object == object("2"))
        #expect(cache.count == 1)
        #expect(list(object("2")) == [])
        #expect(cache.listComplete() == [])
    }

    @Test("a write's answer that comes after a list with somebody else's later change leads to a read")
    mutating func answerAfterRelist() {
        _ = list(object("1"))
        let sentAt = cache.listCount
        _ = list(object("3"))
        cache.wrote(object("2"), sentAt: sentAt)
        #expect(cache[key]?.isOutdated == true)
    }

    @Test(
        "an object that is deleted before the answer to its write comes is known to be gone", arguments: [true, false])
    mutating func deletedBeforeAnswer(isCreate: Bool) {
        if isCreate { #expect(observe("1")) } else { _ = list(object("1")) }
        #expect(observeDeletion(uid: "1"))
        cache.wrote(object(isCreate ? "1" : "2"), sentAt: cache.listCount)
        #expect(cache[key] == nil)
        cache.wrote(object("4", uid: "2"), sentAt: cache.listCount)
        #expect(cache[key]?.object == object("4", uid: "2"))
    }

    @Test("a list settles what was in doubt")
    mutating func relistSettles() {
        _ = list(object("1"))
        cache.invalidate(key)
        #expect(cache[key]?.isOutdated == true)
        #expect(list(object("1")) == [])
        #expect(cache[key]?.isOutdated == false)
    }

    @Test("a write of whose outcome nobody knows leads to a read")
    mutating func invalid() {
        _ = list(object("1"))
        cache.invalidate(key)
        #expect(cache[key]?.isOutdated == true)
        cache.read(key, object("2"))
        #expect(cache[key]?.isOutdated == false)
    }

    @Test("writes without an echo are not remembered without end")
    mutating func bounded() {
        for version in 1...65 { cache.wrote(object("\(version)"), sentAt: cache.listCount) }
        #expect(cache[key]?.isOutdated == true)
        cache.read(key, object("65"))
        #expect(cache[key]?.isOutdated == false)
    }
}
