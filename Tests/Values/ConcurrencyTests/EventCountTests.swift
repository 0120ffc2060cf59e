import Concurrency
import IsthmusTesting
import Testing

@Suite("an event count", .timeLimit(.minutes(1)))
struct EventCountTests {
    private let events = EventCount()

    @Test("a signal since the ticket was taken ends the wait at once")
    func missed() async {
        let ticket = events.ticket
        events.signal()
        await events.wait(after: ticket)
        #expect(events.waiting == 0)
    }

    @Test("a signal ends the wait of every task that waits")
    func everybody() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<10 { group.addTask { await events.wait(after: 0) } }
            try await eventually("all tasks wait") { events.waiting == 10 }
            events.signal()
            try await group.waitForAll()
        }
        #expect(events.ticket == 1)
        #expect(events.waiting == 0)
    }

    @Test("a cancelled task waits no longer, and nobody else is woken")
    func cancellation() async throws {
        let patient = Task { await events.wait(after: 0) }
        let cancelled = Task { await events.wait(after: 0) }
        try await eventually("both tasks wait") { events.waiting == 2 }
        cancelled.cancel()
        await cancelled.value
        #expect(events.waiting == 1)
        events.signal()
        await patient.value
    }

    @Test("a task that was cancelled before does not wait")
    func cancelledBefore() async {
        await Task {
            withUnsafeCurrentTask { $0?.cancel() }
            await events.wait(after: events.ticket)
        }.value
        #expect(events.waiting == 0)
    }
}
