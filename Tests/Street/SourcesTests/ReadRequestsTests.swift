import Sources
import Testing

@Suite("requests to read again", .timeLimit(.minutes(1)))
struct ReadRequestsTests {
    private let requests = ReadRequests()

    @Test("names are asked for once and sorted, everything instead of too many")
    func coalescing() async {
        requests.read(["b", "a"])
        requests.read(["c", "a"])
        #expect(await requests.makeAsyncIterator().next() == .names(["a", "b", "c"]))
        requests.read(Set((0...ReadRequests.maximumNames).map { "\($0)" }))
        #expect(await requests.makeAsyncIterator().next() == .everything)
    }

    @Test("names that follow the first within the gathering time come with it")
    func gathering() async {
        let gathered = requests.gathered(for: .seconds(2)).makeAsyncIterator()
        let first = Task { await gathered.next() }
        for name in ["c", "b", "a"] { requests.read([name]) }
        #expect(await first.value == .names(["a", "b", "c"]))
        requests.read(["a"])
        let second = Task { await gathered.next() }
        requests.readEverything()
        #expect(await second.value == .everything)
    }

    @Test("whoever waits is let go when cancelled")
    func cancelled() async {
        let waiter = Task { [requests] in await requests.gathered(for: .seconds(100)).makeAsyncIterator().next() }
        waiter.cancel()
        #expect(await waiter.value == nil)
    }
}
