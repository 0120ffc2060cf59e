internal import NIOCore
internal import Synchronization

/// Every connection that was accepted, so that none stays open behind a server that stopped: one that the listener
/// accepted in its last moment has no task yet that would close it.
final class APIServerSockets: Sendable {
    private struct State {
        var open: [ObjectIdentifier: any Channel] = [:]
        var isClosed = false
    }

    private let state = Mutex(State())

    /// - Throws: `ChannelError` when the server has stopped.
    func add(_ channel: any Channel) throws {
        let id = ObjectIdentifier(channel)
        let isAccepted = state.withLock { state in
            if !state.isClosed { state.open[id] = channel }
            return !state.isClosed
        }
        guard isAccepted else { throw ChannelError.ioOnClosedChannel }
        channel.closeFuture.whenComplete { _ in
            self.state.withLock { $0.open[id] = nil }
        }
    }

    func closeAll() {
        let open = state.withLock { state in
            state.isClosed = true
            return state.open.values.map { $0 }
        }
        for channel in open { channel.close(promise: nil) }
    }
}
