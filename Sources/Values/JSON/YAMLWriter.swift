extension JSONValue {
    /// The value as a YAML 1.2 document in block style, for people and `kubectl`. Equal values have equal bytes, and
    /// keys have the order of `JSONObject`. A text is plain only where no YAML reader could take it for another type.
    package var yaml: String {
        var output = ""
        writeYAML(to: &output, indentation: 0)
        return output
    }

    private func writeYAML(to output: inout String, indentation: Int) {
        let margin = String(repeating: " ", count: indentation)
        switch self {
        case .object(let object) where !object.isEmpty:
            for member in object.members {
                output += margin + Self.yamlText(member.key) + ":"
                member.value.writeNested(to: &output, indentation: indentation)
            }
        case .array(let elements) where !elements.isEmpty:
            for element in elements {
                // An element begins on the line of its dash, two columns after it.
                var block = ""
                element.writeYAML(to: &block, indentation: indentation + 2)
                output += margin + "- " + block.dropFirst(element.isBlock ? indentation + 2 : 0)
            }
        default:
            output += yamlScalar + "\n"
        }
    }

    /// Writes the value of a key: a scalar on the key's line, anything else below it.
    private func writeNested(to output: inout String, indentation: Int) {
        guard isBlock else {
            output += " " + yamlScalar + "\n"
            return
        }
        output += "\n"
        // Like kubectl's output, a list has the margin of its key.
        if case .array = self {
            writeYAML(to: &output, indentation: indentation)
        } else {
            writeYAML(to: &output, indentation: indentation + 2)
        }
    }

    private var isBlock: Bool {
        switch self {
        case .object(let object): !object.isEmpty
        case .array(let elements): !elements.isEmpty
        default: false
        }
    }

    private var yamlScalar: String {
        if case .string(let text) = self { return Self.yamlText(text) }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func yamlText(_ text: String) -> String {
        isPlain(text) ? text : quoted(text)
    }

    /// JSON's quoting, with escapes for the characters that YAML forbids or takes for the end of a line too.
    private static func quoted(_ text: String) -> String {
        var output = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": output += "\\\(scalar)"
            case "\n": output += "\\n"
            case "\r": output += "\\r"
            case "\t": output += "\\t"
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}", "\u{FEFF}", "\u{FFFE}", "\u{FFFF}":
                let digits = String(scalar.value, radix: 16)
                output += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: output.unicodeScalars.append(scalar)
            }
        }
        return output + "\""
    }

    /// Whether a text needs no quotes: an IPv4 address, or letters, digits and `-_./` after a letter. Words with a
    /// meaning in YAML 1.1 need quotes.
    private static func isPlain(_ text: String) -> Bool {
        let numbers = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        if numbers.count == 4, numbers.allSatisfy({ !$0.isEmpty && $0.allSatisfy(isDigit) }) { return true }
        guard let first = text.utf8.first, isLetter(first) else { return false }
        guard text.utf8.allSatisfy({ isLetter($0) || isDigit($0) || "-_./".utf8.contains($0) }) else { return false }
        return !["true", "false", "yes", "no", "on", "off", "null", "y", "n"].contains(text.lowercased())
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
