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

    @Test("a consumer that waits is released when it is cancelled")
    func cancelled() async {
        let waiter = Task { [requests] in await requests.makeAsyncIterator().next() }
        waiter.cancel()
        #expect(await waiter.value == nil)
    }
}
