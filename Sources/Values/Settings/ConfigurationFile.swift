internal import FoundationEssentials

/// The files of a configuration: its own, and those that it names.
package enum ConfigurationFile {
    /// Reads the whole text of a file. It blocks the thread.
    /// - Throws: `ConfigurationError` for a file that is missing, may not be read, or is not UTF-8.
    package static func text(of path: String) throws(ConfigurationError) -> String {
        do {
            return try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw ConfigurationError(place: path, message: "the file can't be read as UTF-8 text: \(error)")
        }
    }
}
