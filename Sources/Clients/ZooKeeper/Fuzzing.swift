internal import NIOCore

/// Feeds arbitrary bytes to every decoder of the library. It must return for any input.
///
/// The first byte chooses the stage of the session; the rest is the peer's stream.
package func fuzzZooKeeperDecoders(_ bytes: UnsafeRawBufferPointer) {
    let body = ByteBuffer(bytes: bytes.dropFirst())
    fuzzSession(stage: bytes.first ?? 0, body)
    decodeEverything(body)
}

private func fuzzSession(stage: UInt8, _ bytes: ByteBuffer) {
    var now = NIODeadline.uptimeNanoseconds(1)
    var settings = SessionStateMachine<Int>.Settings()
    settings.pipelineDepth = 2
    if stage & 2 != 0 { settings.credentials = [.digest(user: "a", password: "b")] }
    var machine = SessionStateMachine<Int>(settings: settings)
    _ = machine.connectionOpened(now: now)
    let limit = stage & 8 != 0 ? 64 : 1 << 16
    var decoder = ReplyDecoder(limit: limit)
    if stage & 1 != 0 {
        var stream = ConnectResponse(timeout: 9_000, sessionID: 7, password: ByteBuffer(), readOnly: false).frame
        if let frame = try? decoder.nextFrame(of: &stream) { _ = machine.received(frame, now: now) }
    }
    fuzzDivision(decoder, bytes, length: 1 + Int(stage >> 4))
    for number in 1...4 {
        _ = machine.submit(.sync(path: "/"), path: "/", id: UInt64(number), completion: number, now: now)
    }
    if stage & 4 != 0 { _ = machine.close(now: now) }
    var stream = bytes
    while let frame = try? decoder.nextFrame(of: &stream) {
        now = now + .milliseconds(Int64(stage) * 50)
        _ = machine.received(frame, now: now)
        if let deadline = machine.deadline, deadline <= now { _ = machine.timerFired(now: now) }
    }
    _ = machine.connectionClosed(reason: "")
    _ = machine.stopped()
}

/// Checks that the frames do not depend on how the stream is divided.
private func fuzzDivision(_ decoder: ReplyDecoder, _ bytes: ByteBuffer, length: Int) {
    let whole = frames(decoder, bytes, length: max(bytes.readableBytes, 1))
    precondition(whole == frames(decoder, bytes, length: length), "the frames depend on how the stream is divided")
}

private func frames(_ decoder: ReplyDecoder, _ bytes: ByteBuffer, length: Int) -> [ReplyFrame] {
    var decoder = decoder
    var rest = bytes
    var arrived = ByteBuffer()
    var frames: [ReplyFrame] = []
    while var chunk = rest.readSlice(length: min(length, rest.readableBytes)), chunk.readableBytes > 0 {
        arrived.writeBuffer(&chunk)
        do throws(FrameDecoder.Violation) {
            while let frame = try decoder.nextFrame(of: &arrived) { frames.append(frame) }
        } catch {
            break
        }
    }
    return frames
}

/// The decoders of both sides; the server in `Sandbox` uses the same code.
private func decodeEverything(_ bytes: ByteBuffer) {
    func attempt<Value>(_ decode: (inout ByteBuffer) throws -> Value) {
        var copy = bytes
        _ = try? decode(&copy)
    }
    attempt { try $0.readJuteStrings() }
    attempt { try $0.readJutePath() }
    attempt { try $0.readJuteACL() }
    attempt { try Stat(reading: &$0) }
    attempt { try ZnodeData(reading: &$0) }
    attempt { try MultiReply(reading: &$0) }
    attempt { try WatchEvent(reading: &$0) }
    attempt { try ReplyHeader(reading: &$0) }
    attempt { try RequestHeader(reading: &$0) }
    attempt { try ConnectRequest(reading: &$0) }
    attempt { try ConnectResponse(reading: &$0) }
    for code in OpCode.allCases { attempt { try Operation(reading: &$0, code: code) } }
}
