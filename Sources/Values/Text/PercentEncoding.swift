/// Percent-encoding (RFC 3986, section 2.1).
///
/// It works on bytes: Foundation's takes several times as long, and a large registry has a hundred thousand URLs.
package enum PercentEncoding {
    /// - Parameters:
    ///   - text: The bytes, encoded.
    ///   - plusIsSpace: Whether `+` stands for a space, as in a form and in a query (`java.net.URLDecoder`).
    /// - Returns: The decoded bytes; `nil` where a `%` is not followed by two hexadecimal digits.
    package static func decoded(_ text: UnsafeBufferPointer<UInt8>, plusIsSpace: Bool) -> [UInt8]? {
        var isValid = true
        let output = [UInt8](unsafeUninitializedCapacity: text.count) { output, count in
            var index = 0
            while index < text.count {
                var byte = text[index]
                if byte == UInt8(ascii: "%") {
                    guard index + 2 < text.count, let high = hexValue(text[index + 1]),
                        let low = hexValue(text[index + 2])
                    else {
                        isValid = false
                        return
                    }
                    byte = high << 4 | low
                    index += 2
                } else if plusIsSpace, byte == UInt8(ascii: "+") {
                    byte = UInt8(ascii: " ")
                }
                output.initializeElement(at: count, to: byte)
                count += 1
                index += 1
            }
        }
        return isValid ? output : nil
    }

    fileprivate static func encoded(_ text: UnsafeBufferPointer<UInt8>) -> String {
        String(unsafeUninitializedCapacity: 3 * text.count) { output in
            var count = 0
            func append(_ byte: UInt8) {
                output.initializeElement(at: count, to: byte)
                count += 1
            }
            for byte in text {
                if isUnreserved(byte) {
                    append(byte)
                } else {
                    append(UInt8(ascii: "%"))
                    append(hexDigit(byte >> 4))
                    append(hexDigit(byte & 15))
                }
            }
            return count
        }
    }

    /// Whether a byte never needs an escape (RFC 3986, section 2.3).
    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
    }

    private static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

extension String {
    /// The text with every byte as `%XX` but the unreserved characters: fit to be one segment of a path, or one value
    /// of a query.
    package var percentEncoded: String {
        var text = self
        return text.withUTF8 { PercentEncoding.encoded($0) }
    }

    /// - Parameter plusIsSpace: Whether `+` stands for a space, as in a query.
    /// - Returns: `nil` where a `%` is not followed by two hexadecimal digits, or the decoded bytes are not UTF-8.
    package func percentDecoded(plusIsSpace: Bool = false) -> String? {
        var text = self
        return text.withUTF8 { PercentEncoding.decoded($0, plusIsSpace: plusIsSpace) }
            .flatMap { String(validating: $0, as: UTF8.self) }
    }
}
