import CQrateSocketShims
import Glibc

/// A thread of our own, for loops that block: Swift's pool must never wait in a system call.
package final class DedicatedThread: Sendable {
    private let handle: pthread_t

    /// Starts `body` at once. The thread keeps `body`'s captures alive until it returns.
    package init(name: String, _ body: @escaping @Sendable () -> Void) {
        let start = Unmanaged.passRetained(Start(name: name, body: body))  // released by the thread, below
        var handle = pthread_t()
        let result = pthread_create(&handle, nil, Self.run, start.toOpaque())
        // Only a process at its limit of threads gets here, and it can't do its work without this one.
        precondition(result == 0, "cannot start a thread: \(String(cString: strerror(result)))")
        self.handle = handle
    }

    /// Waits for the thread's end, once. Blocks: for owners that are threads themselves, or at the end of a process.
    package func join() { pthread_join(handle, nil) }

    /// Lets the thread's resources go when it ends by itself.
    package func detach() { pthread_detach(handle) }

    private final class Start {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    private static let run: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
        guard let argument else { return nil }
        let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
        qrate_name_thread(String(start.name.prefix(15)))  // the kernel keeps 15 characters
        start.body()
        return nil
    }
}
