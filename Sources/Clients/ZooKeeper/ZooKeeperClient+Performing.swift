internal import NIOCore

extension ZooKeeperClient {
    /// - Parameter path: The path as the caller gave it, for errors.
    func perform<Reply: Sendable>(
        _ operation: Operation, _ path: String?, decode: (inout ByteBuffer) throws(JuteError) -> Reply
    ) async throws(ZooKeeperError) -> Reply {
        try await performInSequence(operation, path, decode: decode).result.get()
    }

    /// As `perform`, with the number of the reply among all frames that the client received.
    func performInSequence<Reply: Sendable>(
        _ operation: Operation, _ path: String?, decode: (inout ByteBuffer) throws(JuteError) -> Reply
    ) async -> (result: Result<Reply, ZooKeeperError>, sequence: UInt64) {
        let outcome = await outcome(of: operation, path: path)
        switch outcome.answer {
        case .failure(let error):
            return (.failure(error), outcome.sequence)
        case .success(var reply):
            do throws(JuteError) {
                return (.success(try decode(&reply)), outcome.sequence)
            } catch {
                let reason = "the reply can't be decoded: \(error)"
                dropUseless(reason: reason, cause: error)
                let failure = ZooKeeperError(.malformedReply, path: path, message: reason, cause: error)
                return (.failure(failure), outcome.sequence)
            }
        }
    }

    private func outcome(of operation: Operation, path: String?) async -> Outcome {
        switch lifecycle {
        case .notStarted: return failed(ZooKeeperError(.notRunning, path: path))
        case .stopping, .stopped: return failed(ZooKeeperError(.closed, path: path))
        case .running: break
        }
        lastRequestID += 1
        let id = lastRequestID
        return await withTaskCancellationHandler {
            await withCheckedContinuation { completion in
                guard !Task.isCancelled else {
                    let message = "the task of the request was cancelled before the request was sent"
                    completion.resume(returning: failed(ZooKeeperError(.cancelled, path: path, message: message)))
                    return
                }
                submit(operation, path: path, id: id, completion)
            }
        } onCancel: {
            // The event loop runs this after the submission, since the submission runs on the event loop too.
            eventLoop.execute { self.assumeIsolated { $0.cancelRequest(id) } }
        }
    }

    private func submit(_ operation: Operation, path: String?, id: UInt64, _ completion: Completion) {
        switch machine.submit(operation, path: path, id: id, completion: completion, now: .now()) {
        case .send(let frame): write(frame)
        case .wait: break
        case .fail(let completion, let error): completion.resume(returning: failed(error))
        }
        if configuration.requestTimeout != nil { rearmTimerIfLate() }
    }

    private func cancelRequest(_ id: UInt64) {
        if let failure = machine.cancel(id: id) { fail([failure]) }
    }

    /// The path with the chroot before it.
    /// - Parameter isPrefix: Whether the server appends a number, so that the path may end with '/'.
    nonisolated func absolute(_ path: String, isPrefix: Bool = false) throws(ZooKeeperError) -> String {
        do throws(ZooKeeperError) {
            try ZnodePath.validate(isPrefix ? path + "0" : path)
        } catch {
            throw error.at(path)
        }
        let chroot = connectionString.chroot
        return chroot.isEmpty ? path : path == "/" && !isPrefix ? chroot : chroot + path
    }

    nonisolated func withoutChroot(_ path: String) -> String {
        let chroot = connectionString.chroot
        guard !chroot.isEmpty, path.utf8.starts(with: chroot.utf8) else { return path }
        let rest = path.utf8.dropFirst(chroot.utf8.count)
        return rest.isEmpty ? "/" : String(Substring(rest))
    }
}
