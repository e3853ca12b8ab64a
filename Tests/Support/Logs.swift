import Foundation
import Testing

// What tests take from the programs' lines. What a line names is its content; how it says it is for people, and no test's
// affair. Where nothing but a line tells what happened, its wording is here and nowhere else in the tests.

extension StringProtocol {
    /// True when the text names this thing: a file, a member, an option, an address, as a word of its own. A phrase is refused.
    public func names(_ thing: String, sourceLocation: SourceLocation = #_sourceLocation) -> Bool {
        guard !thing.isEmpty, !thing.contains(" ") else {
            Issue.record("\"\(thing)\" is a phrase, and no thing's name", sourceLocation: sourceLocation)
            return false
        }
        let marks = CharacterSet(charactersIn: ":;,()\"'`?")
        return split(whereSeparator: { $0 == " " || $0 == "\n" }).contains { word in
            word == thing || word.trimmingCharacters(in: marks) == thing
        }
    }
}

extension String {
    /// The lines that begin with this thing, after the program's name.
    public func lines(about thing: String) -> [Substring] {
        split(separator: "\n").filter { line in
            var rest = line.drop { $0 != " " }.dropFirst()
            if rest.hasPrefix("[software only] ") { rest = rest.dropFirst("[software only] ".count) }
            return rest.hasPrefix("\(thing): ")
        }
    }
}

/// What a line says of a packet.
public struct LoggedPacket: Sendable {
    public enum Fate: String, Sendable {
        case mixed, refused
        case unconfirmed = "sent"
        case notMixed = "not mixed"
        case notDelivered = "not delivered"
    }

    /// The sink's, or at a sink whom the packet came from.
    public let address: String
    public let counter: Int64
    /// The beginning of the signer's fingerprint, where a sink has several.
    public let signer: String?
    public let fate: Fate
    public let line: String

    init?(_ line: Substring) {
        guard
            let match = line.firstMatch(of: /([^ ]+): packet (-?[0-9]+)(?: of signer ([0-9a-f]+))? ((not )?[a-z]+)/),
            let counter = Int64(match.2), let fate = Fate(rawValue: String(match.4))
        else { return nil }
        address = String(match.1)
        self.counter = counter
        signer = match.3.map(String.init)
        self.fate = fate
        self.line = String(line)
    }
}

extension String {
    /// What became of packets, in a source's log or a sink's.
    public var packets: [LoggedPacket] { split(separator: "\n").compactMap { LoggedPacket($0) } }

    /// The numbers of packets that ended so.
    public func packets(_ fate: LoggedPacket.Fate) -> [Int64] {
        packets.filter { $0.fate == fate }.map { $0.counter }
    }

    /// The port that a sink listens at, once it does.
    public var listeningPort: UInt16? {
        firstMatch(of: /listening on [^\n]*port ([0-9]+)/).flatMap { UInt16($0.1) }
    }

    /// How often a sink has read its configuration anew.
    public var rereadings: Int { matches(of: /read [^\n]* anew: counter/).count }

    /// Bytes that came of each peer that closed before its packet was whole.
    public var closings: [Int] { matches(of: /closed the connection after ([0-9]+) bytes/).compactMap { Int($0.1) } }

    /// How often a chunk has had the kernel's generator reseeded.
    public var reseedings: Int { components(separatedBy: "its generator reseeded").count - 1 }

    /// Seconds until a sink is tried again, each time that it failed.
    public func waits(for address: String) -> [Int] {
        split(separator: "\n").filter { $0.names(address) }.compactMap { line in
            line.firstMatch(of: /; next try in ([0-9]+) s/).flatMap { Int($0.1) }
        }
    }

    /// How often a source has waited for a sink in vain.
    public var timeouts: Int { components(separatedBy: "no answer in time").count - 1 }

    /// How often a source has found noise source `name` healthy again.
    public func recoveries(of name: String) -> Int { components(separatedBy: "\(name): healthy again").count - 1 }

    /// How often a source has told that noise source `name` keeps it from sending.
    public func halts(by name: String) -> Int { components(separatedBy: "nothing is sent: \(name): ").count - 1 }
}
