internal import HTTP
internal import JSON
internal import NIOCore
internal import NIOHTTP1

/// Feeds arbitrary bytes to the decoders of the client, as an answer of a server. It must return for any input.
///
/// - Returns: What the client did wrong; `nil` where all is well.
package func defectOfConsul(_ bytes: UnsafeRawBufferPointer) -> String? {
    let answer = HTTPAnswer(
        status: 200, headers: ["X-Consul-Index": String(decoding: bytes.prefix(8), as: UTF8.self)],
        body: ByteBuffer(bytes: bytes))
    _ = ConsulError(refusal: answer)
    guard let instances = try? ConsulClient.read(answer, ConsulInstances.init).value else { return nil }
    let elements = (try? JSONValue(parsing: bytes))?.array?.count ?? 0
    return instances.instances.count + instances.unreadable == elements ? nil : "an element of an answer is lost"
}
