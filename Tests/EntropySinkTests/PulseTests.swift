import Dispatch
import NIOCore
import NIOPosix
import Support
import Testing

@testable import EntropySink

/// What systemd's watchdog hears of threads that hang.
@Suite struct PulseTests {
    @Test func whoHangsDoesNotAnswer() throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let openers = NIOThreadPool(numberOfThreads: 1)
        openers.start()
        let worker = NIOThreadPool(numberOfThreads: 1)
        worker.start()
        let pulse = Pulse()
        func beats() -> Bool { eventually(seconds: 5) { pulse.check(group.any(), openers, worker) } }
        for _ in 0..<3 { #expect(beats()) }
        // One thread after the other waits for something that does not come.
        for hang in [
            { body in group.any().execute(body) }, { body in openers.submit { _ in body() } },
            { body in worker.submit { _ in body() } },
        ]
            as [(@escaping @Sendable () -> Void) -> Void]
        {
            let mayGoOn = DispatchSemaphore(value: 0)
            hang { mayGoOn.wait() }
            // The question before may have been answered still.
            _ = eventually(seconds: 0.2) { pulse.check(group.any(), openers, worker) }
            #expect(!eventually(seconds: 0.3) { pulse.check(group.any(), openers, worker) })
            mayGoOn.signal()
            #expect(beats())
        }
        try openers.syncShutdownGracefully()
        try worker.syncShutdownGracefully()
        try group.syncShutdownGracefully()
    }
}
