internal import Foundation
internal import NIOCore

/// One connection through a ``ChaosProxy``; only its event loop may touch it.
final class ChaosLink {
    /// The two sides, by the direction of what they send. `nil` before one is there and after it left.
    var sides = BothWays<(any Channel)?>(nil)
    var flows = BothWays(ChaosFlow())
    var timers = BothWays<Scheduled<Void>?>(nil)
    /// Whether it is unknown yet if the upstream can be reached.
    var isConnecting = true
    /// Whether it led through to the upstream and counts as a connection.
    var isThrough = false

    init(client: any Channel) {
        sides.toUpstream = client
    }

    var isOver: Bool { !isConnecting && sides.toUpstream == nil && sides.toClient == nil }
}

extension Channel {
    /// Closes as a crashed machine would that came up again (RST instead of FIN); on the event loop.
    func reset() {
        _ = (self as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
        close(promise: nil)
    }

    /// Closes behind everything that was written; on the event loop.
    func close(with end: ChaosFlow.End) {
        writeAndFlush(ByteBuffer()).whenComplete { _ in
            switch end {
            case .half: self.close(mode: .output, promise: nil)
            case .whole: self.close(promise: nil)
            case .reset: self.reset()
            }
        }
    }
}
