import EntropyCrypto
import EntropySource
import EntropyState
import Provisioning

/// The files in JSON: what is accepted is accepted again once it was written, and means the same.
let stateFileSubjects = [
    Subject(name: "targets") { readTargets($0) },
    Subject(name: "config") { readConfiguration($0) },
    Subject(name: "status") { readStatus($0) },
    Subject(name: "sink-status") { readSinkStatus($0) },
    Subject(name: "record") { readRecord($0) },
]

/// In errors only: nothing is read from a disk.
private let path = "fuzz.json"

private func readTargets(_ bytes: [UInt8]) -> Bool {
    let list = TargetList(path)
    guard let targets = try? list.read(bytes), let document = try? JSONDocument(parsing: bytes, file: path) else {
        return false
    }
    for target in targets { judge(target.endpoint, .connecting) }
    let entries = targets.map { $0.encode() }.joined(separator: [UInt8(ascii: ",")])
    let forms = [document.encode(), [UInt8(ascii: "[")] + entries + [UInt8(ascii: "]")]]
    for form in forms {
        guard let again = try? list.read(form) else { fatalError("a list is refused once it was written") }
        require(again.elementsEqual(targets, by: isSame), "a list means something else once it was written")
    }
    return true
}

private func isSame(_ one: Target, _ other: Target) -> Bool {
    one.identity == other.identity && one.endpoint == other.endpoint && one.counter == other.counter
        && one.next == other.next
}

private func judge(_ endpoint: Endpoint, _ use: Endpoint.Use) {
    guard case .success(let again) = Endpoint.parse(endpoint.text, for: use) else {
        fatalError("an address is refused as it is written")
    }
    require(again == endpoint, "an address is another one once it was written")
}

private func readConfiguration(_ bytes: [UInt8]) -> Bool {
    guard let document = try? SinkConfiguration.parse(bytes, path) else { return false }
    document.value.remove("State")  // it would have another file read
    guard let configuration = try? SinkConfiguration(document, path) else { return false }
    judge(configuration.endpoint, .listening)
    require(
        configuration.drift >= 0 && configuration.maximumAge >= 0 && (0...256).contains(configuration.credit),
        "a number beyond its limits")
    require((1...16).contains(configuration.signers.count), "too many signers, or none")
    let text = document.encode()
    guard let again = retrying({ try? SinkConfiguration(try SinkConfiguration.parse(text, path), path) }) else {
        fatalError("a configuration is refused once it was written")
    }
    require(isSame(again, configuration), "a configuration means something else once it was written")
    return true
}

private func isSame(_ one: SinkConfiguration, _ other: SinkConfiguration) -> Bool {
    one.address == other.address && one.endpoint == other.endpoint && one.drift == other.drift
        && one.ownKey?.publicKey == other.ownKey?.publicKey && one.credit == other.credit
        && one.limits == other.limits && one.maximumAge == other.maximumAge
        && one.requiresRecipient == other.requiresRecipient
        && one.signers.elementsEqual(other.signers) { $0.key.pkix == $1.key.pkix && $0.counter == $1.counter }
}

private func readStatus(_ bytes: [UInt8]) -> Bool {
    guard let report = try? Report(decoding: bytes, file: path) else { return false }
    require(!report.lines.isEmpty, "a table without a heading")
    let text = report.encode()
    require((try? Report(decoding: text, file: path))?.encode() == text, "a report is not read as it is written")
    return true
}

/// Numbers and digits only: whatever is in the file, its table can do nothing to a terminal.
private func readSinkStatus(_ bytes: [UInt8]) -> Bool {
    guard let report = try? SinkReport(decoding: bytes, file: path) else { return false }
    for now in [.min, 0, 1_800_000_000, .max] as [Int64] {
        for isRunning in [true, false, nil] {
            let lines = report.lines(now: now, isRunning: isRunning)
            require(lines.count >= report.signers.count + 2, "a signer has no line")
            require(lines.allSatisfy { $0.utf8.allSatisfy { (0x20...0x7e).contains($0) } }, "a line cannot be printed")
            let shown = try? SinkReport(decoding: report.encode(now: now, isRunning: isRunning), file: path)
            require(shown == report, "a report means something else once it was shown")
        }
    }
    require((try? SinkReport(decoding: report.encode(), file: path)) == report, "a report is not read as it is written")
    return true
}

private func readRecord(_ bytes: [UInt8]) -> Bool {
    guard let record = try? TPMRecord(decoding: bytes, file: path) else { return false }
    let text = record.encode()
    guard let again = try? TPMRecord(decoding: text, file: path) else { fatalError("a record is not read again") }
    require(again.encode() == text, "a record is not read as it is written")
    require(again.keyName == record.keyName && again.primaryName == record.primaryName, "a record has another Name")
    return true
}
