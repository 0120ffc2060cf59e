import Concurrency
import Foundation
import JSON
import Logging
import Synchronization
import Testing

@testable import Kubernetes

let configMaps = ResourceType(group: "", version: "v1", plural: "configmaps", kind: "ConfigMap")
let serviceEntries = ResourceType(
    group: "networking.istio.io", version: "v1", plural: "serviceentries", kind: "ServiceEntry")

func json(_ text: String) throws -> JSONValue {
    try JSONValue(parsing: Array(text.utf8))
}

func objectText(_ name: String, version: String) -> String {
    #"{"metadata":{"name":"\#(name)","namespace":"ns","uid":"u-\#(name)","resourceVersion":"\#(version)"}}"#
}

/// Waits until another task has made the condition true.
func until(_ isTrue: () async throws -> Bool) async throws {
    while try await !isTrue() {
        try await Task.sleep(for: .milliseconds(2))
    }
}

func object(_ name: String, version: String = "1") throws -> APIObject {
    try #require(APIObject(json(objectText(name, version: version))))
}

func listText(_ names: [String], version: String, continuing token: String? = nil) -> String {
    let items = names.map { objectText($0, version: "1") }.joined(separator: ",")
    let next = token.map { #","continue":"\#($0)""# } ?? ""
    return #"{"kind":"List","metadata":{"resourceVersion":"\#(version)"\#(next)},"items":[\#(items)]}"#
}

func eventText(_ type: String, _ name: String, version: String) -> String {
    #"{"type":"\#(type)","object":\#(objectText(name, version: version))}"#
}

func bookmarkText(version: String) -> String {
    #"{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"\#(version)"}}}"#
}

let expiredText = #"{"kind":"Status","status":"Failure","message":"too old","reason":"Expired","code":410}"#

/// Runs the body with a client, and shuts the client down.
func withClient<Result: Sendable>(
    _ configuration: ClusterConfiguration,
    options: KubernetesClient.Options = .init(),
    logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
    clock: some Clock<Duration> = ContinuousClock(),
    _ body: @Sendable (KubernetesClient) async throws -> Result
) async throws -> Result {
    let client = try KubernetesClient(
        configuration, userAgent: "test/1", options: options, logger: logger, clock: clock)
    let outcome: Swift.Result<Result, any Error>
    do { outcome = .success(try await body(client)) } catch { outcome = .failure(error) }
    await client.shutdown()
    return try outcome.get()
}

/// Runs the operation and returns the error that it throws.
func failure<Result>(_ operation: () async throws(KubernetesError) -> Result) async throws -> KubernetesError {
    do {
        _ = try await operation()
    } catch {
        return error
    }
    throw NothingThrown()
}

struct NothingThrown: Error {}

/// Runs the body with a temporary folder that holds the given files.
func withFiles<Result>(_ files: [String: String], _ body: (String) async throws -> Result) async throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appending(path: "kubernetes-tests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, text) in files { try Data(text.utf8).write(to: folder.appending(path: name)) }
    return try await body(folder.path())
}

/// A clock that ends waits of up to a minute, such as backoff, at once. A longer wait, such as the time limit of a
/// request, never ends.
final class SkippingClock: Clock, Sendable {
    struct Instant: InstantProtocol {
        var elapsed: Duration
        func advanced(by duration: Duration) -> Self { Self(elapsed: elapsed + duration) }
        func duration(to other: Self) -> Duration { other.elapsed - elapsed }
        static func < (left: Self, right: Self) -> Bool { left.elapsed < right.elapsed }
    }

    private let time = Mutex(Instant(elapsed: .zero))

    var now: Instant { time.withLock { $0 } }
    var minimumResolution: Duration { .nanoseconds(1) }

    func advance(by duration: Duration) {
        time.withLock { $0 = $0.advanced(by: duration) }
    }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        try Task.checkCancellation()
        guard now.duration(to: deadline) <= .seconds(60) else { return try await Task.sleep(for: .seconds(3600)) }
        time.withLock { $0 = max($0, deadline) }
    }
}

/// A clock that only the test advances.
final class ManualClock: Clock, Sendable {
    typealias Instant = SkippingClock.Instant

    private let state = Mutex((time: Instant(elapsed: .zero), sleepers: 0))
    private let moved = EventCount()

    var now: Instant { state.withLock { $0.time } }
    var minimumResolution: Duration { .nanoseconds(1) }

    /// Waits until a task sleeps, and advances the time.
    func advance(by duration: Duration) async throws {
        try await until { state.withLock { $0.sleepers > 0 } }
        state.withLock { $0.time = $0.time.advanced(by: duration) }
        moved.signal()
    }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        state.withLock { $0.sleepers += 1 }
        defer { state.withLock { $0.sleepers -= 1 } }
        while true {
            try Task.checkCancellation()
            let ticket = moved.ticket
            if now >= deadline { return }
            await moved.wait(after: ticket)
        }
    }
}
