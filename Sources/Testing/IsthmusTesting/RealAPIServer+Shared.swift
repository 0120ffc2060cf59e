extension RealAPIServer {
    /// One server for all tests of this process, started by the first who asks; it ends with the process.
    ///
    /// A start takes seconds and hundreds of megabytes, so tests that neither stop nor pause the server share one and
    /// keep apart by namespaces of their own.
    ///
    /// - Throws: ``TestSupportError`` when a tool is missing or a server doesn't come up; for everyone who asks.
    public static func shared() async throws -> RealAPIServer {
        try await SharedServer.instance.server()
    }
}

private actor SharedServer {
    static let instance = SharedServer()

    private var start: Task<RealAPIServer, any Error>?

    func server() async throws -> RealAPIServer {
        // A task of its own, since the first test's cancellation must not take the server from all others.
        let start = start ?? Task { try await RealAPIServer.start() }
        self.start = start
        return try await start.value
    }
}
