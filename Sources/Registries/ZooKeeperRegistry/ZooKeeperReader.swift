internal import Dubbo
internal import Logging
internal import Services
internal import Sources
internal import Synchronization
internal import ZooKeeper

/// Reads Dubbo's tree: the lists of providers, and the events of watches.
///
/// A position is the number of a frame among all that the client received.
final class ZooKeeperReader: RegistryReader {
    enum Watching {
        /// One persistent recursive watch on the root (3.6 and later). Its events say everything, since a provider's
        /// whole description is its znode's name: nothing has to be read again.
        case tree
        /// A watch on every list of children, which fires once; the list is then read again. What nobody carries is
        /// only looked at with each full read.
        case lists
    }

    struct State {
        var watching: Watching
        /// Connections are counted, since none keeps the watches of the one before.
        var connection = 0
        /// The connection on which the watches on the trees were set.
        var watchedConnection = 0
        /// The directories of interfaces that are not named as one would expect: one name may have several.
        var respelled: [String: Set<String>] = [:]
        /// The directories that the root had when it was last listed; kept only while `watching` is `lists`.
        var directories: Set<String> = []
        var unread = UnreadRegistrations()
        /// The interfaces of a full read that are still to be read.
        var unanswered: Set<String> = []
        /// The interfaces whose own rules are still to be listed.
        var withoutRules: Set<String> = []
        /// The connection on which the rules of interfaces were listed.
        var ruledConnection = 0
        /// Whether the addresses of provider URLs are noted. Nothing asks for them before an application registers.
        var comparesAddresses = false

        func directories(of interface: String) -> [String] { respelled[interface].map { $0.sorted() } ?? [interface] }

        mutating func noteSpelling(of directory: InterfaceDirectory) {
            guard directory.isRespelled else { return }
            respelled[directory.interface, default: [directory.interface]].insert(directory.name)
        }

        /// The root was listed: a full read begins.
        /// - Returns: The interfaces.
        mutating func listed(_ directories: [InterfaceDirectory]) -> Set<String> {
            respelled = [:]
            for directory in directories { noteSpelling(of: directory) }
            self.directories = watching == .lists ? Set(directories.map(\.name)) : []
            let interfaces = Set(directories.map(\.interface))
            unread.forget(interfacesExcept: interfaces)
            // In between, the events of the watch on the tree tell of rules.
            if watching == .lists || ruledConnection != connection { withoutRules = interfaces }
            ruledConnection = connection
            unanswered = interfaces
            return interfaces
        }

        /// An interface was read.
        /// - Returns: Whether that ends a full read, and rules are still to be listed.
        mutating func answered(_ interface: String) -> Bool {
            unanswered.remove(interface) != nil && unanswered.isEmpty && !withoutRules.isEmpty
        }

        /// Notes what a read of an interface showed.
        mutating func note(_ providers: ProviderList, of interface: String) {
            unread.leaveOut(providers.leftOut, of: interface)
            if comparesAddresses { unread.applications.announce(providers.endpoints, of: interface) }
        }
    }

    let client: ZooKeeperClient
    let layout: DubboLayout
    let decoder: ProviderDecoder
    let logger: Logger
    let leftOut: LeftOutLog
    let state: Mutex<State>
    /// Wakes the task that reports changed notes.
    let notesChanges = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    /// Whether the rules of interfaces are listed after a full read. They are only counted, and take two of three
    /// lists.
    let readsRulesLast: Bool
    /// Wakes the task that lists them.
    let ruleReads = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    init(
        client: ZooKeeperClient, layout: DubboLayout, decoder: ProviderDecoder, watching: Watching,
        readsRulesLast: Bool, logger: Logger
    ) {
        self.client = client
        self.layout = layout
        self.decoder = decoder
        self.readsRulesLast = readsRulesLast
        self.logger = logger
        leftOut = LeftOutLog("providers", by: "interface", logger: logger)
        state = Mutex(State(watching: watching))
    }

    var watching: Watching { state.withLock { $0.watching } }

    var notes: [RegistryNote] {
        // Counting takes long in a large registry, and events wait for the lock.
        let unread = state.withLock { $0.unread }
        return unread.notes
    }

    var rootIsMissing: String {
        "there is no znode \(layout.fullRoot); a missing root is never taken for an empty registry. Check the root's "
            + "name; reading starts by itself when it is made"
    }

    func warn(_ interface: String, unusable: [ProviderList.Unusable]) {
        guard let first = unusable.first else { return }
        leftOut.add(
            interface, count: unusable.count, reason: "\(first.reason)",
            example: ProviderDecoder.withoutSecrets(node: first.node))
    }
}

extension ZooKeeperError {
    var cause: ReadFailure.Cause {
        switch code {
        case .connectionLoss, .closed, .cancelled, .sessionExpired, .sessionMoved: .disconnected
        case .tooManyRequests: .overloaded
        case .noAuth: .refused
        case .replyTooLarge: .lasting
        default: .passing
        }
    }
}
