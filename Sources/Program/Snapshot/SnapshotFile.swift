internal import NIOPosix
package import Services
internal import Synchronization

/// The file in which a snapshot lies: one line that describes it, then one JSON object a line (`tail -n +2 FILE | jq`).
///
/// It is written whole, beside its place (`FILE.new`), and then moved there, so that it is always one snapshot or the
/// other. One process at a time may write it: the one that has the lock on `FILE.lock`.
package final class SnapshotFile: Sendable {
    package enum ReadOutcome: Sendable, Hashable {
        /// - Parameter age: By the wall clock, hence for people.
        case records([SnapshotRecord], age: Duration)
        /// There is no file.
        case none
        /// There was one that can't be used; it has another name now.
        case setAside(path: String, reason: String)
        /// There is one that can't be used, and it could not be moved either.
        case unreadable(reason: String)
    }

    static let pageSize = 128
    private static let chunkSize = 1 << 18

    package let path: String
    private let protocols: ProtocolTable
    private let lock = Mutex<Descriptor?>(nil)

    /// - Parameters:
    ///   - path: Its folder is made when missing.
    ///   - protocols: The protocols that its records may name.
    package init(path: String, protocols: ProtocolTable) {
        self.path = path
        self.protocols = protocols
    }

    deinit { release() }

    /// Lets another process write the file.
    package func release() {
        lock.withLock { $0.take() }?.dispose()
    }

    /// The snapshot that was written last. A file that can't be used is set aside, unless another process is using it.
    package func read() async -> ReadOutcome {
        do {
            return try await offThePool { try self.contents() }
        } catch {
            return .unreadable(reason: "\(error)")
        }
    }

    /// Replaces the file. One call at a time.
    /// - Parameter mayGoOn: Asked before each page; when it says no, everything stays as it was.
    /// - Returns: The number of records.
    /// - Throws: What kept it from being written; everything stays as it was then.
    @discardableResult
    package func write(from source: any SnapshotSource, mayGoOn: () -> Bool = { true }) async throws -> Int {
        var writer = try await offThePool {
            try self.hold()
            return try SnapshotWriter(path: self.path)
        }
        do {
            var last: ServiceID?
            while true {
                guard mayGoOn() else { throw SnapshotFailure("\(path): the time for it ran out") }
                let page = await source.snapshotPage(after: last, limit: Self.pageSize)
                if page.isEmpty { break }
                writer = try await offThePool { [writer] in try writer.adding(page) }
                last = page.last?.id
            }
            try await offThePool { [writer] in try writer.commit() }
            return writer.count
        } catch {
            try? await offThePool { [writer] in writer.abandon() }
            throw error
        }
    }

    /// Files block; the threads of Swift's concurrency are for what doesn't. A cancelled task gets its answer too: the
    /// last snapshot is written when everything else has stopped.
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

// MARK: - Blocking

extension SnapshotFile {
    /// Takes the lock, and keeps it.
    private func hold() throws {
        try lock.withLock { lock in
            if lock != nil { return }
            try FilePath.makeFolder(FilePath.folder(of: path))
            let descriptor = try Descriptor(path + ".lock", for: .locking)
            do {
                guard try descriptor.tryLock() else { throw SnapshotFailure("\(path): another process writes it") }
                lock = descriptor
            } catch {
                descriptor.dispose()
                throw error
            }
        }
    }

    private func contents() throws -> ReadOutcome {
        let hindrance: (any Error)?
        do {
            try hold()
            hindrance = nil
        } catch {
            hindrance = error
        }
        do {
            return try load()
        } catch let failure as SystemFailure where failure.isMissingFile {
            return .none
        } catch let failure as SnapshotFailure {
            throw failure
        } catch {
            if let hindrance { throw SnapshotFailure("\(error); it stays in its place: \(hindrance)") }
            let isDamaged = if case SnapshotDefect.damaged = error { true } else { false }
            return .setAside(path: try setAside(as: isDamaged ? "corrupt" : "unreadable"), reason: "\(error)")
        }
    }

    private func load() throws -> ReadOutcome {
        let descriptor = try Descriptor(path, for: .reading)
        defer { descriptor.dispose() }
        guard let (size, age) = try descriptor.regularFile() else { throw SnapshotFailure("\(path) is no file") }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.chunkSize, alignment: 1)
        defer { buffer.deallocate() }
        let header = UnsafeMutableRawBufferPointer(rebasing: buffer[..<SnapshotHeader.length])
        let count = try descriptor.fill(header)
        var decoder = try SnapshotDecoder(header: Array(header[..<count]), size: size, protocols: protocols)
        while case let count = try descriptor.fill(buffer), count > 0 {
            decoder.read(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
        return .records(try decoder.finish(), age: age)
    }
}
