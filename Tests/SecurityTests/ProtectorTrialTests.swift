import QrateMeasurement
import Testing

@testable import QrateSecurity

extension Trait where Self == ConditionTrait {
    /// For what runs libipsec-mb's code: whether it would be chosen is another question.
    static var needsIPSecMB: Self { .enabled(if: IPSecMBProtector.isThere, "libipsec-mb isn't there") }
}

@Suite("the trial of another library's AES-GCM") struct ProtectorTrialTests {
    @Test("libipsec-mb computes what GnuTLS does", .needsIPSecMB)
    func agreement() {
        let outcome = ProtectorTrial.run(IPSecMBProtector.self, against: GnuTLSProtector.self)
        if case .disagreed(let failed) = outcome { Issue.record("they differ: \(failed)") }
    }

    @Test("a library that computes wrongly is refused, by the first case that shows it")
    func wrongAnswers() {
        expect(Faulty<WrongTextOf9000>.self, fails: .aes128, textCount: 9000)
        expect(Faulty<WrongTagWithLongHeaders>.self, fails: .aes128, textCount: 3, headerCount: 25)
        expect(Faulty<WrongKeysOf256>.self, fails: .aes256, textCount: 0)
        expect(Faulty<NoKeysOf256>.self, fails: .aes256, textCount: 0)
        expect(Faulty<SealingFails>.self, fails: .aes128, textCount: 0)
        expect(Faulty<OpeningFails>.self, fails: .aes128, textCount: 0)
    }

    @Test("a library that lets forgeries pass is refused")
    func forgeries() { expect(Faulty<OpensAnything>.self, fails: .aes128, textCount: 0) }

    @Test("it must gain a tenth, or nothing changes")
    func gain() {
        #expect(ProtectorTrial.judge(50, against: 200) == .won(share: 0.25))
        #expect(ProtectorTrial.judge(95, against: 100) == .slower(share: 0.95))
        #expect(ProtectorTrial.judge(200, against: 100) == .slower(share: 2))
        #expect(ProtectorTrial.judge(.max, against: 100) != .won(share: 0))
        #expect(AEADSelection.library(after: .won(share: 0.25)) == .ipsecMB)
        #expect(AEADSelection.library(after: .slower(share: 0.95)) == .gnutls)
        let wrong = ProtectorTrial.Case(algorithm: .aes128, textCount: 1, headerCount: 1)
        #expect(AEADSelection.library(after: .disagreed(wrong)) == .gnutls)
        #expect(AEADSelection.library(after: nil) == .gnutls)
    }

    @Test("stock is GnuTLS whatever there is")
    func stock() { #expect(AEADSelection.library(for: .stock) == .gnutls) }

    private func expect<Fault: SecurityTests.Fault>(
        _ candidate: Faulty<Fault>.Type, fails algorithm: AESGCM, textCount: Int, headerCount: Int? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let outcome = ProtectorTrial.run(candidate, against: GnuTLSProtector.self)
        guard case .disagreed(let failed) = outcome else {
            Issue.record("\(outcome)", sourceLocation: sourceLocation)
            return
        }
        #expect(failed.algorithm == algorithm, sourceLocation: sourceLocation)
        #expect(failed.textCount == textCount, sourceLocation: sourceLocation)
        if let headerCount { #expect(failed.headerCount == headerCount, sourceLocation: sourceLocation) }
    }
}

// MARK: - Libraries that are wrong

/// What is wrong with one.
protocol Fault {
    static func hasKey(_ algorithm: AESGCM) -> Bool
    /// Changes what was sealed; nil when sealing fails.
    static func seal(_ sealed: UnsafeMutableRawPointer, count: Int, headerCount: Int, _ algorithm: AESGCM) -> Bool
    static func opens(rightly: Bool) -> Bool
}

extension Fault {
    static func hasKey(_: AESGCM) -> Bool { true }
    static func seal(_: UnsafeMutableRawPointer, count: Int, headerCount: Int, _: AESGCM) -> Bool { true }
    static func opens(rightly: Bool) -> Bool { rightly }

    static func flip(_ bytes: UnsafeMutableRawPointer, _ offset: Int) {
        bytes.storeBytes(of: ~bytes.load(fromByteOffset: offset, as: UInt8.self), toByteOffset: offset, as: UInt8.self)
    }
}

private enum WrongTextOf9000: Fault {
    static func seal(_ sealed: UnsafeMutableRawPointer, count: Int, headerCount: Int, _: AESGCM) -> Bool {
        if count == 9000 { flip(sealed, 8999) }
        return true
    }
}

private enum WrongTagWithLongHeaders: Fault {
    static func seal(_ sealed: UnsafeMutableRawPointer, count: Int, headerCount: Int, _: AESGCM) -> Bool {
        if headerCount > 21 { flip(sealed, count + 15) }
        return true
    }
}

private enum WrongKeysOf256: Fault {
    static func seal(
        _ sealed: UnsafeMutableRawPointer, count: Int, headerCount: Int, _ algorithm: AESGCM
    ) -> Bool {
        if algorithm == .aes256 { flip(sealed, 0) }
        return true
    }
}

private enum NoKeysOf256: Fault {
    static func hasKey(_ algorithm: AESGCM) -> Bool { algorithm == .aes128 }
}

private enum SealingFails: Fault {
    static func seal(_: UnsafeMutableRawPointer, count: Int, headerCount: Int, _: AESGCM) -> Bool { false }
}

private enum OpeningFails: Fault {
    static func opens(rightly: Bool) -> Bool { false }
}

private enum OpensAnything: Fault {
    static func opens(rightly: Bool) -> Bool { true }
}

/// GnuTLS, made wrong.
private struct Faulty<What: Fault>: PacketProtector {
    static var library: AEADLibrary { .ipsecMB }

    private let right: GnuTLSProtector
    private let algorithm: AESGCM

    init?(_ algorithm: AESGCM, key: UnsafeRawBufferPointer) {
        guard What.hasKey(algorithm), let right = GnuTLSProtector(algorithm, key: key) else { return nil }
        self.right = right
        self.algorithm = algorithm
    }

    func free() { right.free() }

    func seal(
        _ text: UnsafeRawPointer, count: Int, into sealed: UnsafeMutableRawPointer, nonce: UnsafeRawPointer,
        header: UnsafeRawPointer, headerCount: Int
    ) -> Bool {
        right.seal(text, count: count, into: sealed, nonce: nonce, header: header, headerCount: headerCount)
            && What.seal(sealed, count: count, headerCount: headerCount, algorithm)
    }

    func open(
        _ sealed: UnsafeRawPointer, count: Int, into text: UnsafeMutableRawPointer, nonce: UnsafeRawPointer,
        header: UnsafeRawPointer, headerCount: Int
    ) -> Bool {
        What.opens(
            rightly: right.open(
                sealed, count: count, into: text, nonce: nonce, header: header, headerCount: headerCount))
    }
}
