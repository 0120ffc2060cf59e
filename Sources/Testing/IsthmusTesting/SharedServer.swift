extension RealAPIServer {
    /// The server that most tests share, each in a namespace of its own; started by the first that asks for it, and
    /// ended with the process.
    ///
    /// - Throws: ``TestSupportError`` when a tool is missing or the server doesn't come up.
    public static func shared() async throws -> RealAPIServer {
        try await sharedServer.server()
    }

    private static let sharedServer = SharedServer { try await RealAPIServer.start() }

    /// As ``shared()``, always a ``Model/modern`` one.
    ///
    /// - Throws: ``TestSupportError`` when a tool is missing or the server doesn't come up.
    public static func sharedModern() async throws -> RealAPIServer {
        try await Model.standard == .modern ? shared() : sharedModernServer.server()
    }

    private static let sharedModernServer = SharedServer { try await RealAPIServer.start(model: .modern) }
}

extension RealZooKeeper {
    /// The server that the tests share which neither stop nor freeze it, each below a chroot of its own; started by the
    /// first that asks for it, and ended with the process.
    ///
    /// - Throws: ``TestSupportError`` when a tool is missing or the server doesn't come up.
    public static func shared() async throws -> RealZooKeeper {
        try await sharedServer.server()
    }

    private static let sharedServer = SharedServer { try await RealZooKeeper.start() }
}

private actor SharedServer<Server: Sendable> {
    private let start: @Sendable () async throws -> Server
    private var starting: Task<Server, any Error>?

    init(start: @escaping @Sendable () async throws -> Server) {
        self.start = start
    }

    func server() async throws -> Server {
        // A task of its own, since the first test's cancellation must not take the server from all others.
        let starting = starting ?? Task { [start] in try await start() }
        self.starting = starting
        return try await starting.value
    }
}
