/// The place where an instance serves a protocol. A provider that registers anew under another name keeps its endpoint.
package struct Endpoint: Hashable, Sendable, Comparable {
    package var host: InstanceHost
    package var port: UInt16
    package var `protocol`: PortProtocol

    package init(host: InstanceHost, port: UInt16, protocol: PortProtocol) {
        self.host = host
        self.port = port
        self.protocol = `protocol`
    }

    package static func < (left: Endpoint, right: Endpoint) -> Bool {
        (left.host, left.port, left.protocol) < (right.host, right.port, right.protocol)
    }
}

extension Instance {
    package var endpoint: Endpoint { Endpoint(host: host, port: port, protocol: `protocol`) }
}
