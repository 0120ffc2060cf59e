internal import Concurrency

extension Backoff {
    /// The backoff of repeated requests: 0.8 s to 1.6 s after the first failure, 15 s to 30 s at most.
    static let ofRequests = Backoff(from: .milliseconds(1_600), to: .seconds(30))
}
