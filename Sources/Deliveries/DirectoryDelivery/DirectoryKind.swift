package import Deliveries
internal import Logging
package import Settings

/// A folder with one YAML file for each resource.
package struct DirectoryKind: DeliveryKind {
    package init() {}

    package let keys: [ConfigurationKey] = [
        ConfigurationKey(
            "directory", .mapping([ConfigurationKey("path", .text, "a folder; made when missing", isRequired: true)]),
            "one YAML file for each resource")
    ]

    package func deliveries(_ section: ConfigurationSection) throws -> [any DeliverySettings] {
        try section.mapping("directory")?.string("path").map { [DirectorySettings(folder: $0)] } ?? []
    }
}

/// Where the files lie.
package struct DirectorySettings: DeliverySettings {
    package var folder: String

    package init(folder: String) {
        self.folder = folder
    }

    package var name: String { "directory" }
    package var namespace: String? { nil }

    /// The name is one that `FileDelivery` passes over, and each installation has its own.
    package func memory(instance: String) -> DeliveryMemory { .file("\(folder)/.isthmus-\(instance).state") }

    package func delivery(_ context: DeliveryContext) -> any Delivery {
        var logger = context.logger
        logger[metadataKey: "delivery"] = "\(name)"
        return FileDelivery(name: name, folder: folder, ownership: context.ownership, logger: logger)
    }
}
