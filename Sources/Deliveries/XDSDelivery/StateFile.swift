internal import FoundationEssentials
internal import IstioProtobuf
internal import NIOCore
internal import NIOPosix
internal import Protobuf

/// What istiod was given, in a file: one `DiscoveryResponse` with the objects of all kinds, whose version is a hash of
/// the rest of the file. It is written whole beside its place and then moved there.
struct StateFile: Sendable {
    enum Reading: Sendable {
        case objects([MCPResource])
        /// There is no file.
        case none
        /// The file can't be used. It was renamed where that was possible.
        case setAside(reason: String)
    }

    let path: String

    /// - Throws: What keeps the file from being read, though it is there.
    func read() async throws -> Reading {
        try await offThePool {
            guard FileManager.default.fileExists(atPath: path) else { return .none }
            let bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
            do {
                return .objects(try Self.objects(in: bytes))
            } catch {
                try? FileManager.default.removeItem(atPath: path + ".corrupt")
                try? FileManager.default.moveItem(atPath: path, toPath: path + ".corrupt")
                return .setAside(reason: "\(error)")
            }
        }
    }

    private static func objects(in bytes: [UInt8]) throws(MalformedProtobuf) -> [MCPResource] {
        let response = try DiscoveryResponse(bytes: bytes[...])
        let head = DiscoveryResponse.head(version: response.version)
        guard ContentHash.text(of: Array(bytes.dropFirst(head.count))) == response.version else {
            throw MalformedProtobuf("its hash is not that of its content")
        }
        var objects: [MCPResource] = []
        for any in response.resources { objects.append(try MCPResource(any: any[...])) }
        return objects
    }

    /// Replaces the file.
    /// - Throws: What keeps it from being written. The old file is still there then.
    func write(_ bodies: [ByteBuffer]) async throws {
        try await offThePool {
            let body = bodies.flatMap { Array($0.readableBytesView) }
            let head = DiscoveryResponse.head(version: ContentHash.text(of: body))
            let folder = URL(filePath: path).deletingLastPathComponent()
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try Data(head + body).write(to: URL(filePath: path), options: .atomic)
        }
    }

    /// File operations block, and must not block the threads of Swift's concurrency. It runs for a cancelled task too,
    /// since the last state is written at the stop.
    private func offThePool<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            NIOThreadPool.singleton.submit { state in
                switch state {
                case .active: continuation.resume(with: Result(catching: body))
                case .cancelled: continuation.resume(throwing: CancellationError())
                }
            }
        }
    }
}
