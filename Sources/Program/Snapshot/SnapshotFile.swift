internal import NIOPosix
internal import Services
internal import Synchronization
internal import SystemPackage

/// The file of a snapshot: one line that describes the file, then one JSON object a line (`tail -n +2 FILE | jq`).
///
/// A snapshot is written whole to `FILE.new` and then moved to `FILE`, so `FILE` is always one complete snapshot. Only
/// the process that has the lock on `FILE.lock` writes.
package final class SnapshotFile: Sendable {
    package enum ReadOutcome: Sendable, Hashable {
        /// - Parameter age: The age by the wall clock, for people.
        case records([SnapshotRecord], age: Duration)
        /// There is no file.
        case none
        /// The file can't be used, and was renamed.
        case setAside(path: String, reason: String)
        /// The file can't be used, and could not be renamed.
        case unreadable(reason: String)
    }

    static let pageSize = 128
    private static let chunkSize = 1 << 18

    package let path: String
    private let lock = Mutex<OpenFile?>(nil)

    /// - Parameter path: The file. The first write makes its folder where that is missing.
    package init(path: String) {
        self.path = path
    }

    deinit { release() }

    /// Lets another process write the file.
    package func release() {
        lock.withLock { $0.take() }?.close()
    }

    /// The last snapshot. A file that can't be used is set aside, unless another process has the lock.
    package func read() async -> ReadOutcome {
        do {
            return try await offThePool { try self.contents() }
        } catch {
            return .unreadable(reason: "\(error)")
        }
    }

    /// Replaces the file. The caller makes one call at a time.
    /// - Parameter mayGoOn: Asked before each page. `false` ends the write.
    /// - Returns: The number of records.
    /// - Throws: The reason why the snapshot was not written. The old snapshot is still there then.
    @discardableResult
    package func write(from source: any SnapshotSource, mayGoOn: () -> Bool = { true }) async throws -> Int {
        var writer = try await offThePool {
            try self.hold()
            return try SnapshotWriter(path: FilePath(self.path))
        }
        do {
            var last: ServiceID?
            while true {
                guard mayGoOn() else { throw SnapshotFailure("\(path): the time limit of the write ran out") }
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

    /// Runs a body that blocks on a thread that may block. It does so for a cancelled task too, since the last snapshot
    /// is written after the bridge's tasks were cancelled.
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

// MARK: - Calls that block

extension SnapshotFile {
    /// Takes the lock and keeps it.
    private func hold() throws {
        try lock.withLock { lock in
            if lock != nil { return }
            try FilePath(path).folder.makeFolder()
            let file = try OpenFile(FilePath("\(path).lock"), for: .locking)
            do {
                guard try file.tryLock() else { throw SnapshotFailure("\(path): another process writes it") }
                lock = file
            } catch {
                file.close()
                throw error
            }
        }
    }

    private func contents() throws -> ReadOutcome {
        let lockFailure: (any Error)?
        do {
            try hold()
            lockFailure = nil
        } catch {
            lockFailure = error
        }
        do {
            return try load()
        } catch let failure as SystemFailure where failure.code == .noSuchFileOrDirectory {
            return .none
        } catch let failure as SnapshotFailure {
            throw failure
        } catch {
            if let lockFailure { throw SnapshotFailure("\(error); it stays in its place: \(lockFailure)") }
            let isDamaged = if case SnapshotDefect.damaged = error { true } else { false }
            return .setAside(path: try setAside(as: isDamaged ? "corrupt" : "unreadable"), reason: "\(error)")
        }
    }

    private func load() throws -> ReadOutcome {
        let file = try OpenFile(FilePath(path), for: .reading)
        defer { file.close() }
        guard let (size, age) = try file.regularFile() else { throw SnapshotFailure("\(path) is no file") }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.chunkSize, alignment: 1)
        defer { buffer.deallocate() }
        let header = UnsafeMutableRawBufferPointer(rebasing: buffer[..<SnapshotHeader.length])
        let count = try file.read(into: header)
        var decoder = try SnapshotDecoder(header: Array(header[..<count]), size: size)
        while case let count = try file.read(into: buffer), count > 0 {
            decoder.read(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
        return .records(try decoder.finish(), age: age)
    }
}
