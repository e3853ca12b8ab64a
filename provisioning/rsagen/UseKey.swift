import CommandLine
import EntropyCrypto
import EntropyState
import Platform
import Provisioning
import TPM

/// What can be done with a key that exists: write its public half; or write what is known of its TPM, and keep it there.
func useExistingKey(_ arguments: Arguments<Flag>, _ base: String) throws(Failure) {
    try arguments.allow(
        [.key, .pem, .output, .persist, .record, .authFile, .parentAuthFile, .ownerAuthFile, .tcti, .force],
        with: "--key: no key is made")
    let place = try arguments.required(.key)
    let handle = try persistentHandle(arguments)
    let recordPath = arguments[.record]
    guard recordPath != nil || handle != nil else { return try exportPublicHalf(of: place, arguments, base + ".pub") }
    try arguments.allow(
        [.key, .persist, .record, .authFile, .parentAuthFile, .ownerAuthFile, .tcti, .force],
        with: "--persist and --record: no public half is written")
    let device = try openDevice(arguments)
    // A record that is to be written is not to be read: it may be the wrong one.
    let isToBeWritten = recordPath.map { $0.utf8.elementsEqual(TPMRecord.path(besides: place).utf8) } ?? false
    let key = try attempt { () throws(ProvisioningError) in
        try SigningKey(
            reading: place, record: isToBeWritten ? .none : .beside, authFile: arguments[.authFile], warn: say)
    }
    // Claimed before the TPM is changed.
    let file = try newFiles(recordPath.map { [$0] } ?? [], arguments)
    if let recordPath {
        let record = try attempt { () throws(ProvisioningError) in try key.makeRecord(device) }
        try attempt { () throws(StateError) in try file.write([.open(record.encode())]) }
        say("wrote \(recordPath), what is known of the TPM at \(device.configuration)")
        device.close()
    }
    if let handle {
        try attempt { () throws(ProvisioningError) in try key.persist(device, at: handle) }
        let record = recordPath ?? TPMRecord.path(besides: place)
        let isThere = Path.exists(record) ? " --record \(record)" : ""
        say("the key is now kept in the TPM too: -k \(persistentName(handle))\(isThere)")
    }
}

private func exportPublicHalf(of place: String, _ arguments: Arguments<Flag>, _ path: String) throws(Failure) {
    let key = try attempt { () throws(ProvisioningError) in
        try SigningKey(reading: place, authFile: arguments[.authFile], warn: say)
    }
    let file = try newFiles([path], arguments)
    let device = try openDevice(arguments)
    let publicKey = try attempt { () throws(ProvisioningError) in try key.publicKey(device) }
    let contents = try attempt { () throws(CryptoError) in try publicKey.file(pem: arguments.has(.pem)) }
    try attempt { () throws(StateError) in try file.write([.open(contents)]) }
    say("wrote \(path), \(publicKey.algorithm.name)")
}

/// The TPM that the options name; a wait for it ends when the program is asked to end.
func openDevice(_ arguments: Arguments<Flag>) throws(Failure) -> TPMDevice {
    let termination = try attempt { () throws(SystemError) in try Termination() }
    let device = TPMDevice(named: arguments[.tcti], termination: termination)
    try attempt { () throws(ProvisioningError) in
        try device.usePasswords(
            ownerFile: arguments[.ownerAuthFile], parentFile: arguments[.parentAuthFile], warn: say)
    }
    return device
}

/// Claims files that are to be written.
func newFiles(_ paths: [String], _ arguments: Arguments<Flag>) throws(Failure) -> NewFiles {
    try attempt { () throws(StateError) in try NewFiles(paths, force: arguments.has(.force)) }
}

/// Says what can be known of a key and its TPM.
func inspect(_ arguments: Arguments<Flag>, _ base: String) throws(Failure) {
    try arguments.allow(
        [.inspect, .json, .output, .key, .record, .authFile, .parentAuthFile, .ownerAuthFile, .tcti], with: "--inspect")
    let device = try openDevice(arguments)
    let standard = base + ".key"
    let inspection: KeyInspection
    let isAboutKey = [Flag.key, .output, .record, .authFile].contains { arguments.has($0) }
    if isAboutKey || Path.exists(standard) {
        inspection = try attempt { () throws(ProvisioningError) in
            try KeyInspection(
                try SigningKey(
                    reading: arguments[.key] ?? standard, record: .init(arguments[.record]),
                    authFile: arguments[.authFile],
                    warn: say), in: device)
        }
    } else {
        say("there is no \(standard) here: only the TPM is looked at")
        inspection = try attempt { () throws(ProvisioningError) in try KeyInspection(device) }
    }
    if arguments.has(.json) { return try Terminal.output(inspection.encode()) }
    for line in inspection.lines { try Terminal.output(line) }
}
