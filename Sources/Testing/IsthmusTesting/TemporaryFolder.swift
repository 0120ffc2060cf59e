internal import Foundation

/// A folder of its own under the system's temporary folder.
///
/// It is removed with all its contents when the last reference goes, or after the test process.
public final class TemporaryFolder: Sendable {
    public let path: String

    /// - Parameter label: becomes part of the folder's name, for people who look at a running test.
    /// - Throws: what `FileManager` throws when the folder can't be made.
    public init(label: String) throws {
        let url = ProcessGuard.shared.folder.appendingPathComponent("\(label)-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: url, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        path = url.path
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// The path of something in the folder, whether it exists or not.
    public func path(of name: String) -> String {
        "\(path)/\(name)"
    }

    /// Writes a file into the folder, readable by this user only, and returns its path.
    @discardableResult
    public func write(_ contents: String, to name: String) throws -> String {
        let destination = path(of: name)
        let attributes: [FileAttributeKey: Any] = [.posixPermissions: 0o600]
        guard FileManager.default.createFile(atPath: destination, contents: Data(contents.utf8), attributes: attributes)
        else { throw TestSupportError("cannot write \(destination)") }
        return destination
    }
}
