internal import IstioAPI
internal import Services

/// How go-kratos registers: each server of an application is a service of its own, called `<application>.<kind>`.
enum Kratos {
    /// The weight that its libraries register where nobody gives one.
    static let weight: UInt32 = 100

    private static let kinds: [(suffix: String, kind: String, portProtocol: PortProtocol)] = [
        (".grpc", "grpc", .grpc), (".http", "http", .http),
    ]

    /// The application of a service with one of the suffixes.
    static func application(of service: String) -> String? {
        kinds.first { service.hasSuffix($0.suffix) && service.utf8.count > $0.suffix.utf8.count }
            .map { String(service.dropLast($0.suffix.count)) }
    }

    /// The application and the protocol of an instance. The metadata names the kind too, which a service that is only
    /// called like that lacks.
    static func server(of service: String, kind: String?) -> (application: String, portProtocol: PortProtocol)? {
        guard let kind, let known = kinds.first(where: { $0.kind == kind }), service.hasSuffix(known.suffix),
            let application = application(of: service)
        else { return nil }
        return (application, known.portProtocol)
    }
}
