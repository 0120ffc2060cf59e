/// The place where an instance serves its service. A provider that registers anew under another name keeps its
/// endpoint.
package struct Endpoint: Hashable, Sendable, Comparable {
    package var host: InstanceHost
    package var port: UInt16

    package init(host: InstanceHost, port: UInt16) {
        self.host = host
        self.port = port
    }

    package static func < (left: Endpoint, right: Endpoint) -> Bool {
        (left.host, left.port) < (right.host, right.port)
    }
}

extension Instance {
    package var endpoint: Endpoint { Endpoint(host: host, port: port) }
}
