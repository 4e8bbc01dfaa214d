import Dispatch
import Foundation

/// The target that the command line names, as `fuzz TARGET` followed by libFuzzer's own arguments.
private let property: Property = {
    let name = ProcessInfo.processInfo.environment["FUZZ_TARGET"] ?? ""
    if let property = Property.all.first(where: { $0.name == name }) { return property }
    let names = Property.all.map(\.name).sorted().joined(separator: " ")
    print("FUZZ_TARGET names no target. There are: \(names)")
    exit(2)
}()

/// libFuzzer calls this with one input after another, and takes an abort for a finding.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    let isDone = DispatchSemaphore(value: 0)
    Task.detached {
        do {
            try await property.check(input)
        } catch {
            FileHandle.standardError.write(Data("\(property.name): \(error)\n".utf8))
            abort()
        }
        isDone.signal()
    }
    isDone.wait()
    return 0
}
