#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// What the system refused, in its words.
struct SystemFailure: Error, CustomStringConvertible {
    var path: String
    var code: CInt

    /// From the call that just failed.
    static func last(_ path: String) -> SystemFailure { SystemFailure(path: path, code: errno) }

    var isMissingFile: Bool { code == ENOENT }

    var description: String { "\(path): \(String(cString: strerror(code)))" }
}

/// An open file. Whoever opened it disposes of it.
struct Descriptor: Sendable {
    enum Purpose {
        case reading
        /// A file that is not there yet, for this user only.
        case creating
        case locking
        case synchronizing
    }

    let path: String
    private let number: CInt

    init(_ path: String, for purpose: Purpose) throws(SystemFailure) {
        // Programs that the bridge starts must not inherit a lock.
        let flags =
            switch purpose {
            // Were it a pipe, nobody would ever write to it.
            case .reading: O_RDONLY | O_NONBLOCK
            case .creating: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW
            case .locking: O_RDWR | O_CREAT
            case .synchronizing: O_RDONLY | O_DIRECTORY
            }
        self.path = path
        number = open(path, flags | O_CLOEXEC, 0o600)
        if number < 0 { throw .last(path) }
    }

    /// A lock ends with it, even while a process is being started, which has the descriptor too.
    func dispose() {
        _ = flock(number, LOCK_UN)
        _ = close(number)
    }

    /// - Returns: Its size in bytes and its age in whole seconds; `nil` for what is no regular file.
    func regularFile() throws(SystemFailure) -> (size: Int, age: Duration)? {
        var info = stat()
        guard fstat(number, &info) == 0 else { throw .last(path) }
        guard info.st_mode & S_IFMT == S_IFREG else { return nil }
        #if canImport(Darwin)
            let written = info.st_mtimespec
        #else
            let written = info.st_mtim
        #endif
        // Not `time`, whose clock lags by some milliseconds, and with them by a second.
        var now = timespec()
        guard clock_gettime(CLOCK_REALTIME, &now) == 0 else { throw .last(path) }
        let age = Duration.seconds(now.tv_sec - written.tv_sec) + .nanoseconds(now.tv_nsec - written.tv_nsec)
        return (Int(info.st_size), .seconds(max(0, age.components.seconds)))
    }

    /// - Returns: How many bytes were read: fewer than there is room for only at the file's end.
    func fill(_ buffer: UnsafeMutableRawBufferPointer) throws(SystemFailure) -> Int {
        var count = 0
        while count < buffer.count {
            let step = read(number, buffer.baseAddress?.advanced(by: count), buffer.count - count)
            if step == 0 { break }
            if step > 0 { count += step } else if errno != EINTR { throw .last(path) }
        }
        return count
    }

    /// - Parameter offset: Of the first byte in the file; `nil` for where the last call without one ended.
    func put(_ bytes: [UInt8], at offset: Int? = nil) throws(SystemFailure) {
        var count = 0
        while count < bytes.count {
            let step = bytes.withUnsafeBytes { buffer in
                let rest = UnsafeRawBufferPointer(rebasing: buffer[count...])
                return offset.map { pwrite(number, rest.baseAddress, rest.count, off_t($0 + count)) }
                    ?? write(number, rest.baseAddress, rest.count)
            }
            if step >= 0 { count += step } else if errno != EINTR { throw .last(path) }
        }
    }

    func synchronize() throws(SystemFailure) {
        while fsync(number) != 0 {
            // Some file systems have no such thing for folders.
            if errno == EINVAL { return }
            if errno != EINTR { throw .last(path) }
        }
    }

    /// - Returns: Whether it could be had: nobody else has it.
    func tryLock() throws(SystemFailure) -> Bool {
        while flock(number, LOCK_EX | LOCK_NB) != 0 {
            if errno == EWOULDBLOCK { return false }
            if errno != EINTR { throw .last(path) }
        }
        return true
    }
}

/// Names of files.
enum FilePath {
    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    static func name(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
    }

    /// Makes a folder, and those around it, where they are missing.
    static func makeFolder(_ path: String) throws(SystemFailure) {
        // That it is no folder, its first use tells.
        if mkdir(path, 0o777) == 0 || errno == EEXIST { return }
        let parent = folder(of: path)
        guard errno == ENOENT, parent != path else { throw .last(path) }
        try makeFolder(parent)
        guard mkdir(path, 0o777) == 0 || errno == EEXIST else { throw .last(path) }
    }

    static func move(_ path: String, to target: String) throws(SystemFailure) {
        guard rename(path, target) == 0 else { throw .last(path) }
    }

    /// Removes a file, if it is there.
    static func remove(_ path: String) throws(SystemFailure) {
        guard unlink(path) == 0 || errno == ENOENT else { throw .last(path) }
    }
}
