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
        /// Whether the addresses of provider URLs are noted. Nothing asks for them before an application registers.
        var comparesAddresses = false

        mutating func noteSpelling(of directory: String) {
            guard let interface = ProviderDecoder.interface(directory: directory), interface != directory
            else { return }
            respelled[interface, default: [interface]].insert(directory)
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
    let state: Mutex<State>
    /// Wakes the task that reports changed notes.
    let notesChanges = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    init(
        client: ZooKeeperClient, layout: DubboLayout, decoder: ProviderDecoder, watching: Watching, logger: Logger
    ) {
        self.client = client
        self.layout = layout
        self.decoder = decoder
        self.logger = logger
        state = Mutex(State(watching: watching))
    }

    var watching: Watching { state.withLock { $0.watching } }

    var notes: [RegistryNote] { state.withLock { $0.unread.notes } }

    var rootIsMissing: String {
        "there is no znode \(layout.fullRoot); a missing root is never taken for an empty registry. Check the root's "
            + "name; reading starts by itself when it is made"
    }

    func warn(_ interface: String, unusable: [ProviderList.Unusable]) {
        guard let first = unusable.first else { return }
        logger.warning(
            "providers left out",
            metadata: [
                "interface": "\(interface)", "count": "\(unusable.count)", "reason": "\(first.reason)",
                "provider": "\(ProviderDecoder.withoutSecrets(node: first.node))",
            ])
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
