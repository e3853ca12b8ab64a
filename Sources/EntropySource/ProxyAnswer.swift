/// Bounds what a proxy may answer to a request for a tunnel. libcurl reads whatever comes with a refusal, however long that is.
struct ProxyAnswer {
    /// Bytes of the lines so far.
    private var size = 0
    /// The status in the first line of the latest answer.
    private var status = 0
    /// True once there was more than a tunnel needs.
    private(set) var isTooLong = false

    /// Bytes of lines at the most; a proxy's answer has a few hundred.
    static let longest = 16 << 10

    /// Takes a line with its end. False where nothing more is to be read: the tunnel is refused, or the answer is too long.
    mutating func take(_ line: UnsafeRawBufferPointer) -> Bool {
        size += line.count
        guard size <= ProxyAnswer.longest else {
            isTooLong = true
            return false
        }
        // HTTP/1.1 407 ...
        let start = Array("HTTP/".utf8)
        if line.count > start.count, line.prefix(start.count).elementsEqual(start) {
            let digits = line.drop { $0 != 0x20 }.dropFirst().prefix(3)
            status = digits.reduce(0) { (0x30...0x39).contains($1) ? $0 * 10 + Int($1 - 0x30) : 1000 }
        }
        let isLast = line.first == 0x0d || line.first == 0x0a
        return !isLast || (100..<300).contains(status)
    }
}
