/// Whether this replica may write.
package protocol Leadership: Sendable {
    /// Asked right before each write: `false` from the moment on at which another replica may have begun.
    var isLeading: Bool { get }
}
