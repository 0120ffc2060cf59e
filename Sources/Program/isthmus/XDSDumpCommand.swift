import Addressing
import ArgumentParser
import Deliveries
import IstioAPI
import JSON
import NIOCore
import NIOSSL
import XDSDelivery

/// Prints what istiod would get.
struct XDSDumpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "xds-dump",
        abstract: "Print what istiod would get from a bridge that serves it.",
        usage: "isthmus xds-dump HOST:PORT [--ca FILE] [--revision NAME]",
        discussion: """
            Asks as istiod does, once. Ends with exit code 3 when some kinds have no answer yet: istiod would not be \
            ready either.

            Example: isthmus xds-dump 127.0.0.1:15010
            """)

    @Argument(help: ArgumentHelp("Where the bridge listens (delivery.xds.listen).", valueName: "host:port"))
    var address: String

    @Option(help: ArgumentHelp("Speak TLS, and trust this authority (PEM).", valueName: "file"))
    var ca: String?

    @Option(help: ArgumentHelp("The revision of istiod to ask as.", valueName: "name"))
    var revision: String = "default"

    @Option(
        parsing: .unconditional, help: ArgumentHelp("How long the answers may take.", valueName: "seconds"))
    var timeout: Int = 10

    func validate() throws {
        guard (1...86_400).contains(timeout) else { throw ValidationError("--timeout takes 1 to 86400 seconds.") }
    }

    func run() async throws {
        guard let place = HostPort(address) else {
            throw failure(.wrongCommandLine, "'\(address)' is not HOST:PORT such as 127.0.0.1:15010")
        }
        let answers: [DiscoveryDump.Answer]
        do {
            answers = try await DiscoveryDump.take(
                host: place.host, port: place.port, tls: try trust(), revision: revision,
                within: .seconds(Int64(timeout)))
        } catch {
            throw failure(.failed, "\(error)")
        }
        for answer in answers {
            warn("\(answer.kind.rawValue): \(answer.resources.count) objects, \(answer.bytes) bytes")
            for resource in answer.resources {
                try StandardOutput.write("---\n" + resource.json(version: "v1").yaml)
            }
        }
        let missing = DiscoveryDump.kinds.filter { kind in !answers.contains { $0.kind == kind } }
        if !missing.isEmpty {
            let names = missing.map(\.rawValue).joined(separator: ", ")
            throw failure(
                .partial,
                "no answer for \(names): a registry could not be read yet, or 'delivery.xds.revisions' leaves out"
                    + " '\(revision)'")
        }
    }

    private func trust() throws -> NIOSSLContext? {
        guard let ca else { return nil }
        var configuration = TLSConfiguration.makeClientConfiguration()
        guard let authorities = try? NIOSSLCertificate.fromPEMFile(ca), !authorities.isEmpty else {
            throw failure(.unusableConfiguration, "\(ca) is missing or holds no certificate in PEM")
        }
        configuration.trustRoots = .certificates(authorities)
        configuration.applicationProtocols = ["h2"]
        return try NIOSSLContext(configuration: configuration)
    }
}
