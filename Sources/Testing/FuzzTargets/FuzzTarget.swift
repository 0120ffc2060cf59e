internal import Consul
internal import Dubbo
internal import Eureka
internal import GRPC
internal import JSON
internal import Kubernetes
internal import NIOCore
internal import Nacos
internal import Services
internal import Snapshot
internal import ZooKeeper

/// The decoders that read bytes from outside, as a fuzzer sees them: any bytes go in, and nothing may crash or
/// contradict itself.
///
/// The first byte of an input says which decoder it is for.
package enum FuzzTarget: UInt8, CaseIterable, Sendable {
    case zooKeeper
    case watch
    case json
    case providerURL
    case snapshot
    case serviceText
    case nacos
    case grpc
    case consul
    case eureka

    /// Decodes an input.
    /// - Returns: What the decoder did wrong; `nil` where all is well.
    package static func run(_ input: UnsafeRawBufferPointer) -> String? {
        guard let selector = input.first, let target = FuzzTarget(rawValue: selector % UInt8(allCases.count)) else {
            return nil
        }
        let bytes = UnsafeRawBufferPointer(rebasing: input.dropFirst())
        switch target {
        case .zooKeeper: fuzzZooKeeperDecoders(bytes)
        case .watch: fuzzWatchDecoder(bytes)
        case .json: return defectOfJSON(bytes)
        case .providerURL: return defectOfProviderURL(bytes)
        case .snapshot: return defectOfSnapshot(bytes)
        case .serviceText: return defectOfServiceText(bytes)
        case .nacos: return defectOfNacos(bytes)
        case .grpc: return defectOfGRPC(bytes)
        case .consul: return defectOfConsul(bytes)
        case .eureka: return defectOfEureka(bytes)
        }
        return nil
    }

    /// A document that was read is written and read again, and must be the same.
    private static func defectOfJSON(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard let value = try? JSONValue(parsing: bytes) else { return nil }
        return (try? JSONValue(parsing: value.bytes)) == value
            ? nil : "a document changed on its way through its own bytes"
    }

    private static func defectOfProviderURL(_ bytes: UnsafeRawBufferPointer) -> String? {
        let node = String(decoding: bytes, as: UTF8.self)
        let decoder = ProviderDecoder(keptParameters: ["version", "region"])
        _ = ProviderDecoder.withoutSecrets(node: node)
        _ = ProviderDecoder.interface(directory: node)
        guard case .provider(let provider) = decoder.decode(node: node, interface: "com.acme.Orders") else {
            return nil
        }
        if provider.instance.port == 0 { return "an instance has no port" }
        return provider.services.allSatisfy { ServiceID($0.description) == $0 }
            ? nil : "a service is not named by its own text"
    }

    /// The text of a service stands in an annotation, which anybody can edit. It leads to the same service again.
    private static func defectOfServiceText(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard let id = ServiceID(String(decoding: bytes, as: UTF8.self)) else { return nil }
        return ServiceID(id.description) == id ? nil : "a service is not named by its own text"
    }

    /// A record that was read is written and read again, and must be the same.
    private static func defectOfSnapshot(_ bytes: UnsafeRawBufferPointer) -> String? {
        _ = try? SnapshotDecoder.decode(bytes)
        for record in (try? SnapshotRecord.records(parsing: bytes)) ?? []
        where (try? SnapshotRecord.records(parsing: record.line)) != [record] {
            return "a record changed on its way through its line"
        }
        return nil
    }

    /// The messages of a stream do not depend on how its bytes are divided.
    private static func defectOfGRPC(_ bytes: UnsafeRawBufferPointer) -> String? {
        let length = Int(bytes.first ?? 0) % 7 + 1
        let data = ByteBuffer(bytes: bytes.dropFirst())
        return messages(data, length: length) == messages(data, length: max(data.readableBytes, 1))
            ? nil : "the messages depend on how the stream is divided"
    }

    private static func messages(_ data: ByteBuffer, length: Int) -> [ByteBuffer] {
        var rest = data
        var messages = GRPCMessages(limit: 1 << 10)
        var result: [ByteBuffer] = []
        while rest.readableBytes > 0, let part = rest.readSlice(length: min(length, rest.readableBytes)) {
            messages.append(part)
            do throws(GRPCStatus) {
                while let message = try messages.next() { result.append(message) }
            } catch {
                break
            }
        }
        return result
    }
}
