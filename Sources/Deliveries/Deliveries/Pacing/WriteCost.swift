/// What one write asks of a server: its latency, which depends on how busy the server is and on how much was written.
package struct WriteCost: Sendable {
    /// A kube-apiserver takes about as long for so much JSON as for the rest of a write.
    private static let bytesPerUnit = 32768.0

    package var bytes: Int
    package var latency: Duration

    package init(bytes: Int, latency: Duration) {
        self.bytes = bytes
        self.latency = latency
    }

    /// How many small writes it counts for.
    var weight: Double { 1 + Double(bytes) / Self.bytesPerUnit }
    /// How long a small one would have taken, in seconds.
    var unitLatency: Double { max(latency / .seconds(1), 0) / weight }
}
