import QrateSockets
import Testing

@Suite("what the system says of its machine") struct MachineFactsTests {
    private static let metal = """
        processor\t: 0
        vendor_id\t: GenuineIntel
        cpu family\t: 6
        model\t\t: 106
        model name\t: Intel(R) Xeon(R) Gold 6338 CPU @ 2.00GHz
        flags\t\t: fpu vme de pse tsc msr pae mce aes avx avx2 vaes
        bugs\t\t: spectre_v1

        processor\t: 1
        model name\t: another
        """
    private static let guest = """
        processor\t: 0
        model name\t: AMD EPYC 7763 64-Core Processor
        flags\t\t: fpu vme aes hypervisor lahf_lm vmmcall
        """
    /// An Arm core doesn't call itself anything.
    private static let arm = """
        processor\t: 0
        BogoMIPS\t: 243.75
        Features\t: fp asimd evtstrm aes pmull sha1
        CPU implementer\t: 0x41
        CPU architecture: 8
        CPU part\t: 0xd0c
        """
    private static let power = """
        processor\t: 0
        cpu\t\t: POWER9, altivec supported
        clock\t\t: 3800.000000MHz
        """

    private func facts(_ cpuinfo: String, _ change: (inout MachineFacts) -> Void = { _ in }) -> MachineFacts {
        var facts = MachineFacts()
        facts.cpuinfo = cpuinfo
        change(&facts)
        return facts
    }

    @Test(
        "the processor is the first one's model",
        arguments: [
            (metal, "Intel(R) Xeon(R) Gold 6338 CPU @ 2.00GHz"), (guest, "AMD EPYC 7763 64-Core Processor"),
            (arm, "implementer 0x41, part 0xd0c"), (power, "POWER9, altivec supported"), ("", nil),
            ("model name\t:\nmodel name", nil), (":\n:::\n", nil),
        ] as [(String, String?)])
    func processor(cpuinfo: String, name: String?) { #expect(facts(cpuinfo).processor == name) }

    @Test("an x86 processor says whether a hypervisor is under it, whatever the firmware's names are")
    func flag() {
        #expect(facts(Self.guest).isVirtualMachine == true)
        #expect(facts(Self.metal).isVirtualMachine == false)
        #expect(facts(Self.metal) { $0.maker = "OpenStack Foundation\n" }.isVirtualMachine == false)
        #expect(facts(Self.metal) { $0.announcesHypervisor = true }.isVirtualMachine == true)
    }

    @Test("elsewhere only a sign of one is known, and its absence is not")
    func firmware() {
        #expect(facts(Self.arm).isVirtualMachine == nil)
        #expect(facts("").isVirtualMachine == nil)
        let names = [("QEMU\n", "QEMU Virtual Machine\n"), ("", "KVM Virtual Machine\n"), ("VMware, Inc.\n", "")]
        for (maker, product) in names {
            let machine = facts(Self.arm) { ($0.maker, $0.product) = (maker, product) }
            #expect(machine.isVirtualMachine == true, "\(maker)")
        }
        #expect(facts(Self.arm) { $0.maker = "Ampere(TM)\n" }.isVirtualMachine == nil)
        #expect(facts(Self.arm) { $0.announcesHypervisor = true }.isVirtualMachine == true)
    }

    @Test("a container shows by its manager's mark or by its control group, or not at all")
    func container() {
        #expect(facts("").isContainer == nil)
        #expect(facts("") { $0.controlGroups = "0::/init.scope\n" }.isContainer == nil)
        #expect(facts("") { $0.hasContainerMark = true }.isContainer == true)
        let groups = ["1:name=systemd:/docker/4f1c\n", "0::/kubepods.slice/pod7\n", "5:cpu:/lxc/web\n"]
        for group in groups { #expect(facts("") { $0.controlGroups = group }.isContainer == true, "\(group)") }
    }

    @Test("this machine's can be read")
    func thisOne() throws {
        let name = try #require(SystemName.current)
        #expect(name.system == "Linux")
        #expect(!name.release.isEmpty)
        let facts = MachineFacts.read()
        #expect(facts.architecture == name.machine)
        #expect(facts.cpuinfo.contains("processor"))
        #expect(MachineFacts.read().isVirtualMachine == facts.isVirtualMachine)
    }
}
