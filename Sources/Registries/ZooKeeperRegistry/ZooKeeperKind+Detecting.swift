internal import Declarations
internal import Dubbo
package import Logging
internal import NIOCore
internal import Services
internal import Settings
package import Sources
internal import ZooKeeper

extension ZooKeeperKind: DetectingKind {
    /// The znodes that are looked at.
    private static let znodeLimit = 10_000

    package func detect(url: String, logger: Logger) async throws -> DetectedConventions {
        let place: RegistryURL
        do throws(ZooKeeperError) {
            place = try RegistryURL(url, root: "/")
        } catch {
            throw ConfigurationError(place: "--registry", message: error.message)
        }
        var configuration = ZooKeeperClient.Configuration()
        configuration.requestTimeout = .seconds(10)
        let client = ZooKeeperClient(place.servers, configuration: configuration, logger: logger)
        let found = await withTaskGroup(of: Void.self) { group -> Result<Walk, ReadFailure> in
            group.addTask { await client.run() }
            defer { group.cancelAll() }
            for await event in await client.events(where: { _ in false }) {
                switch event {
                case .connected:
                    do throws(ZooKeeperError) {
                        return .success(try await Self.walk(client, from: place.root))
                    } catch {
                        return .failure(ReadFailure(error.cause, reason: error.description))
                    }
                case .disconnected(let reason): return .failure(ReadFailure(.disconnected, reason: reason))
                case .expired, .overflowed, .changed: continue
                }
            }
            return .failure(ReadFailure(.disconnected, reason: "the command was stopped"))
        }
        let walk = try found.get()
        let servers = place.servers.servers.map { "\($0)" }
        var conventions = Detection.conventions(of: walk.entries, among: Declaration.presets, servers: servers)
        for convention in Self.dubbo(in: walk.entries, servers) { conventions.append(convention) }
        conventions.sort { $0.instances > $1.instances }
        return DetectedConventions(conventions: conventions, keys: walk.entries.count, hasMore: walk.hasMore)
    }

    private struct Walk: Sendable {
        var entries: [DeclaredEntry] = []
        var hasMore = false
    }

    /// Level by level, so that a part of every tree is seen.
    private static func walk(_ client: ZooKeeperClient, from root: String) async throws(ZooKeeperError) -> Walk {
        var walk = Walk()
        var level = [root]
        while !level.isEmpty {
            var next: [String] = []
            for path in level {
                if walk.entries.count >= znodeLimit {
                    walk.hasMore = true
                    return walk
                }
                do throws(ZooKeeperError) {
                    let data = try await client.data(of: path)
                    walk.entries.append(
                        DeclaredEntry(
                            key: path, value: Array(data.data.readableBytesView),
                            isEphemeral: data.stat.ephemeralOwner != 0))
                    if data.stat.childCount == 0 { continue }
                    let prefix = path == "/" ? "/" : path + "/"
                    next += try await client.children(of: path).sorted().map { prefix + $0 }
                } catch  where error.code == .noNode || error.code == .noAuth {
                    // It went meanwhile, or is for others.
                    continue
                }
            }
            level = next.filter { $0 != "/zookeeper" }
        }
        return walk
    }

    /// Dubbo's trees: `<root>/<interface>/providers/<provider URL>`.
    private static func dubbo(in entries: [DeclaredEntry], _ servers: [String]) -> [DetectedConvention] {
        let decoder = ProviderDecoder(keptParameters: FormatDefaults.dubbo.labels, hosts: HostRules())
        var roots: [String: (services: [ServiceID: [Instance]], samples: [String], count: Int)] = [:]
        for entry in entries.sorted(by: { $0.key < $1.key }) {
            let parts = entry.key.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count >= 4, parts[parts.count - 2] == "providers",
                let directory = InterfaceDirectory(String(parts[parts.count - 3])),
                case .provider(let provider) = decoder.decode(
                    node: String(parts[parts.count - 1]), interface: directory.interface)
            else { continue }
            let root = parts.dropLast(3).joined(separator: "/")
            var found = roots[root] ?? ([:], [], 0)
            for service in provider.services { found.services[service, default: []].append(provider.instance) }
            found.count += 1
            // A provider's URL may have a password, and is long.
            let folder = parts.dropLast().joined(separator: "/")
            if found.samples.count < 3, !found.samples.contains(folder) { found.samples.append(folder) }
            roots[root] = found
        }
        return roots.sorted { $0.key < $1.key }.compactMap { root, found in
            guard let first = found.services.min(by: { $0.key < $1.key }) else { return nil }
            return DetectedConvention(
                name: "dubbo", services: found.services.count, instances: found.count, samples: found.samples,
                configuration: [
                    "servers: [\(servers.map { "\"\($0)\"" }.joined(separator: ", "))]",
                    "dubbo: { root: \(root.isEmpty ? "/" : root) }",
                ],
                example: Service(
                    id: first.key, instances: first.value.sorted { $0.endpoint < $1.endpoint }, registries: []))
        }
    }
}
