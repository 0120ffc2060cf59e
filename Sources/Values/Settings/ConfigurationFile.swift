internal import SystemPackage

/// The files of a configuration: its own, and those that it names.
package enum ConfigurationFile {
    /// Reads the whole text of a file. It blocks the thread.
    /// - Throws: `ConfigurationError` for a file that is missing, may not be read, or is not UTF-8.
    package static func text(of path: String) throws(ConfigurationError) -> String {
        let bytes: [UInt8]
        do {
            bytes = try Self.bytes(of: path)
        } catch {
            throw ConfigurationError(place: path, message: explanation(of: error))
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ConfigurationError(place: path, message: "the file is not UTF-8 text")
        }
        return text
    }

    private static func bytes(of path: String) throws -> [UInt8] {
        let file = try FileDescriptor.open(FilePath(path), .readOnly)
        return try file.closeAfter {
            var bytes: [UInt8] = []
            let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 1)
            defer { chunk.deallocate() }
            while case let count = try file.read(into: chunk), count > 0 { bytes += chunk[..<count] }
            return bytes
        }
    }

    private static func explanation(of error: any Error) -> String {
        switch error {
        case Errno.noSuchFileOrDirectory: "there is no such file"
        case Errno.isDirectory: "this is a folder, and a file is needed"
        case Errno.permissionDenied: "the file may not be read by the user that runs isthmus"
        default: "the file can't be read: \(error)"
        }
    }
}
