internal import SystemPackage

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// An open file whose errors name its path. The code that opened it closes it.
struct OpenFile: Sendable {
    enum Purpose {
        case reading
        /// Creates the file, readable for this user only. A file that exists is an error.
        case creating
        case locking
        /// Opens a folder.
        case synchronizing
    }

    let path: FilePath
    private let descriptor: FileDescriptor

    init(_ path: FilePath, for purpose: Purpose) throws(SystemFailure) {
        let (mode, options): (FileDescriptor.AccessMode, FileDescriptor.OpenOptions) =
            switch purpose {
            // Without `nonBlocking`, opening a pipe would wait for a writer.
            case .reading: (.readOnly, .nonBlocking)
            case .creating: (.writeOnly, [.create, .exclusiveCreate, .noFollow])
            case .locking: (.readWrite, .create)
            case .synchronizing: (.readOnly, .directory)
            }
        self.path = path
        descriptor = try named(path) {
            // A program that the bridge starts must not inherit the descriptor, and a lock with it.
            try FileDescriptor.open(
                path, mode, options: options.union(.closeOnExec), permissions: .ownerReadWrite)
        }
    }

    /// Unlocks and closes the file. Closing alone would keep the lock while a process that is being started has a copy
    /// of the descriptor.
    func close() {
        _ = flock(descriptor.rawValue, LOCK_UN)
        try? descriptor.close()
    }

    /// - Returns: The file's size in bytes and its age in whole seconds; `nil` for anything but a regular file.
    func regularFile() throws(SystemFailure) -> (size: Int, age: Duration)? {
        let info = try named(path) { try descriptor.stat() }
        guard info.type == .regular else { return nil }
        let written = info.st_mtim
        // Not `time`: its clock lags by some milliseconds, so a new file could seem to come from the future.
        var now = timespec()
        try repeated(path) { clock_gettime(CLOCK_REALTIME, &now) }
        let age = Duration.seconds(now.tv_sec - written.tv_sec) + .nanoseconds(now.tv_nsec - written.tv_nsec)
        return (Int(info.size), .seconds(max(0, age.components.seconds)))
    }

    /// Reads from where the last call ended.
    /// - Returns: The number of bytes that were read. It is less than the buffer's size at the file's end only.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemFailure) -> Int {
        try named(path) {
            var count = 0
            while count < buffer.count {
                let step = try descriptor.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[count...]))
                if step == 0 { break }
                count += step
            }
            return count
        }
    }

    /// - Parameter offset: The offset of the first byte in the file; `nil` for the place where the last call without an
    ///   offset ended.
    func write(_ bytes: [UInt8], at offset: Int64? = nil) throws(SystemFailure) {
        _ = try named(path) {
            if let offset {
                try descriptor.writeAll(toAbsoluteOffset: offset, bytes)
            } else {
                try descriptor.writeAll(bytes)
            }
        }
    }

    /// Returns when the file, or the list of a folder's files, is on the disk.
    func synchronize() throws(SystemFailure) {
        do throws(SystemFailure) {
            try repeated(path) { fsync(descriptor.rawValue) }
        } catch {
            // Some file systems can't synchronize a folder.
            if error.code != .invalidArgument { throw error }
        }
    }

    /// - Returns: Whether the lock could be taken: no other process has it.
    func tryLock() throws(SystemFailure) -> Bool {
        do throws(SystemFailure) {
            try repeated(path) { flock(descriptor.rawValue, LOCK_EX | LOCK_NB) }
            return true
        } catch {
            if error.code == .wouldBlock { return false }
            throw error
        }
    }
}

extension FilePath {
    /// The folder that the file is in.
    var folder: FilePath {
        let folder = removingLastComponent()
        return folder.isEmpty ? "." : folder
    }

    /// Makes the folder, and those around it, where they are missing.
    func makeFolder() throws(SystemFailure) {
        do throws(SystemFailure) {
            try makeOneFolder()
        } catch {
            guard error.code == .noSuchFileOrDirectory, folder != self else { throw error }
            try folder.makeFolder()
            try makeOneFolder()
        }
    }

    private func makeOneFolder() throws(SystemFailure) {
        do throws(SystemFailure) {
            try repeated(self) { withPlatformString { mkdir($0, 0o777) } }
        } catch {
            // A file in the folder's place shows at its first use.
            if error.code != .fileExists { throw error }
        }
    }

    /// Gives the file another name. A file that has that name is replaced in one step.
    func move(to target: FilePath) throws(SystemFailure) {
        try repeated(self) { withPlatformString { from in target.withPlatformString { rename(from, $0) } } }
    }

    /// Removes the file where there is one.
    func removeFile() throws(SystemFailure) {
        do throws(SystemFailure) {
            try repeated(self) { withPlatformString { unlink($0) } }
        } catch {
            if error.code != .noSuchFileOrDirectory { throw error }
        }
    }
}

/// A call that the system refused: the file, and why.
struct SystemFailure: Error, CustomStringConvertible {
    var path: FilePath
    var code: Errno

    var description: String { "\(path): \(code)" }
}

/// The result of a call of swift-system.
private func named<Value>(_ path: FilePath, _ call: () throws -> Value) throws(SystemFailure) -> Value {
    do {
        return try call()
    } catch {
        // Its calls throw nothing but `Errno`.
        throw SystemFailure(path: path, code: error as? Errno ?? .ioError)
    }
}

/// A call that swift-system does not have. An interrupted call is made again.
private func repeated(_ path: FilePath, _ call: () -> CInt) throws(SystemFailure) {
    while call() != 0 {
        let code = Errno(rawValue: errno)
        if code != .interrupted { throw SystemFailure(path: path, code: code) }
    }
}
