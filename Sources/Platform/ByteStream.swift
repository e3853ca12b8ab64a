import CPlatform

/// Bytes without an end, read with a deadline: of a device, of one of the kernel's generators, or what a command prints.
public struct ByteStream: ~Copyable {
    private let descriptor: Int32
    private let name: String
    private let command: Int32?
    private let isKernelGenerator: Bool

    /// Bytes that the kernel's generators are asked for at once: they hold the processor until they are done.
    private static let kernelRequest = 32
    /// Milliseconds until a device that has nothing yet, and cannot be waited for, is asked again: at first, since most have
    /// a little at a time, and at the most.
    private static let pauses: ClosedRange<Int32> = 1...10

    /// A device, a pipe or a file.
    public init(file path: String) throws(SystemError) {
        let descriptor = platform_open(path, O_RDONLY | O_NONBLOCK, 0)
        guard descriptor >= 0 else { throw SystemError("open", path) }
        self.descriptor = descriptor
        name = path
        command = nil
        isKernelGenerator = false
    }

    /// One of the kernel's generators, by AF_ALG.
    public init(kernelGenerator name: String) throws(SystemError) {
        let descriptor = platform_open_kernel_generator(name)
        guard descriptor >= 0 else { throw SystemError("open (by AF_ALG)", name) }
        self.descriptor = descriptor
        self.name = name
        command = nil
        isKernelGenerator = true
    }

    /// The standard output of a shell command, which is killed with its process group when this value dies.
    public init(command text: String) throws(SystemError) {
        var process: Int32 = 0
        let descriptor = platform_start_command(text, &process)
        guard descriptor >= 0 else { throw SystemError("start", text) }
        self.descriptor = descriptor
        name = "command `\(text)`"
        command = process
        isKernelGenerator = false
    }

    deinit {
        close(descriptor)  // it was only read
        if let command { platform_end_command(command) }
    }

    /// `count` bytes. Fails with ENODATA where it ends, and with ETIMEDOUT where it gives less within `milliseconds`.
    public borrowing func read(_ count: Int, within milliseconds: Int64) throws(SystemError) -> [UInt8] {
        let deadline = platform_monotonic_milliseconds() + milliseconds
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        var pause = ByteStream.pauses.lowerBound
        while done < count {
            let left = deadline - platform_monotonic_milliseconds()
            guard left > 0 else {
                throw failed("read \(count) bytes within \(milliseconds) ms", ETIMEDOUT, &bytes)
            }
            guard isReadable(within: left) else { continue }
            let wanted = isKernelGenerator ? min(count - done, ByteStream.kernelRequest) : count - done
            let got = bytes.withUnsafeMutableBytes { CPlatform.read(descriptor, $0.baseAddress! + done, wanted) }
            if got > 0 {
                done += got
                pause = ByteStream.pauses.lowerBound
            } else if got == 0 {
                throw failed("read", ENODATA, &bytes)
            } else {
                switch platform_errno() {
                case EINTR: break
                // With a generator of the kernel it means that its own health test failed.
                case EAGAIN where !isKernelGenerator:
                    _ = poll(nil, 0, pause)
                    pause = min(2 * pause, ByteStream.pauses.upperBound)
                case let error: throw failed("read", error, &bytes)
                }
            }
        }
        return bytes
    }

    /// The kernel's generators always have something, and never say so. Some devices always say so: then read(2) tells.
    private borrowing func isReadable(within milliseconds: Int64) -> Bool {
        guard !isKernelGenerator else { return true }
        var wish = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&wish, 1, Int32(clamping: milliseconds)) > 0
    }

    private borrowing func failed(_ action: String, _ errno: Int32, _ bytes: inout [UInt8]) -> SystemError {
        bytes.withUnsafeMutableBytes { if let base = $0.baseAddress { explicit_bzero(base, $0.count) } }
        return SystemError(action, name, errno: errno)
    }
}
