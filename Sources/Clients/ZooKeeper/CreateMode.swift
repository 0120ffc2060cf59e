/// The kind of znode that `create` makes (`org.apache.zookeeper.CreateMode`).
///
/// Later versions may add modes.
public struct CreateMode: Sendable, Hashable {
    /// The flags of a `CreateRequest`.
    package let flags: Int32
    /// The time to live; `nil` for a mode without one.
    private let lifetime: Duration?

    private init(_ flags: Int32, lifetime: Duration? = nil) {
        self.flags = flags
        self.lifetime = lifetime
    }

    /// The znode exists until a client deletes it.
    public static let persistent = CreateMode(0)
    /// The server deletes the znode when the session that created it ends. The znode can't have children.
    public static let ephemeral = CreateMode(1)
    /// As `persistent`. The server appends a number of ten digits to the name; the parent never repeats it.
    public static let persistentSequential = CreateMode(2)
    /// As `ephemeral`. The server appends a number of ten digits to the name; the parent never repeats it.
    public static let ephemeralSequential = CreateMode(3)
    /// The server deletes the znode some time after its last child is deleted (3.5 and later). The server checks once
    /// a minute by default.
    public static let container = CreateMode(4)

    /// The server deletes the znode when it has had no child and no change for this time (3.5.3 and later).
    ///
    /// The server needs `zookeeper.extendedTypesEnabled=true`; otherwise it answers `unimplemented`.
    /// - Parameter timeToLive: From 1 ms to 2⁴⁰ − 1 ms, about 34 years. `create` refuses others with `invalidInput`.
    public static func persistentWithTTL(_ timeToLive: Duration) -> CreateMode {
        CreateMode(5, lifetime: timeToLive)
    }

    /// As `persistentWithTTL`. The server appends a number of ten digits to the name.
    /// - Parameter timeToLive: From 1 ms to 2⁴⁰ − 1 ms, about 34 years. `create` refuses others with `invalidInput`.
    public static func persistentSequentialWithTTL(_ timeToLive: Duration) -> CreateMode {
        CreateMode(6, lifetime: timeToLive)
    }
}

extension CreateMode {
    /// The longest time to live, in milliseconds. The server stores it in 40 bits (`EphemeralType.TTL`).
    private static let longestTTL: Int64 = (1 << 40) - 1

    /// - Parameter timeToLive: Milliseconds. The modes without a time to live ignore it.
    package init?(flags: Int32, timeToLive: Int64 = 0) {
        switch flags {
        case 0...4: self.init(flags)
        case 5, 6: self.init(flags, lifetime: .milliseconds(timeToLive))
        default: return nil
        }
    }

    package var isSequential: Bool { [2, 3, 6].contains(flags) }

    package var isEphemeral: Bool { self == .ephemeral || self == .ephemeralSequential }

    /// Milliseconds; `nil` for a mode without a time to live.
    package var timeToLive: Int64? { lifetime?.wholeMilliseconds }

    var code: OpCode {
        if lifetime != nil { return .createTTL }
        return self == .container ? .createContainer : .create
    }

    /// - Throws: `ZooKeeperError` with code `invalidInput` for a time to live out of range.
    func validate(for path: String) throws(ZooKeeperError) {
        guard let timeToLive, !(1...Self.longestTTL).contains(timeToLive) else { return }
        throw ZooKeeperError(
            .invalidInput, path: path,
            message: "the time to live is \(timeToLive) ms; it must be from 1 ms to \(Self.longestTTL) ms")
    }
}

extension Duration {
    /// Rounded towards zero; capped at the range of `Int64`.
    var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        let (milliseconds, overflow) = seconds.multipliedReportingOverflow(by: 1_000)
        if overflow { return seconds < 0 ? .min : .max }
        return milliseconds + attoseconds / 1_000_000_000_000_000
    }
}
