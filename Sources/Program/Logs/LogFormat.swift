package import FoundationEssentials
internal import JSON
package import Logging
internal import Text

/// The form of the log: one line for each event, which a program can take apart.
package enum LogFormat: String, Sendable, CaseIterable {
    /// `time=2026-12-01T09:30:00.125Z level=info msg="registry read" instances=3 registry=zk-main`
    case logfmt
    /// The same members as one JSON object.
    case json

    /// - Parameter metadata: A key that is one of the line's own members (`time`, `level`, `msg`) gets a `_` behind it.
    /// - Returns: The line, without its end.
    package func line(
        _ message: String, at time: Date, level: Logger.Level, metadata: Logger.Metadata
    ) -> String {
        let head = [("time", Self.text(of: time)), ("level", level.rawValue), ("msg", message)]
        let names = Set(head.map(\.0))
        let members = metadata.sorted { $0.key < $1.key }.map { key, value in
            (names.contains(key) ? key + "_" : key, value)
        }
        switch self {
        case .logfmt:
            let pairs = head + members.map { ($0.0.logfmtKey, Self.text(of: $0.1)) }
            return pairs.map { "\($0.0)=\($0.1.logfmtValue)" }.joined(separator: " ")
        case .json:
            let pairs = head.map { ($0.0, JSONValue.string($0.1)) } + members.map { ($0.0, Self.json($0.1)) }
            return String(decoding: JSONValue.object(JSONObject(pairs)).bytes, as: UTF8.self)
        }
    }

    private static func text(of time: Date) -> String {
        time.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }

    private static func text(of value: Logger.MetadataValue) -> String {
        switch value {
        case .string(let text): text
        case .stringConvertible(let value): "\(value)"
        case .array, .dictionary: String(decoding: json(value).bytes, as: UTF8.self)
        }
    }

    private static func json(_ value: Logger.MetadataValue) -> JSONValue {
        switch value {
        case .string(let text): .string(text)
        case .stringConvertible(let value): .string("\(value)")
        case .array(let values): .array(values.map(json))
        case .dictionary(let values): .object(JSONObject(values.map { ($0.key, json($0.value)) }))
        }
    }
}

extension String {
    fileprivate var logfmtKey: String {
        String(map { $0.isASCII && ($0.isLetter || $0.isNumber || "._-/".contains($0)) ? $0 : "_" })
    }

    /// The text as it stands where it is simple, else in quotes. Whoever may write to a registry chooses some of these
    /// texts: none of them may end the line, begin another member, or control a terminal.
    fileprivate var logfmtValue: String {
        let isSimple = utf8.allSatisfy { byte in
            (0x21...0x7E).contains(byte) && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "=")
                && byte != UInt8(ascii: "\\")
        }
        if isSimple, !isEmpty { return self }
        var quoted = "\""
        for scalar in unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            default:
                if scalar.controlsTerminal {
                    let digits = String(scalar.value, radix: 16)
                    quoted += "\\u" + String(repeating: "0", count: max(4 - digits.count, 0)) + digits
                } else {
                    quoted.unicodeScalars.append(scalar)
                }
            }
        }
        return quoted + "\""
    }
}
