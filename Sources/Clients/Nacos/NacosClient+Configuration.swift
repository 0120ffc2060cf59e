extension NacosClient {
    /// The settings of a client.
    package struct Configuration: Sendable {
        /// The servers of one cluster. Ignored where `addressServer` is set.
        package var servers: [NacosServer] = []
        /// A service that tells the servers, one `host:port` a line, such as `http://acm:8080/nacos/serverlist`. It is
        /// asked every 30 s.
        package var addressServer: String?
        /// The gRPC port of every server of the address server; `nil` for the port 1,000 above its main port.
        package var grpcPort: Int?
        /// The id of the namespace. The public one is `public`.
        package var namespace = "public"
        /// The path before every HTTP request.
        package var contextPath = "/nacos"
        package var credentials = Credentials.none
        /// TLS for gRPC and for HTTP; `nil` for none.
        package var tls: TLS?
        /// The time from a request to its answer. Default 3 s, as Nacos' own client has it.
        package var requestTimeout = Duration.seconds(3)
        /// The longest accepted answer in bytes. Nacos' own limit is 10 MiB.
        package var replyLimit = 10 << 20
        /// The largest number of requests under way.
        package var maximumOutstandingRequests = 4_096
        /// The largest number of subscriptions.
        package var maximumSubscriptions = 200_000
        /// Whether the client makes the subscriptions of earlier connections again by itself. Without it, `connected`
        /// says when to subscribe anew. Fuzzy watches and listening are always made again.
        package var resubscribes = true
        /// The largest number of subscriptions that the client makes again at once.
        package var redoWindow = 64

        package init(servers: [NacosServer] = []) {
            self.servers = servers
        }
    }

    /// Who the client is. The closures are called for each login, so a rotated secret needs no restart. They may block.
    package enum Credentials: Sendable {
        case none
        case password(user: String, password: @Sendable () throws -> String)
        /// Access keys of Alibaba's MSE, which sign each request.
        case keys(accessKey: String, secretKey: @Sendable () throws -> String)
    }

    /// The files and names of TLS. The files are read for every connection.
    package struct TLS: Sendable {
        /// The trusted authorities, in PEM; `nil` for those of the system.
        package var authorityFile: String?
        /// The client's certificate and its key, in PEM without a passphrase.
        package var identity: (certificateFile: String, keyFile: String)?
        /// The name that the server's certificate must have; `nil` for the host of the connection.
        package var serverName: String?
        /// Whether the certificate must name the server. The authority is always verified.
        package var verifiesHostName = true

        package init() {}
    }
}
