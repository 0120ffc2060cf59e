import AsyncHTTPClient
import Bridge
import Console
import Foundation
import JSON
import NIOCore
import NIOHTTP1
import NIOPosix
import Status
import SystemPackage

/// Sends requests to the admin endpoint of a running bridge.
struct AdminClient {
    /// A status is far smaller.
    private static let maximumBytes = 16 << 20

    let admin: BridgeConfiguration.Admin

    /// - Parameter path: The path, percent-encoded.
    /// - Returns: The JSON document of a success. Anything else ends the program with exit code 1.
    func send(_ method: HTTPMethod, _ path: String, token: String? = nil) async throws -> Data {
        var request = HTTPClientRequest(url: "http://\(reachable.address)\(path)")
        request.method = method
        if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow, timeout: .init(connect: .seconds(5), read: .seconds(10)))
        configuration.httpVersion = .http1Only
        configuration.connectionPool.retryConnectionEstablishment = false
        let http = HTTPClient(configuration: configuration)
        let reply: (status: HTTPResponseStatus, body: ByteBuffer)
        do {
            let response = try await http.execute(request, timeout: .seconds(15))
            reply = (response.status, try await response.body.collect(upTo: Self.maximumBytes))
            try await http.shutdown()
        } catch {
            try? await http.shutdown()
            throw failure(
                .failed,
                """
                no bridge answers at \(admin.address): \(Self.explain(error)); is 'isthmus run' running, with 'admin' \
                in its configuration?
                """)
        }
        let document = Data(reply.body.readableBytesView)
        guard (try? JSONValue(parsing: document)) != nil else {
            throw failure(
                .failed, "another program than a bridge answers at \(admin.address) (HTTP \(reply.status.code))")
        }
        guard reply.status == .ok else {
            let reason = (try? AdminEndpoint.Refusal(decoding: document))?.error ?? "\(reply.status)"
            throw failure(.failed, "the bridge at \(admin.address) refused: \(reason)")
        }
        return document
    }

    /// A bridge that listens on every address is reached on the loopback.
    private var reachable: BridgeConfiguration.Admin {
        var reachable = admin
        switch admin.host {
        case "0.0.0.0": reachable.host = "127.0.0.1"
        case "::": reachable.host = "::1"
        default: break
        }
        return reachable
    }

    private static func explain(_ error: any Error) -> String {
        switch error {
        case let error as IOError: "\(Errno(rawValue: error.errnoCode))"
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { explain($0.error) } ?? "the host name can't be resolved"
        case is SocketAddressError: "the host name can't be resolved"
        case let error as HTTPClientError where [.connectTimeout, .readTimeout, .deadlineExceeded].contains(error):
            "no reply came in time"
        case ChannelError.connectTimeout: "no connection came about in time"
        case is HTTPClientError, is HTTPParserError: "what listens there does not speak HTTP"
        default: "the exchange failed (\(type(of: error)))"
        }
    }
}
