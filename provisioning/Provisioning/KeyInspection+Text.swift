import EntropyCrypto
import EntropyState
import TPM

// An inspection as lines for a person, and as an object for programs.
extension KeyInspection {
    /// Lines of a label and what belongs to it.
    public var lines: [String] {
        var lines: [String] = []
        func add(_ label: StaticString, _ text: String) {
            let name = label.description
            lines.append(name + String(repeating: " ", count: max(1, 13 - name.utf8.count)) + text)
        }
        if let key {
            add("key", "\(key.place), \(key.location.text)")
            add("algorithm", key.publicKey.algorithm.name)
            add("fingerprint", "\(key.publicKey.fingerprint), SHA-256 of the public key")
        }
        if let tpm = key?.tpm {
            add("attributes", tpm.attributes.text)
            for line in tpm.attributes.meaning { add("", line.description) }
            add("name", hexadecimal(tpm.name))
            add("parent", tpm.parentText)
            add(
                "primary",
                tpm.primaryName.map { "\(hexadecimal($0)), which sessions are salted to" }
                    ?? "not known: the owner hierarchy has a password (--owner-auth-file)")
            switch tpm.record {
            case .none: add("record", "none: whether this is the TPM that made the key is not checked at the start")
            case .matches(let path, _): add("record", "\(path): the key and the TPM are the recorded ones")
            case .differs(let path, let isKey):
                add("record", "\(path): NOT the recorded \(isKey ? "key" : "TPM"); a source would refuse it")
            }
            switch tpm.trial {
            case .signed(let salt?): add("signature", "made and verified, \(salt) bytes of salt")
            case .signed(nil): add("signature", "made and verified; ECDSA has no salt")
            case .refused(let reason): add("signature", "none: \(reason)")
            }
        }
        if let properties {
            add("TPM", "\(properties.manufacturer), \(properties.vendor), firmware \(properties.firmware)")
            add(
                "room for",
                "\(properties.freeTransientSlots) more objects, \(properties.freeSessionSlots) sessions, "
                    + "\(properties.freePersistentSlots) persistent keys")
        }
        if let lockout { add("lockout", (lockout.isLockedOut ? "LOCKED: " : "") + lockout.description) }
        return lines
    }

    /// The same as one JSON object.
    public func encode() -> [UInt8] {
        let document = JSONDocument(empty: .object)
        let object = document.value
        if let key {
            object.set("Key", key.place)
            object.set("Location", key.location.word)
            object.set("Algorithm", key.publicKey.algorithm.name)
            object.set("Fingerprint", key.publicKey.fingerprint)
        }
        if let tpm = key?.tpm { write(tpm, to: object) }
        if let properties {
            object.set("Manufacturer", properties.manufacturer)
            object.set("Vendor", properties.vendor)
            object.set("Firmware", properties.firmware)
            object.set("FreeTransientSlots", Int64(properties.freeTransientSlots))
            object.set("FreeSessionSlots", Int64(properties.freeSessionSlots))
            object.set("FreePersistentSlots", Int64(properties.freePersistentSlots))
        }
        if let lockout {
            object.set("LockedOut", boolean: lockout.isLockedOut)
            object.set("FailedTries", Int64(lockout.failedTries))
            object.set("MaximumTries", Int64(lockout.maximumTries))
            object.set("SecondsPerTry", Int64(lockout.secondsPerTry))
        }
        return document.encode()
    }

    private func write(_ tpm: InTPM, to object: JSONValue) {
        object.set("Attributes", tpm.attributes.text)
        object.set("Name", hexadecimal(tpm.name))
        if let parent = tpm.parent { object.set("Parent", TPMHandle.text(parent)) }
        if let name = tpm.primaryName { object.set("PrimaryName", hexadecimal(name)) }
        switch tpm.record {
        case .none: break
        case .matches(let path, _):
            object.set("Record", path)
            object.set("RecordMatches", boolean: true)
        case .differs(let path, _):
            object.set("Record", path)
            object.set("RecordMatches", boolean: false)
        }
        switch tpm.trial {
        case .signed(let salt):
            object.set("Signs", boolean: true)
            if let salt { object.set("SaltLength", Int64(salt)) }
        case .refused(let reason):
            object.set("Signs", boolean: false)
            object.set("Refusal", reason)
            // What was seen when the key was made.
            if case .matches(_, let salt?) = tpm.record { object.set("SaltLength", salt) }
        }
    }
}

extension KeyInspection.Key {
    /// For a person, and for programs.
    fileprivate var location: (text: String, word: String) {
        switch tpm?.isPersistent {
        case nil: ("a software key, in the file itself", "software")
        case false?: ("inside the TPM, wrapped in this file", "loadable")
        case true?: ("inside the TPM, persistent", "persistent")
        }
    }
}

extension KeyInspection.InTPM {
    fileprivate var parentText: String {
        switch parent {
        case nil: "kept by the TPM"
        case TPMKeyFile.ownerHierarchy?, 0?: "the owner hierarchy's primary"
        case let handle?: "the persistent key \(TPMHandle.text(handle))"
        }
    }
}
