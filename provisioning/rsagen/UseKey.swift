import CommandLine
import EntropyCrypto
import EntropyState
import Platform
import Provisioning
import TPM

/// What can be done with a key that exists: write its public half; or write what is known of its TPM, and keep it there.
func useExistingKey(_ arguments: Arguments<Flag>, _ base: String) throws(Failure) {
    try arguments.allow(
        [.key, .pem, .output, .persist, .record, .authFile, .tcti, .force], with: "--key: no key is made")
    let place = try arguments.required(.key)
    let handle = try persistentHandle(arguments)
    let device = TPMDevice(named: arguments[.tcti])
    // The record that --record names is to be written here, and not to be read.
    let key = try attempt { () throws(ProvisioningError) in
        try SigningKey(reading: place, authFile: arguments[.authFile], warn: say)
    }
    if let handle {
        try attempt { () throws(ProvisioningError) in try key.persist(device, at: handle) }
        say("\(place) is now kept in the TPM too, as \(persistentName(handle))")
    }
    if let path = arguments[.record] {
        let file = try newFile(path, arguments)
        let record = try attempt { () throws(ProvisioningError) in try key.makeRecord(device) }
        try attempt { () throws(StateError) in try file.write([.open(record.encode())]) }
        say("wrote \(path), what is known of the TPM at \(device.configuration)")
    }
    if handle == nil, !arguments.has(.record) { try exportPublicHalf(of: key, device, arguments, base + ".pub") }
}

private func exportPublicHalf(
    of key: SigningKey, _ device: TPMDevice, _ arguments: Arguments<Flag>, _ path: String
) throws(Failure) {
    let file = try newFile(path, arguments)
    let publicKey = try attempt { () throws(ProvisioningError) in try key.publicKey(device) }
    let contents = try attempt { () throws(CryptoError) in try publicKey.file(pem: arguments.has(.pem)) }
    try attempt { () throws(StateError) in try file.write([.open(contents)]) }
    say("wrote \(path), \(publicKey.algorithm.name)")
}

private func newFile(_ path: String, _ arguments: Arguments<Flag>) throws(Failure) -> NewFiles {
    try attempt { () throws(StateError) in try NewFiles([path], force: arguments.has(.force)) }
}

/// Says what can be known of a key and its TPM.
func inspect(_ arguments: Arguments<Flag>, _ base: String) throws(Failure) {
    try arguments.allow([.inspect, .json, .output, .key, .record, .authFile, .tcti], with: "--inspect")
    let device = TPMDevice(named: arguments[.tcti])
    let standard = base + ".key"
    let inspection: KeyInspection
    if arguments.has(.key) || arguments.has(.output) || Path.exists(standard) {
        inspection = try attempt { () throws(ProvisioningError) in
            try KeyInspection(
                try SigningKey(
                    reading: arguments[.key] ?? standard, record: arguments[.record], authFile: arguments[.authFile],
                    warn: say), in: device)
        }
    } else {
        say("there is no \(standard) here: only the TPM is looked at")
        inspection = try attempt { () throws(ProvisioningError) in try KeyInspection(device) }
    }
    if arguments.has(.json) { return try Terminal.output(inspection.encode()) }
    for line in inspection.lines { try Terminal.output(line) }
}
