/// The messages of etcd's API v3 (`etcdserverpb/rpc.proto`, `mvccpb/kv.proto`), as far as a reader needs them.
///
/// A generated codec of these messages would bring a library of Protocol Buffers for some two hundred lines.
struct ResponseHeader: Hashable, Sendable {
    var clusterID: UInt64 = 0
    var revision: Int64 = 0

    init(revision: Int64 = 0) {
        self.revision = revision
    }

    init(_ bytes: ArraySlice<UInt8>) throws(EtcdError) {
        var reader = ProtobufReader(bytes)
        while let (field, value) = try reader.next() {
            switch field {
            case 1: clusterID = UInt64(bitPattern: value.number)
            case 3: revision = try value.revision
            default: break
            }
        }
    }
}

/// A key with its value.
package struct EtcdKeyValue: Hashable, Sendable {
    package var key: [UInt8] = []
    package var value: [UInt8] = []
    /// The revision of its last change; of a deletion, that of the deletion.
    package var revision: Int64 = 0
    /// 0 for a key that does not go by itself.
    package var lease: Int64 = 0

    package init(key: [UInt8], value: [UInt8] = [], revision: Int64 = 0, lease: Int64 = 0) {
        self.key = key
        self.value = value
        self.revision = revision
        self.lease = lease
    }

    init(_ bytes: ArraySlice<UInt8>) throws(EtcdError) {
        var reader = ProtobufReader(bytes)
        while let (field, value) = try reader.next() {
            switch field {
            case 1: key = Array(value.content)
            case 3: revision = try value.revision
            case 5: self.value = Array(value.content)
            case 6: lease = value.number
            default: break
            }
        }
    }
}

/// A change of a key.
package struct EtcdEvent: Hashable, Sendable {
    package var isDeletion = false
    /// Of a deletion the key and the revision only.
    package var entry = EtcdKeyValue(key: [])

    package init(_ entry: EtcdKeyValue, isDeletion: Bool = false) {
        self.entry = entry
        self.isDeletion = isDeletion
    }

    init(_ bytes: ArraySlice<UInt8>) throws(EtcdError) {
        var reader = ProtobufReader(bytes)
        while let (field, value) = try reader.next() {
            switch field {
            case 1: isDeletion = value.number == 1
            case 2: entry = try EtcdKeyValue(value.content)
            default: break
            }
        }
    }
}

struct RangeRequest: Hashable {
    var range: EtcdKeyRange
    /// 0 for the newest.
    var revision: Int64 = 0
    /// 0 for none.
    var limit: Int64 = 0
    var countsOnly = false

    var bytes: [UInt8] {
        var writer = ProtobufWriter()
        writer.write(range.start, field: 1)
        writer.write(range.end, field: 2)
        writer.write(limit, field: 3)
        writer.write(revision, field: 4)
        writer.write(countsOnly, field: 9)
        return writer.bytes
    }
}

struct RangeResponse: Hashable {
    var header = ResponseHeader()
    var entries: [EtcdKeyValue] = []
    var hasMore = false

    init(_ bytes: ArraySlice<UInt8>) throws(EtcdError) {
        var reader = ProtobufReader(bytes)
        while let (field, value) = try reader.next() {
            switch field {
            case 1: header = try ResponseHeader(value.content)
            case 2: entries.append(try EtcdKeyValue(value.content))
            case 3: hasMore = value.isTrue
            default: break
            }
        }
    }
}

struct WatchCreateRequest: Hashable {
    var range: EtcdKeyRange
    /// The first revision that is told.
    var startRevision: Int64

    var bytes: [UInt8] {
        var create = ProtobufWriter()
        create.write(range.start, field: 1)
        create.write(range.end, field: 2)
        create.write(startRevision, field: 3)
        // The server tells now and then that there is nothing to tell.
        create.write(true, field: 4)
        // An answer above the server's limit comes in parts.
        create.write(true, field: 8)
        var writer = ProtobufWriter()
        writer.writeMessage(create.bytes, field: 1)
        return writer.bytes
    }
}

struct WatchResponse: Hashable {
    var header = ResponseHeader()
    var isCreated = false
    var isCanceled = false
    var compactRevision: Int64 = 0
    var cancelReason = ""
    /// Whether more events of the same revision follow.
    var isFragment = false
    var events: [EtcdEvent] = []

    init() {}

    init(_ bytes: ArraySlice<UInt8>) throws(EtcdError) {
        var reader = ProtobufReader(bytes)
        while let (field, value) = try reader.next() {
            switch field {
            case 1: header = try ResponseHeader(value.content)
            case 3: isCreated = value.isTrue
            case 4: isCanceled = value.isTrue
            case 5: compactRevision = value.number
            case 6: cancelReason = value.text
            case 7: isFragment = value.isTrue
            case 11: events.append(try EtcdEvent(value.content))
            default: break
            }
        }
    }
}

enum AuthenticateMessage {
    static func request(user: String, password: String) -> [UInt8] {
        var writer = ProtobufWriter()
        writer.write(Array(user.utf8), field: 1)
        writer.write(Array(password.utf8), field: 2)
        return writer.bytes
    }

    static func token(_ bytes: ArraySlice<UInt8>) throws(EtcdError) -> String {
        var token = ""
        var reader = ProtobufReader(bytes)
        while let (field, value) = try reader.next() { if field == 2 { token = value.text } }
        return token
    }
}
