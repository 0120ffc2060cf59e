internal import Foundation
internal import Synchronization

/// A process that a test started: it writes into a log file, can be signalled, and never outlives the test process.
///
/// It is killed when the last reference goes, and by a guard when the test process itself crashes.
public final class ChildProcess: Sendable {
    /// The name in errors, such as `ZooKeeper`.
    public let name: String
    /// Its process id.
    public let pid: Int32
    /// Where its standard output goes, and its standard error unless that was parted.
    public let logPath: String

    /// One after the other: a process that starts while another one is being started would keep open what tells of that
    /// one's end.
    static let starting = Mutex(())

    private let process: Process
    private let waiter: ExitWaiter

    private init(name: String, logPath: String, process: Process, waiter: ExitWaiter) {
        self.name = name
        self.logPath = logPath
        self.process = process
        self.waiter = waiter
        pid = process.processIdentifier
    }

    deinit {
        kill()
    }

    /// Starts a program; its standard input is empty unless a file is given.
    ///
    /// - Parameters:
    ///   - name: what errors call it.
    ///   - environment: added to this process's own environment.
    ///   - workingFolder: where it runs; this process's working folder by default.
    ///   - log: a file that its output is appended to; made when missing.
    ///   - errorLog: a file of its own for standard error; by default that goes into `log`.
    ///   - input: a file that it reads as its standard input.
    /// - Throws: ``TestSupportError`` when a file can't be opened or the program can't be started.
    public static func start(
        _ name: String, executable: String, arguments: [String] = [], environment: [String: String] = [:],
        workingFolder: String? = nil, log: String, errorLog: String? = nil, input: String? = nil
    ) throws -> ChildProcess {
        let process = Process()
        let waiter = ExitWaiter()
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        if let workingFolder { process.currentDirectoryURL = URL(fileURLWithPath: workingFolder) }
        process.standardInput = try input.map(reading) ?? FileHandle.nullDevice
        let output = try appending(to: log)
        process.standardOutput = output
        process.standardError = try errorLog.map(appending) ?? output
        process.terminationHandler = { ended in
            let status = ended.terminationStatus
            waiter.end(ended.terminationReason == .exit ? .code(status) : .signal(status))
            ProcessGuard.shared.drop(ended.processIdentifier)
        }
        do {
            try starting.withLock { _ in try run(process) }
        } catch {
            throw TestSupportError("cannot start \(name) (\(executable)): \(error)")
        }
        let child = ChildProcess(name: name, logPath: log, process: process, waiter: waiter)
        ProcessGuard.shared.add(child.pid)
        // A process that ended before it was on the list would stay there, and its id may one day be someone else's.
        if waiter.status != nil { ProcessGuard.shared.drop(child.pid) }
        return child
    }

    /// How it ended; `nil` while it runs.
    public var exitStatus: ExitStatus? { waiter.status }

    /// Whether it has not ended; a paused process counts as running.
    public var isRunning: Bool { waiter.status == nil }

    /// Waits until it ends, and ignores cancellation.
    public func waitForExit() async -> ExitStatus {
        await waiter.wait()
    }

    /// Foundation 6.2 lists `/proc/self/fd` and copies 256 bytes of each entry's name, also of the last one in the
    /// buffer, which may be the last of the mapped memory: then it crashes. So the buffer gets a place with room after
    /// it.
    private static func run(_ process: Process) throws {
        let place = malloc(100_000)
        let roomAfterIt = malloc(8_192)
        free(place)
        defer { free(roomAfterIt) }
        try process.run()
    }

    private static func reading(_ path: String) throws -> FileHandle {
        guard let handle = FileHandle(forReadingAtPath: path) else { throw TestSupportError("cannot read \(path)") }
        return handle
    }

    private static func appending(to path: String) throws -> FileHandle {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw TestSupportError("cannot open \(path): \(String(cString: strerror(errno)))")
        }
        return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }
}
