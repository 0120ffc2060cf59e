internal import NIOCore
package import Settings
package import Sources
internal import ZooKeeper

/// Documents that operators publish as the data of znodes.
package struct ZooKeeperConfigurationKind: ConfigurationKind {
    package init() {}

    package var key: ConfigurationKey {
        ConfigurationKey(
            "zookeeper",
            .mapping(
                ZooKeeperKind.reaching + [
                    ConfigurationKey(
                        "path", .text, "the znode whose children are the documents", isRequired: true)
                ]),
            "documents in znodes of a ZooKeeper ensemble")
    }

    package func settings(
        _ section: ConfigurationSection
    ) throws(ConfigurationError) -> any ConfigurationSettings {
        let path = try section.string("path") ?? ""
        do throws(ZooKeeperError) {
            try ZnodePath.validate(path)
        } catch {
            throw section.failure("path", "must be a path such as /mesh/configuration: \(error.message)")
        }
        return ZooKeeperConfigurationSettings(ensemble: try ZooKeeperSettings(section), path: path)
    }
}

struct ZooKeeperConfigurationSettings: ConfigurationSettings {
    var ensemble: ZooKeeperSettings
    var path: String

    func source(_ context: ConfigurationContext) -> any ConfigurationSource {
        let reader = ZooKeeperConfigurationReader(client: ensemble.client(logger: context.logger), path: path)
        return ConfigurationFollower(name: context.name, reader: reader, logger: context.logger)
    }
}

/// Reads the children of one znode. A document is called like its znode.
///
/// One-shot watches, which every ZooKeeper has: on the list of children, and on the data of each. Whatever fires one is
/// read again, and sets it again.
final class ZooKeeperConfigurationReader: ConfigurationReader {
    private let client: ZooKeeperClient
    private let path: String

    init(client: ZooKeeperClient, path: String) {
        self.client = client
        self.path = path
    }

    func run(report: @escaping @Sendable (ConfigurationChange) -> Void) async {
        let prefix = prefix
        let path = path
        await withDiscardingTaskGroup { tasks in
            tasks.addTask { await self.client.run() }
            for await event in await client.events(where: { $0.path == path || $0.path.hasPrefix(prefix) }) {
                switch event {
                case .connected: report(.connected)
                case .disconnected(let reason): report(.disconnected(reason: reason))
                case .expired: break
                case .overflowed: report(.outdated)
                case .changed(let event):
                    report(event.path == path ? .outdated : .changed(name: String(event.path.dropFirst(prefix.count))))
                }
            }
            tasks.cancelAll()
        }
    }

    private var prefix: String { path == "/" ? path : path + "/" }

    func list() async throws(ReadFailure) -> Set<String> {
        do throws(ZooKeeperError) {
            // The server may lag behind the ensemble.
            try await client.sync(path)
            return Set(try await client.children(of: path, watch: true))
        } catch {
            if error.code == .noNode {
                // Its creation is told, too.
                _ = try? await client.exists(path, watch: true)
                throw ReadFailure(
                    .missing,
                    reason: "there is no znode \(path); a missing znode is never taken for an empty one. Check its name"
                )
            }
            throw ReadFailure(error.cause, reason: error.description)
        }
    }

    func read(_ name: String) async throws(ReadFailure) -> String? {
        let data: ByteBuffer
        do throws(ZooKeeperError) {
            data = try await client.data(of: prefix + name, watch: true).data
        } catch {
            if error.code == .noNode { return nil }
            throw ReadFailure(error.cause, reason: error.description)
        }
        guard let text = String(validating: data.readableBytesView, as: UTF8.self) else {
            throw ReadFailure(.lasting, reason: "its content is no text in UTF-8")
        }
        return text
    }
}
