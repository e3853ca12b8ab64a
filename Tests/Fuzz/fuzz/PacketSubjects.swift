import DER
import EntropyCrypto
import EntropyPacket

/// What a sink reads of a packet, and a source of a receipt.
let packetSubjects = [
    Subject(name: "frame") { readFrame($0) },
    Subject(name: "signed-message") { readSignedMessage($0) },
    Subject(name: "packet") { readPacket($0) },
    Subject(name: "receipt") { readReceipt($0) },
]

private enum FrameOutcome: Equatable {
    case incomplete
    case whole([UInt8])
    case refused(PacketError)
}

/// However the bytes arrive, the same comes of them.
private func readFrame(_ bytes: [UInt8]) -> Bool {
    var isWhole = false
    for sizes in [Frame.packetSizes, Frame.receiptSizes] {
        let whole = outcome(of: bytes, sizes) { _ in bytes.count }
        require(outcome(of: bytes, sizes) { _ in 1 } == whole, "bytes that come one by one give something else")
        // Pieces of 0 to 63 bytes, as the bytes at their beginnings say.
        let pieces = outcome(of: bytes, sizes) { Int(bytes[$0] ^ UInt8(truncatingIfNeeded: $0)) % 64 }
        require(pieces == whole, "bytes that come in pieces give something else")
        switch whole {
        case .incomplete: require(bytes.count < Frame.headerSize + sizes.upperBound, "a whole frame is not seen")
        case .whole(let contents):
            require(sizes.contains(contents.count), "a frame of a wrong length is taken")
            require(bytes.starts(with: Frame.encode(contents)), "the frame is another one than what came")
        case .refused(let error):
            require(error == .frameLength(Int(bytes[0]) << 8 | Int(bytes[1])), "refused for another reason")
        }
        if case .whole = whole { isWhole = true }
    }
    return isWhole
}

/// Feeds pieces, whose length `size` tells by the place where they begin, until something comes of them.
private func outcome(of bytes: [UInt8], _ sizes: ClosedRange<Int>, _ size: (Int) -> Int) -> FrameOutcome {
    var reader = FrameReader(sizes)
    var place = 0
    var wasEmpty = false
    while place < bytes.count {
        // An empty piece is allowed, two in a row would lead nowhere.
        let length = wasEmpty ? max(1, size(place)) : size(place)
        wasEmpty = length == 0
        let piece = bytes[place...].prefix(length)
        place += piece.count
        do throws(PacketError) {
            let contents = try reader.take(piece)
            require(reader.count <= Frame.headerSize + sizes.upperBound, "more is kept than a frame can have")
            if let contents { return .whole(contents) }
        } catch {
            return .refused(error)
        }
    }
    return .incomplete
}

/// What a box holds: what is accepted has one form.
private func readSignedMessage(_ bytes: [UInt8]) -> Bool {
    guard let signed = try? SignedMessage(decoding: bytes) else { return false }
    require(signed.encode() == bytes, "a signed message has a second form")
    return readPacket(signed.message)
}

private func readPacket(_ bytes: [UInt8]) -> Bool {
    guard let packet = try? Packet(decoding: bytes) else { return false }
    require(packet.chunk.count == Packet.chunkSize, "a chunk of another length is taken")
    let encoded = packet.encode()
    require((try? Packet(decoding: encoded)) == packet, "a packet is not read as it is written")
    // Elements of later versions may follow: up to there it is what this version writes.
    require(contents(bytes).starts(with: contents(encoded)), "a packet has a second form")
    judgeFreshness(packet)
    return true
}

private func contents(_ sequence: [UInt8]) -> ArraySlice<UInt8> {
    var reader = DERReader(sequence)
    return (try? reader.read(DERTag.sequence)) ?? []
}

/// No clock, drift or counter may trap, and a packet that is the sink's own time and above its counter is fresh.
private func judgeFreshness(_ packet: Packet) {
    let numbers: [Int64] = [.min, -1, 0, 1, .max, packet.timestamp, packet.counter]
    for drift in numbers {
        for now in numbers {
            let isFresh = (try? Freshness(drift: drift).check(packet, now: now, storedCounter: packet.counter)) != nil
            require(!isFresh, "a counter is taken twice")
        }
    }
    guard packet.counter > .min else { return }
    let isFresh =
        (try? Freshness(drift: 0).check(packet, now: packet.timestamp, storedCounter: packet.counter - 1)) != nil
    require(isFresh, "a fresh packet is refused")
}

private func readReceipt(_ bytes: [UInt8]) -> Bool {
    let receipt = Receipt(decoding: bytes)
    if let receipt { require(receipt.encode() == bytes, "a receipt has a second form") }
    let numbers = receiptBySwiftASN1(bytes)
    require(receipt?.counter == numbers?.counter, "swift-asn1 reads another counter")
    require(receipt?.time == numbers?.time, "swift-asn1 reads another time")
    require(receipt?.status.rawValue == numbers?.status, "swift-asn1 reads another status")
    return receipt != nil
}
