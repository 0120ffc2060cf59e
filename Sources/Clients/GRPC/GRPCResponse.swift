package import NIOCore
package import NIOHPACK
internal import Text

/// The server's half of a stream, without any I/O: frames go in, messages and the end come out.
package struct GRPCResponse: Sendable {
    package enum Event: Hashable, Sendable {
        case message(ByteBuffer)
        /// Nothing follows.
        case end(GRPCStatus)
    }

    private enum State {
        case awaitingHeaders
        case open
        case ended
    }

    private var state = State.awaitingHeaders
    private var messages: GRPCMessages

    /// - Parameter messageLimit: The longest accepted message in bytes.
    package init(messageLimit: Int) {
        messages = GRPCMessages(limit: messageLimit)
    }

    package var isEnded: Bool { if case .ended = state { true } else { false } }

    package mutating func received(headers: HPACKHeaders, endsStream: Bool) -> [Event] {
        switch state {
        case .ended: return []
        case .open: return ended(Self.status(of: headers))
        case .awaitingHeaders:
            if let failure = Self.refusal(of: headers) { return ended(failure) }
            if endsStream { return ended(Self.status(of: headers)) }
            state = .open
            return []
        }
    }

    package mutating func received(data: consuming ByteBuffer, endsStream: Bool) -> [Event] {
        guard case .open = state else {
            return isEnded ? [] : ended(GRPCStatus(.internal, "data arrived before the headers"))
        }
        messages.append(data)
        var events: [Event] = []
        do throws(GRPCStatus) {
            while let message = try messages.next() { events.append(.message(message)) }
        } catch {
            return events + ended(error)
        }
        if endsStream { events += ended(GRPCStatus(.internal, "the stream ended without a status")) }
        return events
    }

    /// The stream was reset, or its connection ended.
    package mutating func closed(_ status: GRPCStatus) -> [Event] {
        isEnded ? [] : ended(status)
    }

    private mutating func ended(_ status: GRPCStatus) -> [Event] {
        state = .ended
        guard status.code == .ok, messages.isWithinMessage else { return [.end(status)] }
        return [.end(GRPCStatus(.internal, "the stream ended within a message"))]
    }

    /// Why the first headers are not those of gRPC; `nil` when they are.
    private static func refusal(of headers: HPACKHeaders) -> GRPCStatus? {
        let status = headers.first(name: ":status").flatMap { Int($0) } ?? 0
        if headers.contains(name: "grpc-status") { return nil }
        guard status == 200 else { return GRPCStatus(httpStatus: status) }
        let type = headers.first(name: "content-type") ?? ""
        guard type.hasPrefix("application/grpc") else {
            return GRPCStatus(.unknown, "the answer is not of gRPC but '\(type)'; is this the server's gRPC port?")
        }
        return nil
    }

    private static func status(of trailers: HPACKHeaders) -> GRPCStatus {
        guard let code = trailers.first(name: "grpc-status").flatMap({ Int($0) }) else {
            return GRPCStatus(.unknown, "the stream ended without a status")
        }
        let message = trailers.first(name: "grpc-message") ?? ""
        return GRPCStatus(GRPCStatus.Code(rawValue: code) ?? .unknown, message.percentDecoded() ?? message)
    }
}
