/// A clock fifty times as fast as the real one, so that nobody waits for back-offs.
public struct HastyClock: Clock, Sendable {
    public struct Instant: InstantProtocol {
        fileprivate var offset = Duration.zero

        public func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        public func duration(to other: Instant) -> Duration { other.offset - offset }
        public static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
    }

    private static let factor = 50
    private let start = ContinuousClock.now

    public init() {}

    public var now: Instant { Instant(offset: start.duration(to: .now) * Self.factor) }
    public var minimumResolution: Duration { .milliseconds(1) }

    public func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        try await ContinuousClock().sleep(until: start + deadline.offset / Self.factor)
    }
}
