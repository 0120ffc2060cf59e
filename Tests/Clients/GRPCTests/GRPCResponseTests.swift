internal import GRPC
internal import NIOCore
internal import NIOHPACK
internal import Testing

@Suite("The server's half of a call")
struct GRPCResponseTests {
    private static let headers: HPACKHeaders = [":status": "200", "content-type": "application/grpc+proto"]

    private func framed(_ text: String) -> ByteBuffer {
        GRPCMessages.framed(Array(text.utf8), allocator: ByteBufferAllocator())
    }

    private func texts(_ events: [GRPCResponse.Event]) -> [String] {
        events.map { event in
            switch event {
            case .message(let message): String(buffer: message)
            case .end(let status): "end: \(status)"
            }
        }
    }

    @Test("messages do not depend on how the data is divided", arguments: [1, 3, 5, 6, 100])
    func division(length: Int) {
        var response = GRPCResponse(messageLimit: 100)
        var events = response.received(headers: Self.headers, endsStream: false)
        var data = framed("one")
        var rest = framed("")
        data.writeBuffer(&rest)
        rest = framed("three")
        data.writeBuffer(&rest)
        while data.readableBytes > 0, let part = data.readSlice(length: min(length, data.readableBytes)) {
            events += response.received(data: part, endsStream: false)
        }
        events += response.received(headers: ["grpc-status": "0"], endsStream: true)
        #expect(texts(events) == ["one", "", "three", "end: ok"])
    }

    @Test("the status and its message are in the trailers, or in the only headers")
    func status() {
        var late = GRPCResponse(messageLimit: 100)
        _ = late.received(headers: Self.headers, endsStream: false)
        let trailers: HPACKHeaders = ["grpc-status": "5", "grpc-message": "no%20such%20key"]
        #expect(texts(late.received(headers: trailers, endsStream: true)) == ["end: notFound: no such key"])
        // Recorded from Nacos.
        var only = GRPCResponse(messageLimit: 100)
        let refusal: HPACKHeaders = [
            ":status": "200", "content-type": "application/grpc", "grpc-status": "12",
            "grpc-message": "Method not found: Nope/nope",
        ]
        #expect(
            texts(only.received(headers: refusal, endsStream: true))
                == ["end: unimplemented: Method not found: Nope/nope"])
    }

    @Test("an answer that is not of gRPC is told as such")
    func foreign() {
        var proxy = GRPCResponse(messageLimit: 100)
        let events = proxy.received(headers: [":status": "503"], endsStream: false)
        guard case .end(let status) = events.first else {
            Issue.record("no end")
            return
        }
        #expect(status.code == .unavailable)
        var page = GRPCResponse(messageLimit: 100)
        let html = page.received(headers: [":status": "200", "content-type": "text/html"], endsStream: false)
        #expect(texts(html).first?.contains("text/html") == true)
        #expect(page.received(data: ByteBuffer(string: "<html>"), endsStream: true).isEmpty)
    }

    @Test("a message above the limit, a compressed one and one that is cut short end the call")
    func bad() {
        func end(_ data: ByteBuffer, _ trailers: HPACKHeaders? = nil) -> GRPCStatus.Code? {
            var response = GRPCResponse(messageLimit: 4)
            _ = response.received(headers: Self.headers, endsStream: false)
            var events = response.received(data: data, endsStream: trailers == nil)
            if let trailers { events += response.received(headers: trailers, endsStream: true) }
            if case .end(let status) = events.last { return status.code }
            return nil
        }
        #expect(end(framed("12345")) == .resourceExhausted)
        #expect(end(ByteBuffer(bytes: [1, 0, 0, 0, 0])) == .unimplemented)
        #expect(end(ByteBuffer(bytes: [0, 0, 0, 0, 4, 1]), ["grpc-status": "0"]) == .internal)
        #expect(end(framed("1234")) == .internal)
        #expect(end(framed("1234"), ["grpc-status": "0"]) == .ok)
        #expect(end(framed("1"), ["grpc-status": "x"]) == .unknown)
        #expect(end(framed("1"), ["grpc-status": "99"]) == .unknown)
    }

    @Test("data before the headers ends the call, and nothing follows an end")
    func order() {
        var response = GRPCResponse(messageLimit: 4)
        #expect(response.received(data: framed("1"), endsStream: false).count == 1)
        #expect(response.received(headers: Self.headers, endsStream: true).isEmpty)
        #expect(response.closed(GRPCStatus(.unavailable)).isEmpty)
    }
}
