internal import Dubbo
internal import Nacos
internal import Services
internal import Sources

extension NacosView {
    /// Notes what an answer has and nobody carries.
    mutating func note(_ service: NacosService, _ reading: NacosReading) {
        let text = service.description
        unread.leaveOut(reading.leftOut, of: text)
        unread.applications.replace(reading.applicationInstances, of: text)
        unread.applications.announce(reading.providers, of: text)
    }

    var notes: [RegistryNote] {
        var notes = unread.notes
        let protected = entries.filter(\.value.isProtected).map(\.key.description).sorted()
        if !protected.isEmpty {
            notes.append(
                RegistryNote(
                    sort: "protectedServices", subject: "services below Nacos' protection threshold",
                    count: protected.count, examples: Array(protected.prefix(RegistryNote.exampleLimit)),
                    effect: "Nacos calls all their instances healthy, so that all of them get traffic"))
        }
        if !beyondLimit.isEmpty {
            notes.append(
                RegistryNote(
                    sort: "servicesBeyondLimit", subject: "services beyond the first \(limit)",
                    count: beyondLimit.count,
                    examples: Array(beyondLimit.map(\.description).sorted().prefix(RegistryNote.exampleLimit)),
                    effect: "they are not followed"))
        }
        return notes
    }
}
