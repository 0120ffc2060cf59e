internal import JSON
internal import NIOCore
internal import NIOHTTP1

/// The answer to a watch: events, one to a line, for as long as the client stays and the timeout allows.
struct APIServerWatch: Sendable {
    /// When the client doesn't say how long. The API server takes 30 to 60 minutes.
    private static let defaultTimeout = Duration.seconds(1800)

    let server: APIServer
    let watch: ResourceStore.Watch
    let initialEvents: [ResourceStore.Event]
    let options: ResourceStore.Options
    let presentation: APIServerPresentation

    func run<C: Clock<Duration>>(
        on outbound: APIServerConnection.Writer, version: HTTPVersion, epoch: Int, clock: C
    ) async throws {
        let end = clock.now.advanced(by: options.timeout ?? Self.defaultTimeout)
        var nextBookmark = clock.now.advanced(by: server.settings.bookmarkInterval)
        var watch = watch

        var head = HTTPResponseHead(version: version, status: .ok)
        head.headers.add(name: "Content-Type", value: "application/json")
        head.headers.add(name: "Transfer-Encoding", value: "chunked")
        try await outbound.write(.head(head))

        var lines = initialEvents.map(presentation.event)
        if options.sendsInitialEvents, options.allowsBookmarks {
            lines.append(presentation.bookmark(resourceVersion: watch.cursor, endsInitialEvents: true))
        }
        try await write(lines, on: outbound)

        serving: while await server.watchEpoch == epoch {
            let events: [ResourceStore.Event]
            do throws(APIServerStatus) {
                (watch, events) = try await server.advance(watch)
            } catch {
                try await write([APIServerPresentation.error(error)], on: outbound)
                break serving
            }
            try await write(events.map(presentation.event), on: outbound)
            if clock.now >= end {
                // So that the next watch starts as late in the history as it can.
                if options.allowsBookmarks {
                    try await write([presentation.bookmark(resourceVersion: watch.cursor)], on: outbound)
                }
                break serving
            }
            if clock.now >= nextBookmark {
                nextBookmark = clock.now.advanced(by: server.settings.bookmarkInterval)
                if options.allowsBookmarks {
                    try await write([presentation.bookmark(resourceVersion: watch.cursor)], on: outbound)
                }
            }
            try await waitForChange(
                after: watch.cursor, epoch, until: options.allowsBookmarks ? min(end, nextBookmark) : end, clock)
        }
        try await outbound.write(.end(nil))
    }

    private func write(_ lines: [JSONValue], on outbound: APIServerConnection.Writer) async throws {
        guard !lines.isEmpty else { return }
        var bytes: [UInt8] = []
        for line in lines {
            line.write(to: &bytes)
            bytes.append(UInt8(ascii: "\n"))
        }
        try await outbound.write(.body(.byteBuffer(ByteBuffer(bytes: bytes))))
    }

    private func waitForChange<C: Clock<Duration>>(
        after cursor: UInt64, _ epoch: Int, until deadline: C.Instant, _ clock: C
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.waitForChange(after: cursor, epoch: epoch) }
            group.addTask { try await clock.sleep(until: deadline, tolerance: nil) }
            try await group.next()
            group.cancelAll()
        }
    }
}
