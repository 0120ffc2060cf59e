internal import IstioAPI
package import Planning
internal import Translation

/// The annotation of a published object: its configuration centre and its document.
package enum PublicationMark {
    package static let configuration = OwnerMark.prefix + "configuration"

    /// - Returns: `nil` for an object that was not published.
    package static func read(_ object: ActualObject) -> (centre: String, document: String)? {
        guard let text = object.annotations[configuration], let slash = text.firstIndex(of: "/") else { return nil }
        return (String(text[..<slash]), String(text[text.index(after: slash)...]))
    }
}

extension Manifest {
    func owned(by publications: Publications, _ document: String) -> Manifest {
        var manifest = self
        manifest.labels[OwnerMark.managedBy] = OwnerMark.manager
        manifest.labels[OwnerMark.instance] = publications.policy.translation.instance
        manifest.annotations[PublicationMark.configuration] = "\(publications.name)/\(document)"
        return manifest
    }
}
