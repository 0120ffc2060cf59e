import Foundation
import UnixSignals

extension UnixSignal {
    /// The signals by which the program stops, and gives back what it holds.
    ///
    /// SIGHUP says that the terminal is gone. `nohup` has it ignored, and then it stays so.
    static var stopping: [UnixSignal] {
        let before = signal(SIGHUP, SIG_IGN)
        let isIgnored = unsafeBitCast(before, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
        return isIgnored ? [.sigterm, .sigint] : [.sigterm, .sigint, .sighup]
    }
}
