internal import CGNU
internal import Glibc

/// Memory that the start of a program needed and its work does not: parsing the command line and the configuration,
/// building the services, the first handshake.
package enum ResidentMemory {
    /// Gives back the pages of the program and its libraries that are copies of their files, and the heap's free pages.
    ///
    /// The kernel maps 64 KiB around each page of a file that is touched, so that a start leaves many megabytes resident
    /// that are never touched again. They stay in the page cache; what the program goes on using is mapped again when it
    /// is used, at the price of one minor fault for 64 KiB.
    ///
    /// Only segments that were loaded without the right to write are given back (`PT_LOAD` without `PF_W`): they hold
    /// nothing that is not in the file. Relocated data (RELRO) lies in writable segments and stays. Does not lock
    /// anything, changes no value, and may be called at any time and from any thread; a failure leaves things as they were.
    ///
    /// - Returns: the bytes of address space that were given back, whether they were resident or not.
    /// - SeeAlso: madvise(2), MADV_DONTNEED; dl_iterate_phdr(3); malloc_trim(3).
    @discardableResult
    package static func releaseStartUpPages() -> Int {
        var released = 0
        unsafe withUnsafeMutablePointer(to: &released) { total in
            _ = unsafe dl_iterate_phdr(
                { object, _, total in
                    guard let object = unsafe object?.pointee, let headers = unsafe object.dlpi_phdr else { return 0 }
                    let count = unsafe ResidentMemory.release(
                        UnsafeBufferPointer(start: headers, count: Int(object.dlpi_phnum)),
                        loadedAt: UInt(object.dlpi_addr))
                    unsafe total?.assumingMemoryBound(to: Int.self).pointee += count
                    return 0
                }, total)
        }
        _ = malloc_trim(0)
        return released
    }

    private static func release(_ headers: UnsafeBufferPointer<Elf64_Phdr>, loadedAt base: UInt) -> Int {
        let page = UInt(sysconf(Int32(_SC_PAGESIZE)))
        var released = 0
        for index in headers.indices {
            let header = unsafe headers[index]
            // PT_LOAD; PF_W. Both are macros that Swift sees as Int32.
            guard header.p_type == UInt32(PT_LOAD), header.p_flags & UInt32(PF_W) == 0 else { continue }
            // A whole page belongs to one segment: linkers align segments of different rights to pages.
            let start = (base + UInt(header.p_vaddr)) / page * page
            let end = (base + UInt(header.p_vaddr) + UInt(header.p_memsz) + page - 1) / page * page
            guard let address = unsafe UnsafeMutableRawPointer(bitPattern: start),
                unsafe madvise(address, Int(end - start), MADV_DONTNEED) == 0
            else { continue }
            released += Int(end - start)
        }
        return released
    }
}
