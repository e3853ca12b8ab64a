import CPlatform

/// The kernel's generator, getrandom(2).
public enum SystemRandom {
    /// 64 random bits, for what is no secret: how long to wait. Zero where the kernel gives none.
    public static func number() -> UInt64 {
        ((try? bytes(8)) ?? []).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// `count` bytes; waits until the kernel's pool was initialized once after boot.
    public static func bytes(_ count: Int) throws(SystemError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let got = bytes.withUnsafeMutableBytes { getrandom($0.baseAddress! + done, count - done, 0) }
            if got > 0 {
                done += got
            } else if platform_errno() != EINTR {
                throw SystemError("read", "getrandom(2)")
            }
        }
        return bytes
    }
}
