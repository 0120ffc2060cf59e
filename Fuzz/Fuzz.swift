import Dubbo
import JSON
import Kubernetes
// One program for every decoder that reads bytes from outside; the first byte of an input says which one it is for.
// `scripts/fuzz` builds and runs it.
import Services
import Snapshot
import ZooKeeper

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let input = UnsafeRawBufferPointer(start: start, count: count)
    guard let selector = input.first else { return 0 }
    let bytes = UnsafeRawBufferPointer(rebasing: input.dropFirst())
    switch selector % 5 {
    case 0: fuzzZooKeeperDecoders(bytes)
    case 1: fuzzWatchDecoder(bytes)
    case 2: fuzzJSON(bytes)
    case 3: fuzzProviderURL(bytes)
    default: fuzzSnapshot(bytes)
    }
    return 0
}

/// What was read is written and read again, and must be the same.
private func fuzzJSON(_ bytes: UnsafeRawBufferPointer) {
    guard let value = try? JSONValue(parsing: bytes) else { return }
    precondition((try? JSONValue(parsing: value.bytes)) == value, "a document changed on its way through its own bytes")
}

private func fuzzProviderURL(_ bytes: UnsafeRawBufferPointer) {
    let node = String(decoding: bytes, as: UTF8.self)
    let decoder = ProviderDecoder(keptParameters: ["version", "region"])
    if case .instance(let id, let instance) = decoder.decode(node: node, interface: "com.acme.Orders") {
        precondition(instance.port > 0, "an instance without a port")
        precondition(ServiceID(id.description) == id, "a service that its own text does not name")
    }
    _ = ProviderDecoder.withoutSecrets(node: node)
    _ = ProviderDecoder.interface(directory: node)
}

/// A record that was read is written and read again, and must be the same.
private func fuzzSnapshot(_ bytes: UnsafeRawBufferPointer) {
    _ = try? SnapshotDecoder.decode(bytes)
    guard let record = try? SnapshotRecord(parsing: bytes) else { return }
    precondition((try? SnapshotRecord(parsing: record.line)) == record, "a record changed on its way through its line")
}
