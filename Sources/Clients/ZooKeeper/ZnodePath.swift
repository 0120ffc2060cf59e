/// ZooKeeper's rules for paths (`org.apache.zookeeper.common.PathUtils`).
package enum ZnodePath {
    /// - Throws: `ZooKeeperError` with code `invalidInput`.
    package static func validate(_ path: String) throws(ZooKeeperError) {
        func refuse(_ reason: String) -> ZooKeeperError {
            ZooKeeperError(.invalidInput, path: path, message: "the path \(reason)")
        }
        guard path.utf8.first == UInt8(ascii: "/") else { throw refuse("does not begin with '/'") }
        if path.utf8.count == 1 { return }
        for segment in path.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            if segment.isEmpty { throw refuse("has an empty segment: '/' at its end, or '//'") }
            if segment.elementsEqual(".".utf8) || segment.elementsEqual("..".utf8) {
                throw refuse("is relative: it has a segment '.' or '..'")
            }
        }
        for scalar in path.unicodeScalars {
            // The server checks UTF-16 units and refuses surrogates, so it refuses everything from U+10000 on.
            switch scalar.value {
            case 0...0x1F, 0x7F...0x9F, 0xE000...0xF8FF, 0xFFF0...:
                throw refuse(
                    "has the character U+\(String(scalar.value, radix: 16, uppercase: true)), which ZooKeeper refuses")
            default: continue
            }
        }
    }
}
