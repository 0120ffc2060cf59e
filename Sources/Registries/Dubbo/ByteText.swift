internal import Text

/// Byte-level pieces of URL decoding. Foundation takes several times as long, and a large registry has a hundred
/// thousand URLs.
enum ByteText {
    /// Decodes percent-encoding as `java.net.URLDecoder` does: `%XX` is a byte, `+` a space. `nil` when a `%` isn't
    /// followed by two hexadecimal digits.
    static func formDecoded(_ text: String) -> [UInt8]? {
        var text = text
        return text.withUTF8 { formDecoded($0) }
    }

    static func formDecoded(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        PercentEncoding.decoded(text, plusIsSpace: true)
    }

    static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    /// Whether the byte is a letter of ASCII, in either case.
    static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    /// The string of valid UTF-8; `nil` for other bytes.
    static func string(_ bytes: some Collection<UInt8>) -> String? {
        String(validating: bytes, as: UTF8.self)
    }
}

extension Collection<UInt8> {
    /// The parts before and after the first separator; the second part is `nil` when there is no separator.
    func cut(at separator: UInt8) -> (SubSequence, SubSequence?) {
        guard let index = firstIndex(of: separator) else { return (self[...], nil) }
        return (self[..<index], self[self.index(after: index)...])
    }
}
