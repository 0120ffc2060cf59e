internal import FoundationEssentials

/// Files that a configuration consists of, or names.
package enum ConfigurationFile {
    /// The whole text of a file. Blocks the thread.
    /// - Throws: `ConfigurationError` for a file that is not there, may not be read, or is not UTF-8.
    package static func text(of path: String) throws(ConfigurationError) -> String {
        do {
            return try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw ConfigurationError(place: path, message: "the file can't be read as UTF-8 text: \(error)")
        }
    }
}
