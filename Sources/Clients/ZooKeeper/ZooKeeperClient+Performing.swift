internal import NIOCore

extension ZooKeeperClient {
    /// - Parameter path: The path as the caller gave it, for errors.
    func perform<Reply: Sendable>(
        _ operation: Operation, _ path: String?, decode: (inout ByteBuffer) throws(JuteError) -> Reply
    ) async throws(ZooKeeperError) -> Reply {
        try await performInSequence(operation, path, decode: decode).result.get()
    }

    /// As `perform`, with the number of the reply among all the frames that the client received.
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
                let reason = "the reply can't be read: \(error)"
                dropUseless(reason: reason)
                return (.failure(ZooKeeperError(.malformedReply, path: path, message: reason)), outcome.sequence)
            }
        }
    }

    private func outcome(of operation: Operation, path: String?) async -> Outcome {
        guard !isStopped else { return failed(ZooKeeperError(.closed, path: path)) }
        return await withCheckedContinuation { completion in
            switch machine.submit(operation, path: path, completion: completion, now: .now()) {
            case .send(let frame): write(frame)
            case .wait: break
            case .fail(let completion, let error): completion.resume(returning: failed(error))
            }
        }
    }

    /// - Parameter isPrefix: Whether the server adds a number to it, so that it may end with '/'.
    nonisolated func absolute(_ path: String, isPrefix: Bool = false) throws(ZooKeeperError) -> String {
        do throws(ZooKeeperError) {
            try ZnodePath.validate(isPrefix ? path + "0" : path)
        } catch {
            throw ZooKeeperError(error.code, path: path, message: error.message)
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
