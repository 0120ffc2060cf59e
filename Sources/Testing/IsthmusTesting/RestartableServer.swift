internal import Synchronization

/// A server process that may be ended and started again with the same arguments, ports and data.
final class RestartableServer: Sendable {
    private let start: @Sendable () async throws -> ChildProcess
    private let current: Mutex<ChildProcess>

    /// - Parameter start: starts the process and returns when it answers.
    init(start: @escaping @Sendable () async throws -> ChildProcess) async throws {
        self.start = start
        current = Mutex(try await start())
    }

    var process: ChildProcess { current.withLock { $0 } }

    /// Ends it as a crash would, and waits until it is gone.
    func kill() async {
        let process = process
        process.kill()
        _ = await process.waitForExit()
    }

    /// Stops it if it runs, and starts it again.
    func restart() async throws {
        await process.stop()
        let fresh = try await start()
        current.withLock { $0 = fresh }
    }
}

/// Runs a body with a server, and stops the server however the body ends.
func with<Server: Sendable, Value>(
    _ server: Server, stop: (Server) async -> Void, isolation: isolated (any Actor)?,
    _ body: (Server) async throws -> Value
) async throws -> Value {
    do {
        let result = try await body(server)
        await stop(server)
        return result
    } catch {
        await stop(server)
        throw error
    }
}
