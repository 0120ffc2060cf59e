package import NIOCore

/// The header of each step of a `multi` and of each of its results (`MultiHeader`).
package struct MultiHeader: Hashable, Sendable {
    package var type: Int32
    package var isEnd: Bool
    package var error: Int32

    package static let end = MultiHeader(type: -1, isEnd: true, error: -1)

    package init(type: Int32, isEnd: Bool, error: Int32) {
        self.type = type
        self.isEnd = isEnd
        self.error = error
    }

    package init(reading buffer: inout ByteBuffer) throws(JuteError) {
        type = try buffer.readJuteInt()
        isEnd = try buffer.readJuteBool()
        error = try buffer.readJuteInt()
    }

    package func write(to buffer: inout ByteBuffer) {
        buffer.writeInteger(type)
        buffer.writeJuteBool(isEnd)
        buffer.writeInteger(error)
    }
}

/// The reply to a `multi` (`MultiResponse`).
package enum MultiReply: Hashable, Sendable {
    /// All steps took effect.
    case done([MultiResult])
    /// No step took effect, because the step at this index failed. The index starts at 0.
    case failed(index: Int, ZooKeeperError.Code)

    private static let error: Int32 = -1

    package init(reading buffer: inout ByteBuffer) throws(JuteError) {
        var results: [MultiResult] = []
        var count = 0
        var failure: MultiReply?
        while true {
            let header = try MultiHeader(reading: &buffer)
            if header.isEnd { break }
            if header.type == Self.error {
                // The server rolled back the steps before the failed one; their code is 0. It never tried the steps
                // after the failed one; their code is RUNTIMEINCONSISTENCY (-2).
                let code = try buffer.readJuteInt()
                if code != 0, failure == nil { failure = .failed(index: count, .init(rawValue: code)) }
            } else {
                results.append(try MultiResult(reading: &buffer, type: header.type))
            }
            count += 1
        }
        self = failure ?? .done(results)
        if failure == nil, results.count != count { throw JuteError("a multi was rolled back without an error code") }
    }

    package func write(to buffer: inout ByteBuffer, count: Int) {
        switch self {
        case .done(let results):
            for result in results { result.write(to: &buffer) }
        case .failed(let failing, let code):
            let neverTried = ZooKeeperError.Code.runtimeInconsistency.rawValue
            for index in 0..<count {
                let error = index < failing ? 0 : index == failing ? code.rawValue : neverTried
                MultiHeader(type: Self.error, isEnd: false, error: error).write(to: &buffer)
                buffer.writeInteger(error)
            }
        }
        MultiHeader.end.write(to: &buffer)
    }
}

extension MultiResult {
    init(reading buffer: inout ByteBuffer, type: Int32) throws(JuteError) {
        switch OpCode(rawValue: type) {
        case .create:
            self = .created(path: try buffer.readJutePath())
        case .create2, .createContainer, .createTTL:
            self = .created(path: try buffer.readJutePath())
            _ = try Stat(reading: &buffer)
        case .setData: self = .dataSet(try Stat(reading: &buffer))
        case .delete: self = .deleted
        case .check: self = .checked
        default: throw JuteError("a multi has a result of the unknown type \(type)")
        }
    }

    fileprivate func write(to buffer: inout ByteBuffer) {
        func header(_ code: OpCode) {
            MultiHeader(type: code.rawValue, isEnd: false, error: 0).write(to: &buffer)
        }
        switch self {
        case .created(let path):
            header(.create)
            buffer.writeJuteString(path)
        case .dataSet(let stat):
            header(.setData)
            stat.write(to: &buffer)
        case .deleted: header(.delete)
        case .checked: header(.check)
        }
    }
}
