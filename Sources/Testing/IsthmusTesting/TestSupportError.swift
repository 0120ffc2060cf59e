/// Why a real server, a tool or an expectation about the outside world failed, in words for the reader of a test log.
public struct TestSupportError: Error, CustomStringConvertible {
    public let description: String

    public init(_ description: String) {
        self.description = description
    }
}
