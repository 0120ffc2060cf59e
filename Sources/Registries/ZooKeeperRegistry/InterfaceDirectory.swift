internal import Dubbo

/// A child of Dubbo's root that may be an interface's, with the interface that it names. Its name is decoded once.
struct InterfaceDirectory: Hashable, Sendable {
    let name: String
    let interface: String

    /// `nil` for a name that can't be an interface's.
    init?(_ name: String) {
        guard let interface = ProviderDecoder.interface(directory: name) else { return nil }
        self.name = name
        self.interface = interface
    }

    /// Whether the interface's name is not the directory's: then another directory may have the same interface.
    var isRespelled: Bool { name != interface }
}
