import Dispatch
import NIOCore
import NIOPosix
import Testing

@testable import EntropySink

/// Packets that come while others are judged.
@Suite struct InboxTests {
    /// The sizes of the rounds, written by the worker alone.
    final class Rounds: @unchecked Sendable {
        var sizes: [Int] = []
        let begun = DispatchSemaphore(value: 0)
        let mayGoOn = DispatchSemaphore(value: 0)
    }

    @Test func whatCameMeanwhileIsJudgedTogether() throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let worker = NIOThreadPool(numberOfThreads: 1)
        worker.start()
        let rounds = Rounds()
        let inbox = Inbox(worker) { arrivals in
            rounds.sizes.append(arrivals.count)
            if rounds.sizes.count == 1 {
                rounds.begun.signal()
                rounds.mayGoOn.wait()
            }
            return arrivals.map { Receiver.Answer(receipt: $0.bytes) }
        }
        func submit(_ number: Int) -> EventLoopFuture<Receiver.Answer> {
            inbox.submit(
                Receiver.Arrival(bytes: [UInt8(number & 255), UInt8(number >> 8)], peer: Peer(nil)), group.any())
        }
        let first = submit(0)
        rounds.begun.wait()
        let others = (1...600).map { submit($0) }
        rounds.mayGoOn.signal()
        // Each has its own answer.
        #expect(try first.wait().receipt == [0, 0])
        for (place, other) in others.enumerated() {
            #expect(try other.wait().receipt == [UInt8((place + 1) & 255), UInt8((place + 1) >> 8)])
        }
        #expect(rounds.sizes == [1, 256, 256, 88])
        // And after a rest it begins anew.
        #expect(try submit(7).wait().receipt == [7, 0])
        try worker.syncShutdownGracefully()
        try group.syncShutdownGracefully()
    }
}
