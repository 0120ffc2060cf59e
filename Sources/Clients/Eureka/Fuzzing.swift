internal import HTTP
internal import NIOCore
internal import NIOHTTP1

/// Feeds arbitrary bytes to the decoder of the client, as an answer of a server. It must return for any input.
///
/// - Returns: What the client did wrong; `nil` where all is well.
package func defectOfEureka(_ bytes: UnsafeRawBufferPointer) -> String? {
    let text = String(decoding: bytes.prefix(40), as: UTF8.self)
    if let time = HTTPDate.milliseconds(text), time < 0 { return "a date is before 1970" }
    guard let document = try? EurekaClient.read(HTTPAnswer(status: 200, body: ByteBuffer(bytes: bytes))) else {
        return nil
    }
    _ = EurekaDocument.digest(of: document.instances)
    return document.instances.allSatisfy { !$0.key.id.isEmpty && !$0.key.application.isEmpty }
        ? nil : "an instance has no id"
}
