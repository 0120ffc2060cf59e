/// A clock as two closures: monotonic time since some fixed moment, and a way to wait. State machines take plain
/// durations, and an `any Clock` cannot subtract its own instants.
struct Stopwatch: Sendable {
    let elapsed: @Sendable () -> Duration
    let sleep: @Sendable (Duration) async throws -> Void

    init<C: Clock>(_ clock: C) where C.Duration == Duration {
        let start = clock.now
        elapsed = { start.duration(to: clock.now) }
        sleep = { try await clock.sleep(for: $0) }
    }
}

extension Stopwatch {
    /// Runs an operation within a time limit.
    ///
    /// - Returns: the operation's outcome; `nil` when it took longer than `limit`. It was cancelled then, and has
    ///   ended.
    func run<Value: Sendable>(
        within limit: Duration, _ operation: @escaping @Sendable () async throws -> Value
    ) async -> Result<Value, any Error>? {
        await withTaskGroup(of: Result<Value, any Error>?.self) { group in
            group.addTask {
                do { return .success(try await operation()) } catch { return .failure(error) }
            }
            group.addTask {
                do { try await sleep(limit) } catch { return .failure(error) }
                return nil
            }
            defer { group.cancelAll() }
            for await first in group { return first }
            return nil
        }
    }
}
