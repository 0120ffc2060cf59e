import Foundation
import JSON
import NIOCore
import NIOHTTP1
import NIOPosix
import Sandbox
import Synchronization

/// Repeatable random numbers (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// A store whose identifiers are `uid-00001`, `uid-00002` and so on, and whose clock the test owns.
struct TestStore {
    var store: ResourceStore
    var now = Date(timeIntervalSince1970: 1_700_000_000)

    init(historyLimit: Int = 4096, namespaces: [String] = ["default", "other"]) {
        let counter = Counter()
        store = ResourceStore(
            namespaces: namespaces, historyLimit: historyLimit, now: now,
            uid: { "uid-\(String(100_000 + counter.next()).dropFirst())" })
    }

    private final class Counter: Sendable {
        private let count = Mutex(0)
        func next() -> Int {
            count.withLock {
                $0 += 1
                return $0
            }
        }
    }

    @discardableResult
    mutating func handle(_ request: ResourceStore.Request) throws(APIServerStatus) -> ResourceStore.Reply {
        try store.handle(request, now: now)
    }

    /// The object in the reply to a write or a get.
    @discardableResult
    mutating func object(_ request: ResourceStore.Request) throws -> JSONObject {
        switch try handle(request) {
        case .object(let object), .created(let object): return object
        default: throw UnexpectedReply()
        }
    }

    mutating func list(
        _ kind: ResourceStore.Kind = .serviceEntry, namespace: String? = nil,
        options: ResourceStore.Options = ResourceStore.Options()
    ) throws -> ResourceStore.List {
        guard case .list(let list) = try handle(.init(.list, kind, namespace: namespace, options: options)) else {
            throw UnexpectedReply()
        }
        return list
    }

    mutating func watch(
        from resourceVersion: String?, labels: String? = nil, namespace: String? = nil,
        kind: ResourceStore.Kind = .serviceEntry
    ) throws -> (ResourceStore.Watch, [ResourceStore.Event]) {
        var options = ResourceStore.Options()
        options.resourceVersion = resourceVersion
        options.selector = try ResourceStore.Selector(labels: labels, fields: nil)
        guard
            case .watch(let watch, let events) = try handle(.init(.watch, kind, namespace: namespace, options: options))
        else { throw UnexpectedReply() }
        return (watch, events)
    }
}

struct UnexpectedReply: Error {}

/// A valid ServiceEntry, as a client sends it.
func serviceEntry(
    _ name: String, labels: [String: String] = [:], hosts: [String] = ["demo.example"],
    resourceVersion: String? = nil
) -> JSONValue {
    var metadata = JSONObject(["name": .string(name)])
    if !labels.isEmpty { metadata["labels"] = JSONValue(strings: labels) }
    metadata["resourceVersion"] = resourceVersion.map(JSONValue.string)
    return [
        "apiVersion": "networking.istio.io/v1", "kind": "ServiceEntry", "metadata": .object(metadata),
        "spec": [
            "hosts": .array(hosts.map(JSONValue.string)), "location": "MESH_INTERNAL", "resolution": "STATIC",
            "ports": [["number": 20880, "name": "tcp-dubbo", "protocol": "TCP"]],
            "endpoints": [["address": "10.0.0.1"]],
        ],
    ]
}

extension ResourceStore.Request {
    static func create(_ object: JSONValue, namespace: String = "default") -> Self {
        Self(.create, .serviceEntry, namespace: namespace, body: object)
    }

    static func patch(_ name: String, _ patch: JSONValue, namespace: String = "default") -> Self {
        Self(.patch, .serviceEntry, namespace: namespace, name: name, body: patch)
    }

    static func delete(_ name: String, preconditions: [String: String] = [:], namespace: String = "default") -> Self {
        let options: JSONValue = ["preconditions": JSONValue(strings: preconditions)]
        return Self(.delete, .serviceEntry, namespace: namespace, name: name, body: options)
    }
}

extension JSONObject {
    var version: String? { self["metadata"]?["resourceVersion"]?.string }
    var name: String? { self["metadata"]?["name"]?.string }
}

/// One HTTP/1.1 connection of a client that adds nothing of its own.
struct TestConnection {
    typealias Channel = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>

    struct Answer: Equatable {
        var status: Int
        var headers: HTTPHeaders
        var body: [UInt8]
        var json: JSONValue? { try? JSONValue(parsing: body) }
    }

    fileprivate var parts: NIOAsyncChannelInboundStream<HTTPClientResponsePart>.AsyncIterator
    fileprivate let writer: NIOAsyncChannelOutboundWriter<HTTPClientRequestPart>
    private var unread: [UInt8] = []

    fileprivate init(
        parts: NIOAsyncChannelInboundStream<HTTPClientResponsePart>.AsyncIterator,
        writer: NIOAsyncChannelOutboundWriter<HTTPClientRequestPart>
    ) {
        self.parts = parts
        self.writer = writer
    }

    func send(
        _ method: HTTPMethod, _ path: String, headers: [(String, String)] = [], body: JSONValue? = nil
    ) async throws {
        var head = HTTPRequestHead(version: .http1_1, method: method, uri: path)
        head.headers.add(name: "Host", value: "localhost")
        let bytes = body?.bytes ?? []
        if body != nil {
            let type = method == .PATCH ? "application/merge-patch+json" : "application/json"
            head.headers.add(name: "Content-Type", value: type)
            head.headers.add(name: "Content-Length", value: String(bytes.count))
        }
        for (name, value) in headers { head.headers.replaceOrAdd(name: name, value: value) }
        try await writer.write(
            contentsOf: [.head(head), .body(.byteBuffer(ByteBuffer(bytes: bytes))), .end(nil)])
    }

    /// A whole answer; `nil` when the connection was closed without one.
    mutating func receive() async throws -> Answer? {
        guard var answer = try await receiveHead() else { return nil }
        while let part = try await parts.next() {
            switch part {
            case .body(let bytes): answer.body += bytes.readableBytesView
            case .end: return answer
            case .head: throw UnexpectedReply()
            }
        }
        return nil
    }

    mutating func receiveHead() async throws -> Answer? {
        guard case .head(let head)? = try await parts.next() else { return nil }
        return Answer(status: Int(head.status.code), headers: head.headers, body: [])
    }

    /// The next line of a watch; `nil` at its orderly end.
    mutating func line() async throws -> JSONValue? {
        while true {
            if let end = unread.firstIndex(of: UInt8(ascii: "\n")) {
                defer { unread.removeFirst(end + 1) }
                return try JSONValue(parsing: unread[..<end])
            }
            switch try await parts.next() {
            case .body(let bytes)?: unread += bytes.readableBytesView
            case .end?: return nil
            case .head?, nil: throw UnexpectedReply()
            }
        }
    }

    mutating func request(
        _ method: HTTPMethod, _ path: String, headers: [(String, String)] = [], body: JSONValue? = nil
    ) async throws -> Answer? {
        try await send(method, path, headers: headers, body: body)
        return try await receive()
    }
}

func withConnection<Result: Sendable>(
    to server: APIServer, _ body: (inout TestConnection) async throws -> Result
) async throws -> Result {
    let address = try await server.address
    let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
        .connect(host: address.host, port: address.port) { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHTTPClientHandlers()
                return try TestConnection.Channel(wrappingChannelSynchronously: channel)
            }
        }
    return try await channel.executeThenClose { inbound, outbound in
        var connection = TestConnection(parts: inbound.makeAsyncIterator(), writer: outbound)
        return try await body(&connection)
    }
}
