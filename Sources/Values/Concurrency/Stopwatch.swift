/// Measures the time since its start, and waits, on any clock.
///
/// An `any Clock` cannot compare its own instants, and a state machine takes plain durations as its time.
package struct Stopwatch: Sendable {
    private let read: @Sendable () -> Duration
    private let wait: @Sendable (Duration) async throws -> Void

    /// Starts at the clock's present moment.
    package init(_ clock: some Clock<Duration>) {
        let start = clock.now
        read = { start.duration(to: clock.now) }
        wait = { try await clock.sleep(for: $0) }
    }

    /// The time since the start.
    package var elapsed: Duration { read() }

    /// - Throws: `CancellationError` when the task is cancelled.
    package func sleep(for duration: Duration) async throws {
        try await wait(duration)
    }

    /// The operation's outcome, or `nil` when it took longer than `limit`. An operation that takes longer is cancelled,
    /// and its end is awaited.
    package func run<Value: Sendable>(
        within limit: Duration, _ operation: @escaping @Sendable () async throws -> Value
    ) async -> Result<Value, any Error>? {
        await withTaskGroup(of: Result<Value, any Error>?.self) { group in
            group.addTask {
                do { return .success(try await operation()) } catch { return .failure(error) }
            }
            group.addTask {
                do { try await sleep(for: limit) } catch { return .failure(error) }
                return nil
            }
            defer { group.cancelAll() }
            for await first in group { return first }
            return nil
        }
    }
}
