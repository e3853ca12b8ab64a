import Testing

@testable import EntropySource

/// What the environment says of proxies.
@Suite struct ProxyTests {
    @Test(
        arguments: [
            ([:], nil, nil),
            (["http_proxy": "http://a"], "http://a", nil),
            (["http_proxy": "a", "HTTPS_PROXY": "b"], "b", nil),
            (["https_proxy": "a", "HTTPS_PROXY": "b", "ALL_PROXY": "c"], "c", nil),
            (["all_proxy": "d", "ALL_PROXY": "c", "NO_PROXY": "x,y"], "d", "x,y"),
            // Anyone who sends a program a header Proxy: could set this one, in a CGI's environment.
            (["HTTP_PROXY": "a"], nil, nil),
        ] as [([String: String], String?, String?)])
    func theFirstOneThatIsSet(_ environment: [String: String], _ url: String?, _ exceptions: String?) {
        let proxy = Proxy.fromEnvironment { environment[$0] }
        #expect(proxy.url == url)
        #expect(proxy.exceptions == exceptions)
    }

    @Test(
        arguments: [
            ("socks5h://user:p%40ss@host:1080", "socks5h://host:1080"), ("http://u:p@h:1@x:2", "http://x:2"),
            ("host:1", "host:1"), ("u:p@host", "host"), ("http://h", "http://h"), ("", ""), ("@", ""), ("://", "://"),
        ])
    func aPasswordIsNotShown(_ url: String, _ name: String) { #expect(Proxy(url: url, exceptions: nil).name == name) }
}
