/// Keeps a picture of a collection: lists it, watches from where the list ended, and knows what to do when either
/// fails. It does no I/O: its owner performs the step it is told, and reports the outcome.
struct WatcherStateMachine {
    /// What became of the last step.
    enum Input {
        case page(ObjectPage)
        case listFailed(KubernetesError)
        /// The server accepted the watch.
        case watchOpened
        case watchEvent(WatchEvent)
        /// The server ended the watch without complaint.
        case watchEnded
        case watchFailed(KubernetesError)
        case waited
    }

    /// What to do next.
    enum Step: Hashable {
        /// Fetch a page of a list; the first one without a token.
        case list(continuing: String?)
        /// Open a watch that the server is to end after `timeout`.
        case watch(from: String, timeout: Duration)
        /// Read an event of the open watch.
        case read
        case wait(Duration)
    }

    struct Output {
        /// To be handed on, in this order, before the step is taken.
        var events: [WatcherEvent] = []
        var step: Step
    }

    /// A watch that ends sooner, without an event, is treated as a failure.
    static let shortLife = Duration.seconds(1)
    /// A watch that lived this long makes earlier failures forgotten.
    static let healthyLife = Duration.seconds(30)
    /// Watches end at random moments, so that those of many clients do not end together.
    static let watchTimeout = 300...600

    private enum State {
        case listing
        case opening(from: String)
        case watching(from: String, since: Duration, hasEvents: Bool)
        /// Waiting before listing anew, or before watching from a resource version.
        case waiting(from: String?)
    }

    private var state = State.listing
    private var backoff = Backoff()
    /// Whether a watch has worked since the last list that was made without delay.
    private var mayRelistAtOnce = true
    private var random: any RandomNumberGenerator

    init(random: any RandomNumberGenerator = SystemRandomNumberGenerator()) {
        self.random = random
    }

    /// Before any input. A picture begins before it is asked for: what happens from then on may be newer than it.
    static let first = Output(events: [.listBegins], step: .list(continuing: nil))

    /// - Parameter now: monotonic time since any fixed moment.
    mutating func handle(_ input: Input, now: Duration) -> Output {
        switch (input, state) {
        case (.page(let page), .listing):
            return take(page)
        case (.listFailed(let error), .listing):
            return interrupt(error, resumingFrom: nil)
        case (.watchOpened, .opening(let version)):
            state = .watching(from: version, since: now, hasEvents: false)
            return Output(step: .read)
        case (.watchEvent(let event), .watching(let version, let since, _)):
            return take(event, at: version, since: since)
        case (.watchEnded, .watching(let version, let since, let hasEvents)):
            return end(at: version, since: since, hasEvents: hasEvents, now: now)
        case (.watchFailed(let error), .opening(let version)):
            return fail(error, at: version)
        case (.watchFailed(let error), .watching(_, _, hasEvents: false)) where error.code == .idle:
            return relist(after: error)
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

    private mutating func take(_ page: ObjectPage) -> Output {
        var events: [WatcherEvent] = page.objects.map { .object($0) }
        if let token = page.continueToken { return Output(events: events, step: .list(continuing: token)) }
        events.append(.listComplete)
        return Output(events: events, step: open(from: page.resourceVersion))
    }

    private mutating func take(_ event: WatchEvent, at version: String, since: Duration) -> Output {
        let (version, events): (String, [WatcherEvent]) =
            switch event {
            case .added(let object), .modified(let object): (object.metadata.resourceVersion, [.changed(object)])
            case .deleted(let object): (object.metadata.resourceVersion, [.deleted(object)])
            case .bookmark(let version): (version, [])
            }
        state = .watching(from: version, since: since, hasEvents: true)
        mayRelistAtOnce = true
        return Output(events: events, step: .read)
    }

    private mutating func end(at version: String, since: Duration, hasEvents: Bool, now: Duration) -> Output {
        forgetFailures(ifHealthySince: since, now: now)
        if hasEvents || now - since >= Self.shortLife { return Output(step: open(from: version)) }
        let error = KubernetesError(
            code: .endedEarly, message: "the server, or a proxy before it, ended the watch at once")
        return interrupt(error, resumingFrom: version)
    }

    private mutating func fail(_ error: KubernetesError, at version: String) -> Output {
        switch error.code {
        case .gone:
            // Usual after minutes without a connection; yet a list that is always too old must not spin.
            return relist(after: error)
        case .malformedReply, .replyTooLarge:
            // The same event would come again.
            return interrupt(error, resumingFrom: nil)
        case .idle where backoff.failures == 0:
            return interrupt(error, resumingFrom: version, after: .zero)
        default:
            return interrupt(error, resumingFrom: version)
        }
    }

    /// A watch that shows not even a bookmark may follow a version that the server doesn't have any more, or not yet: one whose etcd was
    /// restored from a backup tells nothing until it has come that far again.
    private mutating func relist(after error: KubernetesError) -> Output {
        defer { mayRelistAtOnce = false }
        return interrupt(error, resumingFrom: nil, after: mayRelistAtOnce ? .zero : nil)
    }

    /// - Parameter delay: when not the usual one of a failure.
    private mutating func interrupt(
        _ error: KubernetesError, resumingFrom version: String?, after delay: Duration? = nil
    ) -> Output {
        let usual = backoff.next(using: &random)
        // Sooner than the server asks for would only add to its load.
        let delay = max(delay ?? usual, min(error.retryAfter ?? .zero, Backoff.longest))
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
