package import NIOCore

/// The metadata of a znode (`org.apache.zookeeper.data.Stat`).
public struct Stat: Hashable, Sendable {
    /// The transaction that created the znode (`czxid`).
    public var creationZxid: Int64
    /// The transaction that last set its data (`mzxid`).
    public var modificationZxid: Int64
    /// When the znode was created, in milliseconds since 1970 by the server's clock (`ctime`).
    public var creationTime: Int64
    /// When the data was last set, in milliseconds since 1970 by the server's clock (`mtime`).
    public var modificationTime: Int64
    /// The number of changes to the data.
    public var version: Int32
    /// The number of changes to the list of children (`cversion`).
    public var childVersion: Int32
    /// The number of changes to the access control list (`aversion`).
    public var aclVersion: Int32
    /// The session that owns an ephemeral znode; 0 for a persistent one. Containers and znodes with a time to live
    /// have special values here (`EphemeralType`).
    public var ephemeralOwner: Int64
    /// The length of the data in bytes.
    public var dataLength: Int32
    /// The number of children (`numChildren`).
    public var childCount: Int32
    /// The transaction that last created or deleted a child (`pzxid`).
    public var childModificationZxid: Int64

    /// Bytes.
    static let encodedSize = 68

    package init(
        creationZxid: Int64, modificationZxid: Int64, creationTime: Int64, modificationTime: Int64, version: Int32,
        childVersion: Int32, aclVersion: Int32, ephemeralOwner: Int64, dataLength: Int32, childCount: Int32,
        childModificationZxid: Int64
    ) {
        self.creationZxid = creationZxid
        self.modificationZxid = modificationZxid
        self.creationTime = creationTime
        self.modificationTime = modificationTime
        self.version = version
        self.childVersion = childVersion
        self.aclVersion = aclVersion
        self.ephemeralOwner = ephemeralOwner
        self.dataLength = dataLength
        self.childCount = childCount
        self.childModificationZxid = childModificationZxid
    }

    package init(reading buffer: inout ByteBuffer) throws(JuteError) {
        creationZxid = try buffer.readJuteLong()
        modificationZxid = try buffer.readJuteLong()
        creationTime = try buffer.readJuteLong()
        modificationTime = try buffer.readJuteLong()
        version = try buffer.readJuteInt()
        childVersion = try buffer.readJuteInt()
        aclVersion = try buffer.readJuteInt()
        ephemeralOwner = try buffer.readJuteLong()
        dataLength = try buffer.readJuteInt()
        childCount = try buffer.readJuteInt()
        childModificationZxid = try buffer.readJuteLong()
    }

    package func write(to buffer: inout ByteBuffer) {
        buffer.writeInteger(creationZxid)
        buffer.writeInteger(modificationZxid)
        buffer.writeInteger(creationTime)
        buffer.writeInteger(modificationTime)
        buffer.writeInteger(version)
        buffer.writeInteger(childVersion)
        buffer.writeInteger(aclVersion)
        buffer.writeInteger(ephemeralOwner)
        buffer.writeInteger(dataLength)
        buffer.writeInteger(childCount)
        buffer.writeInteger(childModificationZxid)
    }
}
