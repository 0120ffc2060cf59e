internal import IstioAPI
internal import Planning
internal import Translation

extension Translator {
    /// The services that a delivery's objects stand for, sorted by object name.
    func services(in objects: [ActualObject]) -> [OwnedService] {
        services(in: objects.map { OwnedObject(key: $0.key, annotations: $0.annotations, spec: $0.spec) })
    }
}
