import Addressing
import Testing

@Suite("a host and a port")
struct HostPortTests {
    @Test(
        "it equals the one that is read from its text",
        arguments: [
            ("example.org:80", HostPort(host: "example.org", port: 80)),
            ("10.0.0.1:65535", HostPort(host: "10.0.0.1", port: 65535)),
            ("[2001:db8::1]:1", HostPort(host: "2001:db8::1", port: 1)),
        ])
    func text(text: String, value: HostPort) {
        #expect(HostPort(text) == value)
        #expect(value.description == text)
    }

    @Test(
        "a text without a host or a valid port, or an IPv6 address without brackets, is refused",
        arguments: [
            "", "host", ":80", "[]:80", "host:", "host:0", "host:65536", "host:-1", "host:+80", "host:8 0", "::1",
            "::1:80", "[::1]", "[::1]80", "a[b]:80",
        ])
    func refused(text: String) {
        #expect(HostPort(text) == nil)
    }
}
