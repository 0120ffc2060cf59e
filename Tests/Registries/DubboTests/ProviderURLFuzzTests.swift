import Addressing
import Dubbo
import IsthmusTesting
import Services
import Testing

@Suite("mutated provider URLs")
struct ProviderURLFuzzTests {
    private static let valid = [
        "dubbo://10.1.0.1:20880/org.apache.dubbo.demo.DemoService?application=demo&group=a&version=1.0.0&weight=5",
        "tri://user:secret@[2001:db8::1]:50051?service=org.apache.dubbo.demo.DemoService&timestamp=1700000000000",
        "rest://2001:db8::1:8080/ctx/org.apache.dubbo.demo.DemoService?disabled=true&default.weight=0&side=provider",
        "empty://0.0.0.0/x?category=providers",
    ]
    private static let pieces = [
        "%", "%2", "%25", "%3A", "%2F%2F", "%00", "%FF", "+", "&", "=", ";", "?", "/", "://", "@", "[", "]", ":", "-",
        "0",
        "99999999999999999999", "é", "\u{301}", "😀", "weight=", "default.", "interface=", "\n",
    ]

    @Test(
        "whatever a registry says, the outcome is a value, and a used one is sound",
        arguments: SeededGenerator.seeds(16))
    func mutations(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let decoder = ProviderDecoder(keptParameters: ["version"])
        for _ in 0..<250 {
            var node = Array(Self.valid.randomElement(using: &random)!.formEncoded.utf8)
            for _ in 0..<Int.random(in: 1...6, using: &random) { mutate(&node, &random) }
            let text = String(decoding: node, as: UTF8.self)
            switch decoder.decode(node: text, interface: ProviderURLTests.interface) {
            case .provider(let provider):
                let instance = provider.instance
                for id in provider.services { #expect(ServiceID(id.description) == id, "\(text)") }
                #expect(!provider.services.isEmpty && Set(provider.services).count == provider.services.count)
                let id = provider.services[0]
                #expect(id.name == ProviderURLTests.interface && instance.port > 0, "\(text)")
                if case .address(let address) = instance.host {
                    #expect(!address.isUnspecified && !address.isMulticast, "\(text)")
                }
                #expect(instance.weight > 0 || !instance.isEnabled, "\(text)")
            case .unusable(let provider):
                let reason = provider.reason
                #expect(!reason.isEmpty && reason.utf8.count < 1000, "\(text)")
            case .ignored:
                break
            }
            _ = ProviderDecoder.interface(directory: text)
        }
    }

    private func mutate(_ node: inout [UInt8], _ random: inout SeededGenerator) {
        let place = Int.random(in: 0...node.count, using: &random)
        let end = min(node.count, place + .random(in: 0...8, using: &random))
        switch Int.random(in: 0..<5, using: &random) {
        case 0: node.insert(contentsOf: Self.pieces.randomElement(using: &random)!.utf8, at: place)
        case 1: node.removeSubrange(place..<end)
        case 2: node.insert(contentsOf: node[place..<end], at: place)
        case 3: node.replaceSubrange(place..<end, with: Self.pieces.randomElement(using: &random)!.formEncoded.utf8)
        default: if place < node.count { node[place] = .random(in: 0...255, using: &random) }
        }
    }
}
