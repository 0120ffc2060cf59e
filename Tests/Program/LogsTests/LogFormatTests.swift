internal import FoundationEssentials
internal import JSON
internal import Logging
internal import Logs
internal import Synchronization
internal import Testing

@Suite("The lines of the log")
struct LogFormatTests {
    private static let time = Date(timeIntervalSince1970: 1_796_117_400.125)

    private static func line(_ format: LogFormat, _ metadata: Logger.Metadata) -> String {
        format.line("registry read", at: time, level: .info, metadata: metadata)
    }

    @Test("a logfmt line has the time, the level, the message and sorted members, and quotes what is not simple")
    func logfmt() {
        let line = Self.line(
            .logfmt,
            [
                "registry": "zk-main", "names": "\(3)", "reason": #"the znode "a=b" is gone"#, "empty": "",
                "server": "127.0.0.1:2181", "umlaut": "Grün",
            ])
        #expect(
            line == """
                time=2026-12-01T09:30:00.125Z level=info msg="registry read" empty="" names=3 \
                reason="the znode \\"a=b\\" is gone" registry=zk-main server=127.0.0.1:2181 umlaut="Grün"
                """)
    }

    @Test("a JSON line has the same members")
    func json() throws {
        let line = Self.line(.json, ["registry": "zk-main", "names": ["a", "b"], "about": ["count": "2"]])
        let value = try JSONValue(parsing: Array(line.utf8))
        #expect(
            value == [
                "time": "2026-12-01T09:30:00.125Z", "level": "info", "msg": "registry read", "registry": "zk-main",
                "names": ["a", "b"], "about": ["count": "2"],
            ])
        #expect(!line.contains("\n"))
    }

    @Test("what a registry's client chose neither ends a line nor controls a terminal nor forges a member")
    func hostile() throws {
        let name = "a\nlevel=critical msg=forged\u{1B}[2J\u{202E}\u{2028}\\"
        let line = Self.line(.logfmt, ["name": .string(name), "level": "mine", "odd key=": "1"])
        #expect(
            line.hasSuffix(
                #"level_=mine name="a\nlevel=critical msg=forged\u001b[2J\u202e\u2028\\" odd_key_=1"#))
        let json = Self.line(.json, ["name": .string(name)])
        #expect(json.split(separator: "\n").count == 1)
        #expect(try JSONValue(parsing: Array(json.utf8))["name"] == .string(name))
    }

    @Test("a handler writes whole lines with the metadata of the logger and of the event, above its level")
    func handler() {
        let lines = Mutex<[String]>([])
        var logger = Logger(label: "test") { _ in
            LineLogHandler(.logfmt, level: .notice) { line in lines.withLock { $0.append(line) } }
        }
        logger[metadataKey: "registry"] = "zk-main"
        logger.info("left out")
        logger.warning("registry disconnected", metadata: ["failures": "1"])
        let seen = lines.withLock { $0 }
        #expect(seen.count == 1)
        let end = #" level=warning msg="registry disconnected" failures=1 registry=zk-main"#
        #expect(seen.first?.hasSuffix(end + "\n") == true)
    }
}
