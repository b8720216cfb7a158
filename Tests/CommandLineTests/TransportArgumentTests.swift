import QrateKit
import Testing

@Suite("the transport and its settings") struct TransportArgumentTests {
    @Test(
        "the transport",
        arguments: [
            ([], .quic), (["--quic"], .quic), (["--tcp"], .tcp), (["--tls"], .tls), (["--udp"], .udp), (["-u"], .udp),
            (["--tcp", "--tcp"], .tcp),
        ] as [([String], TransportKind)])
    func kind(arguments: [String], kind: TransportKind) throws {
        #expect(try Parsing.parameters(arguments).transport == kind)
    }

    @Test("without a flag every setting is the default")
    func defaults() throws { #expect(try Parsing.settings([]) == TransportSettings()) }

    @Test("every setting arrives")
    func settings() throws {
        #expect(try Parsing.settings(["-l", "128K"]).payloadUnit == 131_072)
        #expect(try Parsing.settings(["-l1400"]).payloadUnit == 1400)
        #expect(try Parsing.settings(["-w", "4M"]).window == 4_194_304)
        #expect(try Parsing.settings(["--window", "0.5M"]).window == 524_288)
        #expect(try Parsing.settings(["-C", "bbr"]).congestionController == "bbr")
        #expect(try Parsing.settings(["-Ccubic"]).congestionController == "cubic")
        #expect(try Parsing.settings(["-M", "1200"]).maxSegmentSize == 1200)
        #expect(try Parsing.settings(["--set-mss", "88"]).maxSegmentSize == 88)
        #expect(try Parsing.settings(["-N"]).sendsWithoutDelay)
        #expect(try Parsing.settings(["--nodelay"]).sendsWithoutDelay)
        #expect(try Parsing.settings(["-Z"]).usesZeroCopy)
        #expect(try Parsing.settings(["--zerocopy"]).usesZeroCopy)
        #expect(try Parsing.settings(["--skip-rx-copy"]).skipsReceiveCopy)
        #expect(try Parsing.settings(["--mptcp"]).usesMultipath)
        #expect(try Parsing.settings(["--connections", "3"]).connections == 3)
        #expect(try Parsing.settings(["--datagrams"]).usesDatagrams)
        #expect(try Parsing.settings(["--max-datagram", "1200"]).maxDatagram == .bytes(1200))
        #expect(try Parsing.settings(["--max-datagram", "interface"]).maxDatagram == .interface)
    }

    @Test("who encrypts is the program's choice, or GnuTLS", arguments: AEADChoice.allCases)
    func aead(choice: AEADChoice) throws {
        #expect(try Parsing.configuration([]).network.aead == .auto)
        #expect(try Parsing.configuration(["--aead", choice.rawValue]).network.aead == choice)
        #expect(try Parsing.configuration(["--tls", "--aead", choice.rawValue.uppercased()]).network.aead == choice)
        #expect(Parsing.refusal(["--aead", "openssl"])?.contains("--aead") == true)
    }

    @Test("a cipher is one of three, in any case of letters", arguments: CipherSuite.allCases)
    func cipher(cipher: CipherSuite) throws {
        #expect(try Parsing.settings(["--cipher", cipher.rawValue]).cipher == cipher)
        #expect(try Parsing.settings(["--cipher", cipher.rawValue.uppercased()]).cipher == cipher)
    }

    @Test(
        "the TOS byte is decimal or hexadecimal",
        arguments: [("0", 0), ("255", 255), ("184", 184), ("0x00", 0), ("0xb8", 184), ("0XFF", 255)]
            as [(String, UInt8)])
    func typeOfService(text: String, byte: UInt8) throws {
        #expect(try Parsing.settings(["-S", text]).typeOfService == byte)
        #expect(try Parsing.settings(["--tos", text]).typeOfService == byte)
    }

    @Test(
        "a code point is a number or a name, and leaves ECN's bits 0",
        arguments: [
            ("0", 0), ("46", 184), ("63", 252), ("0x2e", 184), ("ef", 184), ("EF", 184), ("cs0", 0), ("cs1", 32),
            ("cs7", 224), ("af11", 40), ("af23", 88), ("af41", 136), ("af43", 152), ("va", 176), ("le", 4),
        ] as [(String, UInt8)])
    func codePoint(text: String, byte: UInt8) throws {
        #expect(try Parsing.settings(["--dscp", text]).typeOfService == byte)
    }

    @Test(
        "a value that makes no sense is refused by its flag",
        arguments: [
            ("-S", "256"), ("-S", "0x100"), ("-S", "010"), ("-S", "-1"), ("-S", "ef"), ("-S", "0x"), ("-S", ""),
            ("-S", "0x+1"), ("--dscp", "64"), ("--dscp", "af44"), ("--dscp", "af51"), ("--dscp", "cs8"),
            ("--dscp", "best"), ("-l", "x"), ("-w", "4MB"), ("-M", "x"), ("--connections", "one"),
            ("--max-datagram", "65536"), ("--max-datagram", "any"), ("--cipher", "rc4"), ("--cport", "65536"),
            ("--cport", "0"),
        ])
    func badValue(option: String, value: String) {
        #expect(Parsing.refusal([option, value])?.contains(option) == true, "\(option) \(value)")
    }

    @Test(
        "a missing value is refused by its flag",
        arguments: ["-b", "-l", "-w", "-C", "-M", "-S", "-B", "--dscp", "--cport"])
    func missingValue(option: String) {
        #expect(Parsing.refusal([option])?.contains(option) == true)
    }
}
