/// A configuration that can't be used: the place, the reason, and what to do.
package struct ConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// `file:line:column`, or the flag.
    package var place: String
    package var message: String

    package init(place: String, message: String) {
        self.place = place
        self.message = message
    }

    package var description: String { "\(place): \(message)" }
}
