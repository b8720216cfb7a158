import CQratePathShims
import FoundationEssentials
import Glibc
import QratePathEmulation
import QrateSockets

/// `qrate-path`: an emulated network path between two network namespaces, for tests.
///
/// Prints one JSON object a line: `ready` once both ends are up, `counters` at each SIGUSR1, `ended` at SIGTERM, SIGINT,
/// or the end of the process that started it. The namespaces have no names and vanish with this process and those that
/// run inside, so that a crash leaves nothing behind.
@main enum Main {
    private static let usage = """
        usage: qrate-path [--both SETTINGS] [--upload SETTINGS] [--download SETTINGS]
                          [--seed N] [--mtu BYTES] [--data-bytes BYTES [--damage-data-only]]
               qrate-path --check

        SETTINGS: name=value,... of delay, jitter, loss, bursts, burst-length, rate, queue, reorder, hold, duplicate,
                  as in delay=20ms,jitter=1ms,rate=100M,queue=500K,loss=1%
        Upload is from the client's namespace to the server's. --data-bytes has UDP datagrams with so much payload
        or more counted apart; --damage-data-only gives loss, jitter, disorder and copies to them alone. --check only tells by its exit status whether this process may make such a path.
        """

    static func main() {
        qrate_path_block_signals()
        let parent = getppid()
        let arguments = CommandLine.arguments.dropFirst()
        if arguments == ["--help"] {
            write(usage, to: STDOUT_FILENO)
            return
        }
        let isCheck = arguments == ["--check"]
        do {
            let settings = try PathSettings(arguments: isCheck ? [] : arguments)
            let ends = try PathEnd.pair(mtu: settings.mtu)
            if !isCheck { serve(ends.client, ends.server, settings, parent) }
        } catch let error as SettingsError {
            fail("\(error)\n\(usage)", EX_USAGE)
        } catch {
            fail("\(error)", EX_NOPERM)
        }
    }

    private static func serve(_ client: PathEnd, _ server: PathEnd, _ settings: PathSettings, _ parent: pid_t) {
        // Two directions with the same seed must not lose the same packets.
        let upload = LinkForwarder(
            from: client.descriptor, to: server.descriptor, settings, settings.upload, seed: settings.seed &* 2)
        let download = LinkForwarder(
            from: server.descriptor, to: client.descriptor, settings, settings.download, seed: settings.seed &* 2 &+ 1)
        let threads = [upload.start(name: "upload"), download.start(name: "download")]

        var ready = PathEvent(.ready)
        ready.client = client.description
        ready.server = server.description
        tell(ready)

        func report(_ kind: PathEvent.Kind) {
            var event = PathEvent(kind)
            event.upload = upload.report
            event.upload?.droppedByDevice = client.dropped
            event.download = download.report
            event.download?.droppedByDevice = server.dropped
            tell(event)
        }
        // A parent that was killed can't stop its child: it is noticed within half a second.
        while getppid() == parent {
            let signal = qrate_path_wait_signal(500)
            if signal == SIGUSR1 { report(.counters) } else if signal != 0 { break }
        }
        upload.stop()
        download.stop()
        for thread in threads { thread.join() }
        report(.ended)
    }

    private static func tell(_ event: PathEvent) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let line = try? encoder.encode(event) else { return }
        write(String(decoding: line, as: UTF8.self), to: STDOUT_FILENO)
    }

    private static func fail(_ words: String, _ status: CInt) -> Never {
        write("qrate-path: \(words)", to: STDERR_FILENO)
        exit(status)
    }

    /// A line, at once: nothing waits in a buffer when it is needed.
    private static func write(_ line: String, to descriptor: Int32) {
        var bytes = Array((line + "\n").utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }
}
