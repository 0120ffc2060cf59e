internal import Declarations
internal import Etcd
package import Logging
internal import Settings
package import Sources

extension EtcdKind: DetectingKind {
    private static let keyLimit: Int64 = 10_000

    package func detect(url: String, logger: Logger) async throws -> DetectedConventions {
        let url = try EtcdURL(url)
        let client = EtcdClient(EtcdClient.Configuration(servers: url.servers), logger: logger)
        let sample = try await client.withConnection { () throws(EtcdError) in
            try await client.sample(EtcdKeyRange(prefix: url.prefix), limit: Self.keyLimit)
        }
        let found = Detection.conventions(
            of: sample.entries.map(\.entry), servers: url.servers.map(\.description))
        return DetectedConventions(conventions: found, keys: sample.entries.count, hasMore: sample.hasMore)
    }
}

extension EtcdClient {
    /// Runs a body with the first connection that stands.
    fileprivate func withConnection<Value: Sendable>(
        _ body: @escaping @Sendable () async throws(EtcdError) -> Value
    ) async throws(ReadFailure) -> Value {
        let events = AsyncStream.makeStream(of: Event.self, bufferingPolicy: .bufferingNewest(1))
        let result = await withTaskGroup(of: Void.self) { group -> Result<Value, ReadFailure> in
            group.addTask { await self.run { events.continuation.yield($0) } }
            defer { group.cancelAll() }
            for await event in events.stream {
                switch event {
                case .disconnected(let reason): return .failure(ReadFailure(.disconnected, reason: reason))
                case .connected:
                    do throws(EtcdError) {
                        return .success(try await body())
                    } catch {
                        return .failure(ReadFailure(error.cause, reason: "\(error)"))
                    }
                }
            }
            return .failure(ReadFailure(.disconnected, reason: "the command was stopped"))
        }
        return try result.get()
    }
}
