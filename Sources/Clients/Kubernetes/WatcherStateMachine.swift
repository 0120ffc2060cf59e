internal import Concurrency

/// Decides how to follow a collection: list it, watch it from the list's version, and recover when either fails. It
/// does no I/O: its owner performs the returned step and reports the outcome.
struct WatcherStateMachine {
    /// The outcome of the last step.
    enum Input {
        case page(ObjectPage)
        case listFailed(KubernetesError)
        /// The server accepted the watch.
        case watchOpened
        case watchEvent(WatchEvent)
        /// The server ended the watch without an error.
        case watchEnded
        case watchFailed(KubernetesError)
        case waited
    }

    /// The next thing to do.
    enum Step: Hashable {
        /// Fetch a page of a list. The first page has no token.
        case list(continuing: String?)
        /// Open a watch that the server is to end after `timeout`.
        case watch(from: String, timeout: Duration)
        /// Read an event of the open watch.
        case read
        case wait(Duration)
    }

    struct Output {
        /// The events to report, in this order, before the step is performed.
        var events: [WatcherEvent] = []
        var step: Step
    }

    /// A watch that ends sooner than this, without an event, counts as a failure.
    static let shortLife = Duration.seconds(1)
    /// A watch that lasted this long resets the backoff.
    static let healthyLife = Duration.seconds(30)
    /// After this much silence, without even a bookmark, the collection is listed again.
    static let longestSilence = Duration.seconds(1_800)
    /// The lifetime of a watch in seconds. It is random, so that the watches of many clients do not end together.
    static let watchTimeout = 300...600

    private enum State {
        case listing
        case opening(from: String)
        case watching(from: String, since: Duration, hasEvents: Bool)
        /// Waiting before the next watch from a resource version, or before the next list where that is `nil`.
        case waiting(from: String?)
    }

    private var state = State.listing
    private var backoff = Backoff.ofRequests
    /// When the server sent the last list, event or bookmark.
    private var heardAt = Duration.zero
    /// Whether a watch has worked since the last list that began without delay.
    private var mayRelistAtOnce = true
    private var random: any RandomNumberGenerator

    init(random: any RandomNumberGenerator = SystemRandomNumberGenerator()) {
        self.random = random
    }

    /// The output before any input. A full read begins before its request is sent: a change from then on may be newer
    /// than the read.
    static let first = Output(events: [.listBegins], step: .list(continuing: nil))

    /// - Parameter now: monotonic time since any fixed moment.
    mutating func handle(_ input: Input, now: Duration) -> Output {
        switch (input, state) {
        case (.page(let page), .listing):
            return take(page, now: now)
        case (.listFailed(let error), .listing):
            return interrupt(error, resumingFrom: nil)
        case (.watchOpened, .opening(let version)):
            state = .watching(from: version, since: now, hasEvents: false)
            return Output(step: .read)
        case (.watchEvent(let event), .watching(_, let since, _)):
            return take(event, since: since, now: now)
        case (.watchEnded, .watching(let version, let since, let hasEvents)):
            return end(at: version, since: since, hasEvents: hasEvents, now: now)
        case (.watchFailed(let error), .opening(let version)):
            return fail(error, at: version)
        case (.watchFailed(let error), .watching(let version, let since, _)) where error.code == .idle:
            return reopen(at: version, since: since, now: now)
        case (.watchFailed(let error), .watching(let version, let since, _)):
            forgetFailures(ifHealthySince: since, now: now)
            return fail(error, at: version)
        case (.waited, .waiting(let version)):
            if let version { return Output(step: open(from: version)) }
            state = .listing
            return Self.first
        default:
            preconditionFailure("\(input) cannot be the outcome of a step taken in \(state)")
        }
    }

    private mutating func take(_ page: ObjectPage, now: Duration) -> Output {
        heardAt = now
        var events: [WatcherEvent] = page.objects.map { .object($0) }
        if let token = page.continueToken { return Output(events: events, step: .list(continuing: token)) }
        events.append(.listComplete)
        return Output(events: events, step: open(from: page.resourceVersion))
    }

    private mutating func take(_ event: WatchEvent, since: Duration, now: Duration) -> Output {
        heardAt = now
        var events: [WatcherEvent] = []
        if let object = event.object { events.append(event.kind == .deleted ? .deleted(object) : .changed(object)) }
        state = .watching(from: event.resourceVersion, since: since, hasEvents: true)
        mayRelistAtOnce = true
        return Output(events: events, step: .read)
    }

    private mutating func end(at version: String, since: Duration, hasEvents: Bool, now: Duration) -> Output {
        forgetFailures(ifHealthySince: since, now: now)
        if hasEvents || now - since >= Self.shortLife { return Output(step: open(from: version)) }
        let error = KubernetesError(
            code: .endedEarly,
            message: "the server, or a proxy before it, ended the watch within a second and without an event")
        return interrupt(error, resumingFrom: version)
    }

    private mutating func fail(_ error: KubernetesError, at version: String) -> Output {
        switch error.code {
        case .gone:
            // This is usual after minutes without a connection. A list that is always too old must not be repeated
            // without delay.
            guard mayRelistAtOnce else { return interrupt(error, resumingFrom: nil) }
            return relist()
        case .malformedReply, .replyTooLarge:
            // The same event would come again after the same version.
            return interrupt(error, resumingFrom: nil)
        default:
            return interrupt(error, resumingFrom: version)
        }
    }

    /// Goes on after silence on an open watch. Silence is no failure: on a quiet collection, servers before an old etcd
    /// send no bookmark. A connection that is dead shows itself when the next watch cannot be opened.
    ///
    /// After a long silence the collection is listed again. A server whose etcd was restored from a backup reports
    /// nothing until it reaches the watch's version again.
    private mutating func reopen(at version: String, since: Duration, now: Duration) -> Output {
        forgetFailures(ifHealthySince: since, now: now)
        if now - heardAt >= Self.longestSilence { return relist() }
        return Output(step: open(from: version))
    }

    /// Lists again at once. It is no interruption: the view is complete up to the last event.
    private mutating func relist() -> Output {
        mayRelistAtOnce = false
        state = .listing
        return Self.first
    }

    private mutating func interrupt(_ error: KubernetesError, resumingFrom version: String?) -> Output {
        // A retry before the time that the server asks for would add to its load.
        let delay = max(backoff.next(using: &random), min(error.retryAfter ?? .zero, Backoff.ofRequests.longest))
        state = .waiting(from: version)
        return Output(events: [.interrupted(error, retryIn: delay)], step: .wait(delay))
    }

    private mutating func forgetFailures(ifHealthySince since: Duration, now: Duration) {
        guard now - since >= Self.healthyLife else { return }
        backoff.reset()
        mayRelistAtOnce = true
    }

    private mutating func open(from version: String) -> Step {
        state = .opening(from: version)
        return .watch(from: version, timeout: .seconds(Int.random(in: Self.watchTimeout, using: &random)))
    }
}
