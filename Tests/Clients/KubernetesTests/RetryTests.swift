import Synchronization
import Testing

@testable import Kubernetes

@Suite("An operation that is retried", .timeLimit(.minutes(1)))
struct RetryTests {
    private func attempts(
        _ errors: [KubernetesError], attempts: Int = 5, whenOutcomeUnknown: Bool = false
    ) async throws -> (made: Int, error: KubernetesError?, waited: Duration) {
        let clock = SkippingClock()
        let made = Atomic(0)
        let error = try await withClient(ClusterConfiguration(server: "http://127.0.0.1:1"), clock: clock) { client in
            do throws(KubernetesError) {
                try await client.retrying(attempts: attempts, whenOutcomeUnknown: whenOutcomeUnknown) {
                    () async throws(KubernetesError) in
                    let number = made.add(1, ordering: .relaxed).oldValue
                    if number < errors.count { throw errors[number] }
                }
            } catch {
                return error as KubernetesError?
            }
            return nil
        }
        return (made.load(ordering: .relaxed), error, clock.now.elapsed)
    }

    private func error(
        _ code: KubernetesError.Code, retryAfter: Duration? = nil, isOutcomeUnknown: Bool = false
    ) -> KubernetesError {
        KubernetesError(code: code, message: "", retryAfter: retryAfter, isOutcomeUnknown: isOutcomeUnknown)
    }

    @Test("waits as long as the server asks for")
    func retryAfter() async throws {
        let (made, error, waited) = try await attempts([
            error(.tooManyRequests, retryAfter: .seconds(20)), error(.unavailable),
        ])
        #expect(made == 3)
        #expect(error == nil)
        #expect(waited >= .seconds(20) + .milliseconds(1600))
        #expect(waited < .seconds(24))
    }

    @Test("fails after its last attempt")
    func limit() async throws {
        let (made, error, _) = try await attempts(
            Array(repeating: error(.unreachable), count: 9), attempts: 3)
        #expect(made == 3)
        #expect(error?.code == .unreachable)
    }

    @Test(
        "is not one with a lasting failure",
        arguments: [.invalid, .forbidden, .conflict, .notFound, .serverError] as [KubernetesError.Code])
    func permanent(code: KubernetesError.Code) async throws {
        #expect(try await attempts([error(code)]).made == 1)
    }

    @Test("is not a write that may have been carried out, unless that does no harm")
    func unknownOutcome() async throws {
        let lost = error(.connectionLost, isOutcomeUnknown: true)
        #expect(try await attempts([lost]).made == 1)
        #expect(try await attempts([lost], whenOutcomeUnknown: true).made == 2)
    }

    @Test("is one for which the server sends Retry-After, whatever the status")
    func namedTime() async throws {
        #expect(try await attempts([error(.serverError, retryAfter: .seconds(1))]).made == 2)
    }
}
