/// How istiod gathers changes before it pushes (`debounce` of `pilot/pkg/xds/discovery.go`).
///
/// A push itself takes no time here. A real istiod starts none while one is under way, which delays the next by as
/// much.
package struct Debounce: Hashable, Sendable {
    /// `PILOT_DEBOUNCE_AFTER`: how long nothing may change before a push.
    package var quiet: Duration
    /// `PILOT_DEBOUNCE_MAX`: how long changes may put a push off. istiod looks only when it would have pushed, so that
    /// a push can come later than that by up to `quiet`.
    package var maximum: Duration
    /// `PILOT_ENABLE_EDS_DEBOUNCE`: whether changes of endpoints wait too.
    package var coversEndpoints: Bool

    package init(
        quiet: Duration = .milliseconds(100), maximum: Duration = .seconds(10), coversEndpoints: Bool = true
    ) {
        self.quiet = quiet
        self.maximum = maximum
        self.coversEndpoints = coversEndpoints
    }

    /// A write that istiod takes notice of.
    package struct Write: Hashable, Sendable {
        package var time: Duration
        package var isEndpointsOnly: Bool

        package init(at time: Duration, isEndpointsOnly: Bool = true) {
            self.time = time
            self.isEndpointsOnly = isEndpointsOnly
        }
    }

    package struct Push: Hashable, Sendable {
        package var time: Duration
        /// The writes that it carries, by their index.
        package var writes: [Int]
        package var isEndpointsOnly: Bool
    }

    /// - Precondition: The writes are in the order of their times.
    package func pushes(after writes: [Write]) -> [Push] {
        var pushes: [Push] = []
        var waiting = Waiting()
        for (index, write) in writes.enumerated() {
            if !coversEndpoints, write.isEndpointsOnly {
                pushes.append(Push(time: write.time, writes: [index], isEndpointsOnly: true))
                continue
            }
            pushes += waiting.push(until: write.time, self)
            waiting.add(index, write, self)
        }
        return (pushes + waiting.push(until: nil, self)).sorted { ($0.time, $0.writes[0]) < ($1.time, $1.writes[0]) }
    }

    /// The changes since the last push.
    private struct Waiting {
        var writes: [Int] = []
        var isEndpointsOnly = true
        var first = Duration.zero
        var last = Duration.zero
        /// When istiod looks whether it is time to push.
        var look = Duration.zero

        mutating func add(_ index: Int, _ write: Write, _ debounce: Debounce) {
            if writes.isEmpty {
                first = write.time
                look = write.time + debounce.quiet
                isEndpointsOnly = true
            }
            last = write.time
            isEndpointsOnly = isEndpointsOnly && write.isEndpointsOnly
            writes.append(index)
        }

        /// The push that happens no later than a time, or at all.
        mutating func push(until end: Duration?, _ debounce: Debounce) -> [Push] {
            while !writes.isEmpty, end.map({ look <= $0 }) ?? true {
                if look - first >= debounce.maximum || look - last >= debounce.quiet {
                    defer { writes = [] }
                    return [Push(time: look, writes: writes, isEndpointsOnly: isEndpointsOnly)]
                }
                look = last + debounce.quiet
            }
            return []
        }
    }
}
