internal import Logging
internal import NIOCore

extension ZooKeeperClient {
    /// Keeps a session with the ensemble until the task is cancelled; then closes the session, so that its ephemeral
    /// znodes go at once, and returns: at once when there is no connection, within 2 s where a server doesn't answer. A
    /// client runs once.
    public func run() async {
        precondition(!isStopped, "a client runs once")
        while !Task.isCancelled, let server = attempt.nextServer(of: connectionString.servers) {
            let before = state
            let reason = await connectAndServe(server)
            if Task.isCancelled { break }
            // That the session expired has been said, and it is replaced at once; everything else waits its turn.
            if state == .expired, before != .expired { continue }
            publish(.disconnected(reason: reason))
            logger.debug("disconnected", metadata: ["server": "\(server)", "reason": "\(reason)"])
            try? await Task.sleep(for: attempt.failed(now: .now()))
        }
        isStopping = true
        timer?.cancel()
        fail(machine.stopped())
        finishEvents()
    }

    /// - Returns: Why the connection ended, or why there was none.
    private func connectAndServe(_ server: ConnectionString.Server) async -> String {
        dropReason = nil
        self.server = server
        do {
            let channel = try await connect(to: server)
            await withTaskCancellationHandler {
                try? await channel.closeFuture.get()
            } onCancel: {
                eventLoop.execute { self.assumeIsolated { $0.closeGracefully() } }
            }
            return dropReason ?? "\(server) closed the connection"
        } catch is CancellationError {
            return "the client was stopped"
        } catch {
            let reason = "\(server): \(Self.explain(error))"
            fail(machine.connectionClosed(reason: reason))
            return reason
        }
    }

    private func closeGracefully() {
        isStopping = true
        guard let channel else { return }
        guard let frame = machine.close(now: .now()) else {
            channel.close(promise: nil)
            return
        }
        // The server closes once it has ended the session; the machine's deadline bounds the wait.
        channel.writeAndFlush(frame, promise: nil)
        rearmTimer()
    }

    func failed(_ error: ZooKeeperError) -> Outcome {
        Outcome(answer: .failure(error), sequence: framesReceived)
    }

    func fail(_ requests: [(completion: Completion, error: ZooKeeperError)]) {
        for request in requests { request.completion.resume(returning: failed(request.error)) }
    }
}
