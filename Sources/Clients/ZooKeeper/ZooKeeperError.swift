/// A failure of a request, of a connection attempt or of a setting.
///
/// The code says which kind of failure it is and may gain values in later versions. The message is for people. No part
/// of an error contains a credential.
public struct ZooKeeperError: Error, Sendable {
    /// The kind of failure.
    public var code: Code
    /// The failure in words, with the next step where there is one.
    public var message: String
    /// The path of the request, as the caller gave it; `nil` for a failure without a path.
    public var path: String?
    /// The index of the step of a `multi` that failed, from 0; `nil` for every other failure.
    public var operationIndex: Int?
    /// Whether a write may have taken effect although it failed: it was sent, and its reply is missing. Always `false`
    /// for a read.
    ///
    /// A request that was never sent has a known outcome: it did not take effect.
    public var isOutcomeUnknown: Bool
    /// The error of a lower layer, such as the network, TLS or the decoder; `nil` where there is none. Two errors that
    /// differ in their cause only are equal.
    public var cause: (any Error)?

    /// - Parameter message: `nil` for the standard message of the code.
    public init(
        _ code: Code, path: String? = nil, message: String? = nil, operationIndex: Int? = nil,
        isOutcomeUnknown: Bool = false, cause: (any Error)? = nil
    ) {
        self.code = code
        self.path = path
        self.operationIndex = operationIndex
        self.message = message ?? code.explanation
        self.isOutcomeUnknown = isOutcomeUnknown
        self.cause = cause
    }

    /// The same failure with the path of another request.
    func at(_ path: String?) -> ZooKeeperError {
        var error = self
        error.path = path
        return error
    }
}

extension ZooKeeperError: Hashable {
    public static func == (left: ZooKeeperError, right: ZooKeeperError) -> Bool {
        left.code == right.code && left.message == right.message && left.path == right.path
            && left.operationIndex == right.operationIndex && left.isOutcomeUnknown == right.isOutcomeUnknown
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(code)
        hasher.combine(message)
        hasher.combine(path)
        hasher.combine(operationIndex)
        hasher.combine(isOutcomeUnknown)
    }
}

extension ZooKeeperError: CustomStringConvertible {
    public var description: String {
        var text = "ZooKeeper: "
        if let operationIndex { text += "step \(operationIndex) of the multi: " }
        text += message
        if let path { text += " (\(path))" }
        if isOutcomeUnknown { text += "; it is unknown whether the write took effect" }
        return text
    }
}
