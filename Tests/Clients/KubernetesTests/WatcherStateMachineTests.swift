import Testing

@testable import Kubernetes

@Suite("The watcher's state machine")
struct WatcherStateMachineTests {
    /// A machine with its clock and its events.
    private struct Bench {
        var machine = WatcherStateMachine(random: SeededGenerator(seed: 1))
        var now = Duration.zero
        var step = WatcherStateMachine.first.step
        var events = WatcherStateMachine.first.events

        mutating func send(_ input: WatcherStateMachine.Input, after time: Duration = .zero) {
            now += time
            let output = machine.handle(input, now: now)
            events += output.events
            step = output.step
        }

        mutating func list(_ names: [String], version: String, continuing token: String? = nil) throws {
            send(
                .page(
                    ObjectPage(
                        objects: try names.map { try object($0) }, resourceVersion: version, continueToken: token)))
        }

        mutating func takeEvents() -> [WatcherEvent] {
            defer { events = [] }
            return events
        }

        /// The resource version from which the machine watches next.
        var watchVersion: String? {
            if case .watch(let version, let timeout) = step, (.seconds(300) ... .seconds(600)).contains(timeout) {
                version
            } else {
                nil
            }
        }

        /// The time that it waits next.
        var delay: Duration? {
            if case .wait(let delay) = step { delay } else { nil }
        }
    }

    private func error(_ code: KubernetesError.Code, retryAfter: Duration? = nil) -> KubernetesError {
        KubernetesError(code: code, message: "test", retryAfter: retryAfter)
    }

    /// A machine that has listed up to version 10 and opened its watch.
    private func watching() throws -> Bench {
        var bench = Bench()
        try bench.list(["a"], version: "10")
        bench.send(.watchOpened)
        _ = bench.takeEvents()
        return bench
    }

    @Test("frames a list of several pages and watches from its version")
    func pages() throws {
        var bench = Bench()
        #expect(bench.step == .list(continuing: nil))
        try bench.list(["a", "b"], version: "10", continuing: "more")
        #expect(bench.step == .list(continuing: "more"))
        #expect(bench.takeEvents() == [.listBegins, .object(try object("a")), .object(try object("b"))])
        try bench.list([], version: "10", continuing: "more2")
        try bench.list(["c"], version: "10")
        #expect(bench.takeEvents() == [.object(try object("c")), .listComplete])
        #expect(bench.watchVersion == "10")
    }

    @Test("never completes a list that fails half-way, and lists again")
    func interruptedList() throws {
        var bench = Bench()
        try bench.list(["a"], version: "10", continuing: "more")
        bench.send(.listFailed(error(.gone)))
        let delay = try #require(bench.delay)
        #expect(delay > .zero)
        #expect(
            bench.takeEvents() == [
                .listBegins, .object(try object("a")), .interrupted(error(.gone), retryIn: delay),
            ])
        bench.send(.waited)
        #expect(bench.step == .list(continuing: nil))
        // The read begins before the answer comes: a change in between may be newer than the read.
        #expect(bench.takeEvents() == [.listBegins])
        try bench.list(["b"], version: "11")
        #expect(bench.takeEvents() == [.object(try object("b")), .listComplete])
        #expect(bench.watchVersion == "11")
    }

    @Test("watches again at once, from the last event or bookmark, after a clean end")
    func cleanEnd() throws {
        var bench = try watching()
        bench.send(.watchEvent(.modified(try object("a", version: "12"))))
        bench.send(.watchEvent(.deleted(try object("a", version: "13"))))
        #expect(
            bench.takeEvents() == [.changed(try object("a", version: "12")), .deleted(try object("a", version: "13"))])
        bench.send(.watchEvent(.bookmark(resourceVersion: "20")))
        bench.send(.watchEnded)
        #expect(bench.watchVersion == "20")
        bench.send(.watchOpened)
        bench.send(.watchEnded, after: .seconds(1))
        #expect(bench.watchVersion == "20")
        #expect(bench.takeEvents() == [])
    }

    @Test("backs off from a server that ends watches at once")
    func shortWatches() throws {
        var bench = try watching()
        bench.send(.watchEnded)
        let first = try #require(bench.delay)
        guard case .interrupted(let error, first) = try #require(bench.takeEvents().first) else {
            throw NothingThrown()
        }
        #expect(error.code == .endedEarly)
        bench.send(.waited)
        #expect(bench.watchVersion == "10")
        bench.send(.watchOpened)
        bench.send(.watchEnded)
        #expect(try #require(bench.delay) >= .milliseconds(1600))
    }

    @Test("lists again at once when the version is too old, but not without end")
    func gone() throws {
        var bench = try watching()
        bench.send(.watchFailed(error(.gone)))
        #expect(bench.step == .list(continuing: nil))
        #expect(bench.takeEvents() == [.listBegins])
        try bench.list([], version: "30")
        bench.send(.watchFailed(error(.gone)))
        #expect(try #require(bench.delay) > .seconds(1))
        bench.send(.waited)
        #expect(bench.step == .list(continuing: nil))
    }

    @Test("lists again at once when the version became too old during a loss of connection")
    func goneAfterOutage() throws {
        var bench = try watching()
        for _ in 0..<5 {
            bench.send(.watchFailed(error(.unreachable)))
            bench.send(.waited)
        }
        bench.send(.watchFailed(error(.gone)))
        #expect(bench.step == .list(continuing: nil))
    }

    @Test("opens a silent watch again from its last version, at once and without an event, however often")
    func silence() throws {
        var bench = try watching()
        bench.send(.watchEvent(.bookmark(resourceVersion: "15")))
        for _ in 0..<10 {
            bench.send(.watchFailed(error(.idle)), after: .seconds(90))
            #expect(bench.watchVersion == "15")
            bench.send(.watchOpened)
        }
        #expect(bench.takeEvents() == [])
    }

    @Test("counts silence as a failure when the watch cannot be opened again")
    func silenceOfDeadServer() throws {
        var bench = try watching()
        bench.send(.watchFailed(error(.idle)), after: .seconds(90))
        bench.send(.watchFailed(error(.unreachable)))
        let delay = try #require(bench.delay)
        #expect(delay <= .milliseconds(1600))
        #expect(bench.takeEvents() == [.interrupted(error(.unreachable), retryIn: delay)])
    }

    @Test("lists again after half an hour of silence, without an interruption")
    func longSilence() throws {
        var bench = try watching()
        var silence = Duration.zero
        while bench.watchVersion != nil || bench.step == .read {
            bench.send(.watchFailed(error(.idle)), after: .seconds(90))
            silence += .seconds(90)
            if bench.watchVersion != nil { bench.send(.watchOpened) }
        }
        #expect(silence == .seconds(1_800))
        #expect(bench.step == .list(continuing: nil))
        #expect(bench.takeEvents() == [.listBegins])
        try bench.list(["a"], version: "20")
        bench.send(.watchOpened)
        bench.send(.watchFailed(error(.idle)), after: .seconds(90))
        #expect(bench.watchVersion == "20")
    }

    @Test(
        "lists again when it cannot decode an event",
        arguments: [.malformedReply, .replyTooLarge] as [KubernetesError.Code])
    func unreadable(code: KubernetesError.Code) throws {
        var bench = try watching()
        bench.send(.watchFailed(error(code)))
        #expect(try #require(bench.delay) > .zero)
        bench.send(.waited)
        #expect(bench.step == .list(continuing: nil))
    }

    @Test("waits from 0.8 s to 30 s, longer with each failure, and resets the backoff after a healthy watch")
    func backoff() throws {
        var bench = try watching()
        var delays: [Duration] = []
        for _ in 0..<12 {
            bench.send(.watchFailed(error(.connectionLost)))
            delays.append(try #require(bench.delay))
            bench.send(.waited)
            #expect(bench.watchVersion == "10")
            bench.send(.watchOpened)
        }
        #expect((.milliseconds(800) ... .milliseconds(1600)).contains(delays[0]))
        #expect((.milliseconds(1600) ... .milliseconds(3200)).contains(delays[1]))
        #expect(delays.allSatisfy { $0 <= .seconds(30) })
        #expect(delays.suffix(5).allSatisfy { $0 >= .seconds(15) })
        bench.send(.watchFailed(error(.connectionLost)), after: .seconds(30))
        #expect(try #require(bench.delay) <= .milliseconds(1600))
    }

    @Test("waits as long as the server asks for, up to a limit")
    func retryAfter() throws {
        var bench = try watching()
        bench.send(.watchFailed(error(.tooManyRequests, retryAfter: .seconds(20))))
        #expect(bench.delay == .seconds(20))
        bench.send(.waited)
        bench.send(.watchFailed(error(.unavailable, retryAfter: .seconds(86_400))))
        #expect(bench.delay == .seconds(30))
    }
}
