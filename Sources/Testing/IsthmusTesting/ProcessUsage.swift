internal import Foundation

/// The resources that a process has used, as Linux tells it (`proc(5)`, `getrusage(2)`).
public struct ProcessUsage: Sendable {
    /// User and system time.
    public var cpu: Duration
    /// Resident memory now and at its highest, in bytes.
    public var resident: Int
    public var peakResident: Int

    /// The processor time is known to 10 ms.
    /// - Throws: `TestSupportError` where there is no such process.
    public init(pid: Int32) throws {
        let stat = try Self.text("/proc/\(pid)/stat")
        // The name before the bracket may have spaces: user and system time are the 14th and 15th field.
        let fields = stat.drop { $0 != ")" }.split(separator: " ")
        guard fields.count > 13, let user = Int(fields[12]), let system = Int(fields[13]) else {
            throw TestSupportError("there are no times in: \(stat)")
        }
        let status = try Self.text("/proc/\(pid)/status")
        cpu = .milliseconds(10 * (user + system))
        resident = Self.bytes("VmRSS", in: status)
        peakResident = Self.bytes("VmHWM", in: status)
    }

    /// The processor time is known to the microsecond.
    public init() {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        let status = (try? Self.text("/proc/self/status")) ?? ""
        cpu = usage.ru_utime.duration + usage.ru_stime.duration
        resident = Self.bytes("VmRSS", in: status)
        peakResident = Self.bytes("VmHWM", in: status)
    }

    private static func text(_ path: String) throws -> String {
        do {
            return try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw TestSupportError("\(path) can't be read")
        }
    }

    private static func bytes(_ key: String, in status: String) -> Int {
        let line = status.split(separator: "\n").first { $0.hasPrefix(key + ":") } ?? ""
        return (Int(line.filter(\.isNumber)) ?? 0) << 10
    }
}

extension timeval {
    fileprivate var duration: Duration { .seconds(tv_sec) + .microseconds(tv_usec) }
}
