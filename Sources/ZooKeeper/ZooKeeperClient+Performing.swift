internal import NIOCore

extension ZooKeeperClient {
    /// - Parameter path: The path as the caller gave it, for errors.
    func perform<Reply: Sendable>(
        _ operation: Operation, _ path: String?, decode: (inout ByteBuffer) throws(JuteError) -> Reply
    ) async throws(ZooKeeperError) -> Reply {
        var reply = try await answer(to: operation, path: path).get()
        do throws(JuteError) {
            return try decode(&reply)
        } catch {
            let reason = "the reply can't be read: \(error)"
            drop(reason: reason)
            throw ZooKeeperError(.malformedReply, path: path, message: reason)
        }
    }

    private func answer(to operation: Operation, path: String?) async -> Result<ByteBuffer, ZooKeeperError> {
        guard !isStopped else { return .failure(ZooKeeperError(.closed, path: path)) }
        return await withCheckedContinuation { completion in
            switch machine.submit(operation, path: path, completion: completion, now: .now()) {
            case .send(let frame): write(frame)
            case .wait: break
            case .fail(let completion, let error): completion.resume(returning: .failure(error))
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
