/// How a created znode lives (`org.apache.zookeeper.CreateMode`).
public enum CreateMode: Sendable, Hashable {
    case persistent
    /// Goes when the session that made it ends. It can't have children.
    case ephemeral
    /// Gets a number of ten digits, unique among its siblings, at the end of its name.
    case persistentSequential
    case ephemeralSequential
    /// Goes some time after its last child went; the server looks about once a minute (3.5 and later).
    case container
    /// Goes when it has had no children and no change for this long, from 1 ms to about 34 years (3.5.3 and later, and
    /// only if the server runs with `zookeeper.extendedTypesEnabled=true`; otherwise it answers `unimplemented`).
    case persistentWithTTL(Duration)
    /// As `persistentWithTTL`, with a number at the end of its name.
    case persistentSequentialWithTTL(Duration)
}

extension CreateMode {
    /// The longest time to live, in milliseconds: the server keeps it in 40 bits (`EphemeralType.TTL`).
    private static let longestTTL: Int64 = (1 << 40) - 1

    /// - Parameter timeToLive: Milliseconds; only the modes with a time to live look at it.
    package init?(flags: Int32, timeToLive: Int64 = 0) {
        switch flags {
        case 0: self = .persistent
        case 1: self = .ephemeral
        case 2: self = .persistentSequential
        case 3: self = .ephemeralSequential
        case 4: self = .container
        case 5: self = .persistentWithTTL(.milliseconds(timeToLive))
        case 6: self = .persistentSequentialWithTTL(.milliseconds(timeToLive))
        default: return nil
        }
    }

    package var flags: Int32 {
        switch self {
        case .persistent: 0
        case .ephemeral: 1
        case .persistentSequential: 2
        case .ephemeralSequential: 3
        case .container: 4
        case .persistentWithTTL: 5
        case .persistentSequentialWithTTL: 6
        }
    }

    package var isSequential: Bool {
        switch self {
        case .persistentSequential, .ephemeralSequential, .persistentSequentialWithTTL: true
        case .persistent, .ephemeral, .container, .persistentWithTTL: false
        }
    }

    package var isEphemeral: Bool { self == .ephemeral || self == .ephemeralSequential }

    /// Milliseconds; `nil` for a znode whose life has no time limit.
    package var timeToLive: Int64? {
        switch self {
        case .persistentWithTTL(let time), .persistentSequentialWithTTL(let time): time.wholeMilliseconds
        case .persistent, .ephemeral, .persistentSequential, .ephemeralSequential, .container: nil
        }
    }

    var code: OpCode {
        if timeToLive != nil { return .createTTL }
        return self == .container ? .createContainer : .create
    }

    /// - Throws: `ZooKeeperError` with code `invalidInput` for a time to live that can't be.
    func validate(for path: String) throws(ZooKeeperError) {
        guard let timeToLive, !(1...Self.longestTTL).contains(timeToLive) else { return }
        throw ZooKeeperError(
            .invalidInput, path: path,
            message: "a time to live of \(timeToLive) ms can't be; it must be from 1 to \(Self.longestTTL) ms")
    }
}

extension Duration {
    /// Capped where an `Int64` ends.
    var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        let (milliseconds, overflow) = seconds.multipliedReportingOverflow(by: 1_000)
        if overflow { return seconds < 0 ? .min : .max }
        return milliseconds + attoseconds / 1_000_000_000_000_000
    }
}
