/// Something that each direction of a connection has for itself.
struct BothWays<Value> {
    var toUpstream: Value
    var toClient: Value

    init(_ value: Value) {
        toUpstream = value
        toClient = value
    }

    subscript(direction: ChaosProxy.Direction) -> Value {
        get {
            switch direction {
            case .toUpstream: toUpstream
            case .toClient: toClient
            }
        }
        _modify {
            switch direction {
            case .toUpstream: yield &toUpstream
            case .toClient: yield &toClient
            }
        }
    }
}

extension BothWays: Sendable where Value: Sendable {}
