/// Looks at the outside world again and again until it is as expected.
///
/// - Parameters:
///   - expectation: what is expected, as part of the error: "the endpoint is gone".
///   - limit: how long it may take.
///   - observe: looks at the world; an error that it throws counts as "not yet".
///   - holds: whether what was seen is as expected.
/// - Returns: the first observation that is as expected.
/// - Throws: ``TestSupportError`` with the last observation or error when the time is over; `CancellationError`.
@discardableResult
public func eventually<Observation>(
    _ expectation: String, within limit: Duration = .seconds(60), isolation: isolated (any Actor)? = #isolation,
    observe: () async throws -> Observation, until holds: (Observation) throws -> Bool
) async throws -> Observation {
    let deadline = ContinuousClock.now + limit
    var pause = Duration.milliseconds(10)
    while true {
        var seen: Observation?
        var failure: (any Error)?
        do {
            let observation = try await observe()
            seen = observation
            if try holds(observation) { return observation }
        } catch let error as CancellationError {
            throw error
        } catch {
            failure = error
        }
        guard ContinuousClock.now < deadline else {
            // Only now, since what was seen may take long to write down.
            let last = failure.map { "last error:\n\($0)" } ?? seen.map { "last seen:\n\(shortened($0))" } ?? ""
            throw TestSupportError("within \(limit) it did not come true that \(expectation); \(last)")
        }
        try await Task.sleep(for: pause)
        pause = min(pause * 2, .milliseconds(200))
    }
}

/// Looks at the outside world again and again until a condition holds.
///
/// - Throws: ``TestSupportError`` when the time is over; `CancellationError`.
public func eventually(
    _ expectation: String, within limit: Duration = .seconds(60), isolation: isolated (any Actor)? = #isolation,
    _ condition: () async throws -> Bool
) async throws {
    try await eventually(expectation, within: limit, isolation: isolation, observe: condition, until: { $0 })
}

/// Lets other tasks of this process run until what holds does no longer.
///
/// - Throws: ``TestSupportError`` after 30 s; `CancellationError`.
public func yield(
    while condition: @autoclosure () async throws -> Bool, isolation: isolated (any Actor)? = #isolation
) async throws {
    let deadline = ContinuousClock.now + .seconds(30)
    var looks = 0
    while try await condition() {
        try Task.checkCancellation()
        guard ContinuousClock.now < deadline else { throw TestSupportError("for 30 s nothing changed") }
        looks += 1
        // A check that takes that long needs the processor itself.
        if looks < 100 { await Task.yield() } else { try await Task.sleep(for: .milliseconds(1)) }
    }
}

/// The end of what was seen, which is the newest part of a log or a list of requests.
private func shortened(_ observation: some Any) -> String {
    let text = "\(observation)"
    let limit = 4_000
    return text.count > limit ? "… " + text.suffix(limit) : text
}
