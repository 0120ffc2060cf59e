internal import Foundation

/// What this process has used (`getrusage(2)`, `proc(5)`).
struct ProcessUsage {
    /// User and system time.
    var cpu: Duration
    /// Resident memory now and at its highest, in bytes.
    var resident: Int
    var peakResident: Int

    static func now() -> ProcessUsage {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        func bytes(_ key: String) -> Int {
            let line = status.split(separator: "\n").first { $0.hasPrefix(key + ":") } ?? ""
            return (Int(line.filter(\.isNumber)) ?? 0) << 10
        }
        return ProcessUsage(
            cpu: usage.ru_utime.duration + usage.ru_stime.duration, resident: bytes("VmRSS"),
            peakResident: bytes("VmHWM"))
    }
}

extension timeval {
    fileprivate var duration: Duration { .seconds(tv_sec) + .microseconds(tv_usec) }
}
