import Testing

@testable import QrateSecurity

@Suite("what the processor does in hardware") struct ProcessorFeaturesTests {
    @Test(
        "AES-GCM needs instructions for both of its halves",
        arguments: [
            ("processor\t: 0\nflags\t\t: fpu sse2 pclmulqdq aes avx\nbugs\t\t: aes\n", true),
            ("processor\t: 0\nflags\t\t: fpu sse2 aes avx\n", false),
            ("processor\t: 0\nflags\t\t: fpu sse2 pclmulqdq vaes avx\n", false),
            ("processor\t: 0\nFeatures\t: fp asimd evtstrm aes pmull sha1\n", true),
            ("processor\t: 0\nFeatures\t: fp asimd evtstrm\n", false), ("", false), ("flags", false),
        ])
    func aes(description: String, hasAES: Bool) {
        #expect(ProcessorFeatures.hasAES(description: description) == hasAES)
    }
}
