internal import Addressing
package import HTTP
internal import JSON
package import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// Asks one Eureka server for what is registered there.
///
/// It keeps connections and no state.
package struct EurekaClient: Sendable {
    package struct Configuration: Sendable {
        /// The servers of one registry, by the URLs that clients take, such as `http://eureka-1:8761/eureka`.
        package var servers: [HTTPServer]
        package var tls: TLSOptions?
        /// For Basic authentication; `nil` for nobody.
        package var user: String?
        /// Reads the password. It may block, and is called for each new connection.
        package var password: @Sendable () throws -> String
        package var requestTimeout = Duration.seconds(15)
        /// Of an answer, decompressed: 1 KB an instance.
        package var replyLimit = 256 << 20

        package init(servers: [HTTPServer]) {
            self.servers = servers
            password = { "" }
        }
    }

    package let server: HTTPServer
    private let configuration: Configuration
    private let exchange: HTTPExchange
    private let headers: [HTTPRequest.Pair]
    private let url: String

    /// Reads the password and the files of TLS.
    ///
    /// - Throws: `EurekaError` with `configuration` where one of them can't be used.
    package static func connecting(
        to server: HTTPServer, _ configuration: Configuration,
        eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) async throws(EurekaError) -> EurekaClient {
        do {
            return try await NIOThreadPool.singleton.runIfActive {
                try EurekaClient(server, configuration, eventLoopGroup)
            }
        } catch let error as EurekaError {
            throw error
        } catch {
            throw EurekaError(.configuration, "\(error)")
        }
    }

    private init(_ server: HTTPServer, _ configuration: Configuration, _ group: any EventLoopGroup) throws {
        self.server = server
        self.configuration = configuration
        var settings = HTTPExchange.Settings()
        settings.tls = server.isSecure ? configuration.tls ?? TLSOptions() : nil
        settings.connections = 4
        settings.replyLimit = configuration.replyLimit
        settings.takesGzip = true
        let name = settings.tls?.serverName
        if let name { settings.standIns = [name: server.address.host] }
        url = server.url(serverName: name)
        do throws(HTTPFailure) {
            exchange = try HTTPExchange(settings, group)
        } catch {
            throw EurekaError(error)
        }
        // XML is what a server gives to who does not ask for JSON, and `compact` leaves metadata out.
        var headers: [HTTPRequest.Pair] = [
            (name: "Accept", value: "application/json"), (name: "X-Eureka-Accept", value: "full"),
            (name: "DiscoveryIdentity-Name", value: "isthmus"),
        ]
        if let user = configuration.user {
            let credentials = try "\(user):\(configuration.password())"
            headers.append((name: "Authorization", value: "Basic \(credentials.base64)"))
        }
        self.headers = headers
    }

    /// Everything that is registered.
    package func all() async throws(EurekaError) -> EurekaDocument {
        try await read("/apps")
    }

    /// What changed in the last three minutes. The same change is told again and again.
    ///
    /// - Throws: `EurekaError` with `unsupported` where the server does not tell of changes.
    package func changes() async throws(EurekaError) -> EurekaDocument {
        try await read("/apps/delta")
    }

    private func read(_ path: String) async throws(EurekaError) -> EurekaDocument {
        let answer: HTTPAnswer
        do throws(HTTPFailure) {
            answer = try await exchange.send(
                HTTPRequest(path: path, headers: headers), to: url, within: configuration.requestTimeout)
        } catch {
            throw EurekaError(error)
        }
        guard answer.status == 200 else { throw EurekaError(status: answer.status, path: path) }
        return try Self.read(answer)
    }

    static func read(_ answer: HTTPAnswer) throws(EurekaError) -> EurekaDocument {
        let json: JSONValue
        do throws(HTTPFailure) {
            json = try answer.json()
        } catch {
            throw EurekaError(error)
        }
        guard var document = EurekaDocument(json) else {
            throw EurekaError(.malformedReply, "the answer is not what the API says; does the URL end in '/eureka'?")
        }
        document.serverTime = answer.headers.first(name: "Date").flatMap(HTTPDate.milliseconds)
        return document
    }
}

extension String {
    /// Base64 of the bytes (RFC 4648).
    fileprivate var base64: String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        let bytes = Array(utf8)
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<Swift.min(start + 3, bytes.count)]
            let bits = group.enumerated().reduce(0) { $0 | Int($1.element) << (16 - 8 * $1.offset) }
            for place in 0..<4 {
                text.append(place <= group.count ? alphabet[bits >> (18 - 6 * place) & 63] : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
