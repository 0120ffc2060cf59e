package import IstioAPI
internal import Synchronization

/// The protocol that an instance speaks on its port: the name that its users give it, and what it is to Istio.
///
/// A value is two bytes long, since there may be a million instances. It is the number of an entry in a table of the
/// process. The table only grows; formats and the configuration name its entries, and a registry can't.
package struct PortProtocol: Hashable, Sendable {
    private let number: UInt16

    /// - Parameter name: A DNS label, such as `tri`.
    package init(_ name: String, _ istioProtocol: IstioProtocol) {
        number = Self.table.withLock { $0.number(of: name, istioProtocol) }
    }

    package var name: String { entry.name }

    package var istioProtocol: IstioProtocol { entry.istioProtocol }

    /// The name of a service's port. istiod reads the protocol from its beginning: `tcp-dubbo`, `grpc`.
    package var portName: String { entry.portName }

    private var entry: Entry { Self.table.withLock { $0.entries[Int(number)] } }

    private static let table = Mutex(Table())

    private struct Entry: Sendable {
        var name: String
        var istioProtocol: IstioProtocol
        var portName: String

        init(_ name: String, _ istioProtocol: IstioProtocol) {
            self.name = name
            self.istioProtocol = istioProtocol
            let prefix = istioProtocol.portNamePrefix
            portName = name == prefix ? name : "\(prefix)-\(name)"
        }
    }

    private struct Table {
        var entries: [Entry] = []

        mutating func number(of name: String, _ istioProtocol: IstioProtocol) -> UInt16 {
            let known = entries.firstIndex { $0.name == name && $0.istioProtocol == istioProtocol }
            if let known { return UInt16(known) }
            entries.append(Entry(name, istioProtocol))
            return UInt16(entries.count - 1)
        }
    }
}

extension PortProtocol: Comparable {
    package static func < (left: PortProtocol, right: PortProtocol) -> Bool {
        if left == right { return false }
        let (left, right) = (left.entry, right.entry)
        return (left.name, left.istioProtocol.rawValue) < (right.name, right.istioProtocol.rawValue)
    }
}

extension PortProtocol: CustomStringConvertible {
    package var description: String { name }
}
