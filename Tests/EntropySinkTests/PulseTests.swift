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
        func beats() -> Bool { eventually { pulse.check(group.any(), openers, worker) } }
        for _ in 0..<3 { #expect(beats()) }
        // One thread after the other waits for something that does not come.
        let threads: [(@escaping @Sendable () -> Void) -> Void] = [
            { group.any().execute($0) }, { body in openers.submit { _ in body() } },
            { body in worker.submit { _ in body() } },
        ]
        for (place, hang) in threads.enumerated() {
            let (isHanging, mayGoOn) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
            hang {
                isHanging.signal()
                mayGoOn.wait()
            }
            isHanging.wait()
            var answers = 0
            for _ in 0..<4 {
                if pulse.check(group.any(), openers, worker) { answers += 1 }
                // The others have done by then what they were asked for.
                for (other, ask) in threads.enumerated() where other != place {
                    let isDone = DispatchSemaphore(value: 0)
                    ask { isDone.signal() }
                    isDone.wait()
                }
            }
            // The question before may have been answered still.
            #expect(answers <= 1)
            mayGoOn.signal()
            #expect(beats())
        }
        try openers.syncShutdownGracefully()
        try worker.syncShutdownGracefully()
        try group.syncShutdownGracefully()
    }
}
