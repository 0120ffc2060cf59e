/// The type of a request (`ZooDefs.OpCode`).
package enum OpCode: Int32, Sendable, CaseIterable {
    case create = 1
    case delete = 2
    case exists = 3
    case getData = 4
    case setData = 5
    case getACL = 6
    case setACL = 7
    case getChildren = 8
    case sync = 9
    case ping = 11
    case getChildren2 = 12
    /// Only valid in a `multi`.
    case check = 13
    case multi = 14
    case create2 = 15
    case removeWatches = 18
    case createContainer = 19
    case createTTL = 21
    case auth = 100
    case addWatch = 106
    case closeSession = -11
}

/// The request ids (xids) with a fixed meaning (`ClientCnxn`). All other requests are numbered from 1.
package enum ReservedXid {
    package static let notification: Int32 = -1
    package static let ping: Int32 = -2
    package static let auth: Int32 = -4
}
